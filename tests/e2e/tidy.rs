//! After a run that died: resume, abort, gc; and the end of everything.

use serde_json::Value;

use crate::world::{Did, Make, World, can_run};

/// A world in which v1 is live and a release of v2 died after this many journal records.
fn died_after(record: usize) -> World {
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    let mut command = world.command("project", &["release", "v2"]);
    command.env("REMUDA_CRASH_AT", format!("after:{record}"));
    let did: Did = command.output().unwrap().into();
    assert_eq!(did.code, None, "it did not die: {}", did.err);
    world
}

/// The number of the record that says that this step is done.
fn record_of(step: &str) -> usize {
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    drop(world.remuda(&["release", "v0"]).ended(0));
    drop(world.remuda(&["release", "v1"]).ended(0));
    let runs = world.dir().join("project/.remuda/runs");
    let mut journals: Vec<_> = std::fs::read_dir(runs)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    journals.sort();
    let text = std::fs::read_to_string(journals.last().unwrap()).unwrap();
    let is_it = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["entry"]["record"] == "did" && record["entry"]["name"] == step
    };
    text.lines().position(is_it).unwrap() + 1
}

#[test]
fn an_interrupted_release_is_resumed_or_aborted() {
    if !can_run("an_interrupted_release_is_resumed_or_aborted") {
        return;
    }
    for step in ["create", "health", "cutover"] {
        let record = record_of(step);
        let world = died_after(record);
        let status = world.remuda(&["status"]).ended(0);
        assert!(status.out.contains("remuda resume"), "{step}: {}", status.out);
        drop(world.remuda(&["resume"]).ended(0));
        assert_eq!(world.visit().as_deref(), Some("v2"), "{step}");
        assert_eq!((world.locks(), world.droplets().len()), (0, 2), "{step}");

        let world = died_after(record);
        drop(world.remuda(&["abort"]).ended(0));
        assert_eq!(world.visit().as_deref(), Some("v1"), "{step}");
        assert_eq!(world.locks(), 0, "{step}");
        assert_eq!(world.status()["settled"], true, "{step}");
        // one that has had traffic is kept for a look, another is gone
        let kept = if step == "cutover" { 2 } else { 1 };
        assert_eq!(world.droplets().len(), kept, "{step}");
        drop(world.remuda(&["resume"]).ended(10));
        drop(world.remuda(&["abort"]).ended(10));
    }
}

#[test]
fn gc_clears_away_what_a_dead_run_left() {
    if !can_run("gc_clears_away_what_a_dead_run_left") {
        return;
    }
    let world = died_after(record_of("create"));
    let seen = world.remuda(&["gc", "--dry-run"]).ended(0);
    assert!(seen.out.contains("-v2-"), "{}", seen.out);
    // without a terminal and without --yes nothing is destroyed
    drop(world.remuda(&["gc"]).ended(2));
    assert_eq!(world.droplets().len(), 2);
    drop(world.remuda(&["gc", "--yes"]).ended(0));
    assert_eq!((world.locks(), world.droplets().len()), (0, 1));
    let again = world.remuda(&["gc", "--yes"]).ended(0);
    assert!(again.out.contains("nothing"), "{}", again.out);
}

#[test]
fn destroying_everything_leaves_nothing_on_the_bill() {
    if !can_run("destroying_everything_leaves_nothing_on_the_bill") {
        return;
    }
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    drop(world.remuda(&["release", "v2"]).ended(0));
    drop(world.remuda(&["destroy", "v2", "--yes"]).ended(2));
    drop(world.remuda(&["destroy", "--all"]).ended(2));
    assert_eq!(world.visit().as_deref(), Some("v2"));
    drop(world.remuda(&["destroy", "--all", "--release-address", "--yes"]).ended(0));
    assert_eq!((world.locks(), world.droplets().len()), (0, 0));
    let ips = world.api("GET", "/v2/reserved_ips", &Value::Null);
    assert_eq!(ips["reserved_ips"].as_array().map(Vec::len), Some(0));
    let records = world.api("GET", "/v2/domains/example.com/records?type=A", &Value::Null);
    assert_eq!(records["domain_records"].as_array().map(Vec::len), Some(0));
}
