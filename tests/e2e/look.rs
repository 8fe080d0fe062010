//! Looking at what stands: a command on the live droplet, its log, the past, and the doctor.

use std::io::Write as _;

use serde_json::Value;

use crate::world::{Did, Make, World, can_run};

#[test]
fn a_live_droplet_can_be_looked_at() {
    if !can_run("a_live_droplet_can_be_looked_at") {
        return;
    }
    let world = World::new(&Make::default());
    let nobody = world.remuda(&["exec", "true"]).ended(10);
    assert!(nobody.err.contains("no live droplet"), "{}", nobody.err);
    drop(world.remuda(&["release", "v1"]).ended(0));
    drop(world.remuda(&["release", "v2"]).ended(0));

    // streams, bytes and the exit status are the command's
    let did = world.remuda(&["exec", "echo out; echo err >&2; exit 7"]).ended(7);
    assert_eq!((did.out.as_str(), did.err.contains("err\n")), ("out\n", true));
    let words = ["exec", "--", "printf", "%s|", "a b", "it's", "$HOME", ""];
    assert_eq!(world.remuda(&words).ended(0).out, "a b|it's|$HOME||");
    let name = |on: &str| world.remuda(&["exec", "--on", on, "uname", "-n"]).ended(0).out;
    assert!(name("v1").starts_with("hello-production-v1-"));
    assert!(name("v2").starts_with("hello-production-v2-"));
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    assert_eq!(through(&world, &["exec", "cat"], &bytes), bytes);
    drop(world.remuda(&["exec", "--on", "v9", "true"]).ended(10));
    drop(world.remuda(&["exec", "--timeout", "1s", "sleep", "60"]).ended(16));

    // ssh takes options and commands, and never another trust
    let hostile = ["ssh", "v1", "--", "-Snone", "-oUserKnownHostsFile=/dev/null", "uname", "-n"];
    assert!(world.remuda(&hostile).ended(0).out.starts_with("hello-production-v1-"));

    drop(world.remuda(&["exec", "echo words >>~/hello/log"]).ended(0));
    assert!(world.remuda(&["logs"]).ended(0).out.contains("words"));
    drop(world.remuda(&["logs", "v1", "--boot"]).ended(0));

    let past = world.remuda(&["history", "-o", "json"]).ended(0).json();
    let runs = past["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["outcome"] == "done"), "{past}");
    let last = world.remuda(&["history", "show"]).ended(0).out;
    for words in ["release of hello/production v2", "cutover", "sent ", "API calls; traffic on v2"]
    {
        assert!(last.contains(words), "{words}\n{last}");
    }

    let doctor = world.remuda(&["doctor", "-o", "json"]).ended(0).json();
    assert_eq!((&doctor["failed"], &doctor["warned"]), (&Value::from(0), &Value::from(0)));
}

/// Returns what a command makes of `input`.
fn through(world: &World, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = world.command("project", args);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    let out = output.stdout.clone();
    drop(Did::from(output).ended(0));
    out
}
