//! `kill -9` at any instant is safe: the same command again, from another working copy, finishes.
//!
//! Generated, not picked: one walk dies after every journal record, another dies while every
//! request that changes something is on its way, before and after its effect.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{Did, Make, World, can_run};

/// How many worlds share a walk.
const SHARDS: usize = 3;
/// More records than any run has.
const MANY: usize = 200;

fn make() -> Make {
    Make { watch: "300ms", ..Make::default() }
}

/// What must be true after every recovery.
#[track_caller]
fn is_sound(world: &World, version: &str, at: &str) {
    assert_eq!(world.visit().as_deref(), Some(version), "{at}: traffic");
    let holder = world.holder().unwrap_or_default();
    assert!(holder.contains(&format!("-{version}-")), "{at}: {holder} holds the address");
    assert_eq!(world.locks(), 0, "{at}: the lock");
    let status = world.status();
    assert_eq!(status["settled"], true, "{at}: {status}");
    let roles: Vec<&str> = status["droplets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|droplet| droplet["role"].as_str())
        .collect();
    assert_eq!(roles.iter().filter(|role| **role == "live").count(), 1, "{at}: {roles:?}");
    assert!(!roles.contains(&"candidate"), "{at}: an orphan: {roles:?}");
    assert!(roles.len() <= 2, "{at}: {roles:?}");
    assert_eq!(world.droplets().len(), roles.len(), "{at}: a droplet of nobody");
}

/// Runs a command that dies after journal record `record`; whether it did.
fn dies(world: &World, args: &[&str], record: usize) -> bool {
    let mut command = world.command("project", args);
    command.env("REMUDA_CRASH_AT", format!("after:{record}"));
    let did: Did = command.output().unwrap().into();
    if did.code.is_none() {
        return true;
    }
    drop(did.ended(0));
    false
}

fn again(world: &World, copy: &str, args: &[&str]) {
    drop(world.project(copy, "300ms"));
    drop(world.remuda_in(copy, args).ended(0));
}

/// Dies after every `SHARDS`th record of a release, from `shard` on.
fn walk_release(shard: usize) {
    if !can_run("a_release_survives_death_after_any_record") {
        return;
    }
    let world = World::new(&make());
    drop(world.remuda(&["release", "v0"]).ended(0));
    for record in (1 + shard..MANY).step_by(SHARDS) {
        let version = format!("v{record}");
        let died = dies(&world, &["release", &version], record);
        let at = format!("release, record {record}");
        assert!(world.visit().is_some(), "{at}: traffic was lost");
        again(&world, &format!("copy{record}"), &["release", &version]);
        is_sound(&world, &version, &at);
        if !died {
            assert!(record > 20, "a release has only {record} records");
            return;
        }
    }
    panic!("a release has no end");
}

#[test]
fn a_release_survives_death_after_any_record_0() {
    walk_release(0);
}

#[test]
fn a_release_survives_death_after_any_record_1() {
    walk_release(1);
}

#[test]
fn a_release_survives_death_after_any_record_2() {
    walk_release(2);
}

#[test]
fn a_rollback_survives_death_after_any_record() {
    if !can_run("a_rollback_survives_death_after_any_record") {
        return;
    }
    let world = World::new(&make());
    drop(world.remuda(&["release", "old"]).ended(0));
    for record in 1..MANY {
        let version = format!("v{record}");
        drop(world.remuda(&["release", &version]).ended(0));
        let died = dies(&world, &["rollback"], record);
        let at = format!("rollback, record {record}");
        assert!(world.visit().is_some(), "{at}: traffic was lost");
        if died {
            again(&world, &format!("copy{record}"), &["rollback"]);
        }
        is_sound(&world, "old", &at);
        drop(world.remuda(&["destroy", &version, "--yes"]).ended(0));
        if !died {
            assert!(record > 8, "a rollback has only {record} records");
            return;
        }
    }
    panic!("a rollback has no end");
}

#[test]
fn a_prune_survives_death_after_any_record() {
    if !can_run("a_prune_survives_death_after_any_record") {
        return;
    }
    let world = World::new(&make());
    drop(world.remuda(&["release", "v0"]).ended(0));
    for record in 1..MANY {
        let version = format!("v{record}");
        world.overlay("project", "retain: { previous: 9 }\n");
        drop(world.remuda(&["release", &version]).ended(0));
        drop(world.remuda(&["release", &format!("{version}b")]).ended(0));
        drop(world.project("project", "300ms"));
        let died = dies(&world, &["prune", "--yes"], record);
        let at = format!("prune, record {record}");
        again(&world, &format!("copy{record}"), &["prune", "--yes"]);
        is_sound(&world, &format!("{version}b"), &at);
        if !died {
            assert!(record > 3, "a prune has only {record} records");
            return;
        }
    }
    panic!("a prune has no end");
}

/// Returns the requests since the last reset that change something, as verb and how many of that
/// verb came before.
fn changes(world: &World) -> Vec<(String, usize)> {
    let log = world.api("GET", "/sim/requests", &Value::Null);
    let mut seen: Vec<(String, usize)> = Vec::new();
    for request in log["requests"].as_array().cloned().unwrap_or_default() {
        let verb = request["method"].as_str().unwrap_or_default().to_owned();
        let path = request["path"].as_str().unwrap_or_default();
        if verb != "GET" && path.starts_with("/v2/") {
            let before = seen.iter().filter(|(other, _)| *other == verb).count();
            seen.push((verb, before));
        }
    }
    seen
}

/// Kills a command while request `(verb, number)` is held, then runs it again.
fn dies_within(world: &World, what: &str, verb: &str, number: usize, args: &[&str]) {
    world.fault(&format!("{what}:{verb} /v2/**:1:after={number}"));
    drop(world.api("POST", "/sim/requests/reset", &Value::Null));
    let mut command = world.command("project", args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    loop {
        let held = changes(world).iter().filter(|(other, _)| other == verb).count() > number;
        if held || child.try_wait().unwrap().is_some() {
            break;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "{verb} {number} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.no_faults();
}

fn walk_requests(what: &str) {
    if !can_run("a_release_survives_death_within_any_request") {
        return;
    }
    let world = World::new(&make());
    drop(world.remuda(&["release", "v0"]).ended(0));
    drop(world.remuda(&["release", "w0"]).ended(0));
    drop(world.api("POST", "/sim/requests/reset", &Value::Null));
    drop(world.remuda(&["release", "v1"]).ended(0));
    let changes = changes(&world);
    assert!(changes.len() > 8, "{changes:?}");
    for (step, (verb, number)) in changes.iter().enumerate() {
        let version = format!("w{}", step + 1);
        dies_within(&world, what, verb, *number, &["release", &version]);
        let at = format!("{what} {verb} {number}");
        assert!(world.visit().is_some(), "{at}: traffic was lost");
        again(&world, &format!("copy{step}"), &["release", &version]);
        is_sound(&world, &version, &at);
    }
}

#[test]
fn a_release_survives_death_before_any_effect() {
    walk_requests("hold-before");
}

#[test]
fn a_release_survives_death_after_any_effect() {
    walk_requests("hold");
}
