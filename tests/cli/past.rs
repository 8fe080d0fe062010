//! What is remembered of earlier runs.

use crate::world::Folder;

/// A release that was gone back from, as its journal has it.
const JOURNAL: &str = r#"{"v":1,"at":"2026-11-21T02:00:00Z","entry":{"record":"opened","run":"r20261121-020000-7f3k","verb":"release","app":"blog","env":"production","version":"v2","tool":"0.1.0","who":"ada@laptop","spec":"0123","steps":[{"name":"create","title":"create a droplet"}]}}
{"v":1,"at":"2026-11-21T02:00:00.100Z","entry":{"record":"began","step":0,"name":"create"}}
{"v":1,"at":"2026-11-21T02:00:20.100Z","entry":{"record":"did","step":0,"name":"create","note":"droplet 7","millis":20000}}
{"v":1,"at":"2026-11-21T02:00:20.200Z","entry":{"record":"began","step":1,"name":"watch"}}
{"v":1,"at":"2026-11-21T02:00:25.000Z","entry":{"record":"noted","topic":"cutover","facts":{"sent":96,"failed":12,"p50_ms":1.25,"longest_outage_ms":600}}}
{"v":1,"at":"2026-11-21T02:00:25.200Z","entry":{"record":"failed","step":1,"name":"watch","why":"the public address failed for 0.60 s","millis":5000}}
{"v":1,"at":"2026-11-21T02:00:25.300Z","entry":{"record":"undoing","step":0,"name":"create"}}
{"v":1,"at":"2026-11-21T02:00:26.300Z","entry":{"record":"undid","step":0,"name":"create","note":"kept for a look"}}
{"v":1,"at":"2026-11-21T02:00:26.400Z","entry":{"record":"closed","outcome":"returned","why":"the public address failed for 0.60 s","traffic":"returned, on v1","api_calls":57,"millis":26400}}
{"v":1,"at":"2026-11-21T02:"#;

#[test]
fn history_replays_a_run() {
    let folder = Folder::initialised();
    assert!(folder.remuda(&["history"]).ended(0).out.contains("no runs are recorded"));
    drop(folder.remuda(&["history", "show"]).ended(10).says("nothing is recorded"));
    folder.write(".remuda/runs/r20261121-020000-7f3k.jsonl", JOURNAL);
    let began = JOURNAL.lines().take(2).collect::<Vec<_>>().join("\n");
    let torn = began.replace("020000-7f3k", "030000-abcd").replace("\"v2\"", "\"v3\"");
    folder.write(".remuda/runs/r20261121-030000-abcd.jsonl", &torn);
    folder.write(".remuda/runs/r20261121-040000-junk.jsonl", "no journal at all\n");

    let list = folder.remuda(&["history"]).ended(0).out;
    for words in [
        "2026-11-21 02:00:00",
        "release v2",
        "returned",
        "26.4 s",
        "57",
        "ada@laptop",
        "unfinished",
    ] {
        assert!(list.contains(words), "{words}\n{list}");
    }
    let staging = folder.remuda(&["history", "-e", "staging", "-o", "json"]).ended(0).json();
    assert_eq!(staging["runs"].as_array().map(Vec::len), Some(0));

    let shown = folder.remuda(&["history", "show", "7f3k"]).ended(0).out;
    for words in [
        "release of blog/production v2",
        "20.0 s",
        "droplet 7",
        "sent 96, failed 12, p50 1.2 ms, longest outage 600 ms",
        "failed: the public address failed for 0.60 s",
        "undo create",
        "returned after 26.4 s and 57 API calls; traffic returned, on v1",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    let latest = folder.remuda(&["history", "show"]).ended(0).out;
    assert!(latest.contains("began, and never ended"), "{latest}");
    assert!(latest.contains("unfinished"), "{latest}");
    let json = folder.remuda(&["history", "show", "7f3k", "-o", "json"]).ended(0).json();
    assert_eq!(json["summary"]["outcome"], "returned");
    assert_eq!(json["records"].as_array().map(Vec::len), Some(9));
    drop(folder.remuda(&["history", "show", "r2026"]).ended(2).says("2 runs"));
    drop(folder.remuda(&["history", "show", "zzzz"]).ended(10).says("zzzz"));
}

#[test]
fn logs_of_a_failed_run_need_no_account() {
    let folder = Folder::initialised();
    drop(folder.remuda(&["logs", "--run", "last"]).ended(10).says("evidence"));
    folder.write(".remuda/evidence/r1/app.log", "boom\n");
    folder.write(".remuda/evidence/r1/spec.yaml", "version: 1\n");
    let did = folder.remuda(&["logs", "--run", "last"]).ended(0);
    assert!(
        did.out.contains("==> app.log <==\nboom") && did.out.contains("spec.yaml"),
        "{}",
        did.out
    );
    let json = folder.remuda(&["logs", "--run", "r1", "-o", "json"]).ended(0).json();
    assert_eq!(json["logs"]["app.log"], "boom\n");
}
