//! One writer: two runs on one environment cannot overlap, and a dead one's lock is no obstacle.

use std::time::{Duration, Instant};

use crate::world::{Make, World, can_run};

#[test]
fn of_two_simultaneous_releases_one_wins() {
    if !can_run("of_two_simultaneous_releases_one_wins") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.project("other", "1s"));
    // the winner is held up where it can be seen to hold the lock
    world.fault("slow:POST /v2/droplets:ms=3000");
    let first = world.command("project", &["release", "v1"]).spawn().unwrap();
    let started = Instant::now();
    while world.locks() == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "nobody took the lock");
        std::thread::sleep(Duration::from_millis(50));
    }
    let second = world.remuda_in("other", &["release", "v2"]).ended(11);
    assert!(second.err.contains("tester@"), "{}", second.err);
    assert!(second.err.contains("release"), "{}", second.err);
    let first: crate::world::Did = first.wait_with_output().unwrap().into();
    drop(first.ended(0));
    assert_eq!(world.visit().as_deref(), Some("v1"));
    assert_eq!(world.droplets().len(), 1);
}

#[test]
fn a_waiting_release_gets_its_turn() {
    if !can_run("a_waiting_release_gets_its_turn") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.project("other", "1s"));
    world.fault("slow:POST /v2/droplets:ms=1500");
    let first = world.command("project", &["release", "v1"]).spawn().unwrap();
    while world.locks() == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(world.remuda_in("other", &["release", "v2", "--lock-wait", "60s"]).ended(0));
    let first: crate::world::Did = first.wait_with_output().unwrap().into();
    drop(first.ended(0));
    assert_eq!(world.visit().as_deref(), Some("v2"));
}

#[test]
fn an_interrupted_release_undoes_what_it_began() {
    if !can_run("an_interrupted_release_undoes_what_it_began") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.remuda(&["release", "v1"]).ended(0));
    // held up once the droplet is there and the address not yet moved
    world.fault("slow:POST /v2/reserved_ips/*/actions:ms=5000");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let child = world.command("project", &["release", "v2"]).spawn().unwrap();
        let started = Instant::now();
        while world.droplets().len() < 2 {
            assert!(started.elapsed() < Duration::from_secs(20), "no candidate");
            std::thread::sleep(Duration::from_millis(20));
        }
        let id = child.id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
        let did: crate::world::Did = child.wait_with_output().unwrap().into();
        let did = did.ended(code);
        assert!(did.err.contains("untouched"), "{}", did.err);
        assert_eq!(world.visit().as_deref(), Some("v1"));
        assert_eq!(world.locks(), 0);
        assert_eq!(world.status()["settled"], true);
        drop(world.remuda(&["gc", "--yes"]).ended(0));
        for droplet in world.status()["droplets"].as_array().unwrap().iter().skip(1) {
            drop(world.remuda(&["destroy", droplet["name"].as_str().unwrap(), "--yes"]).ended(0));
        }
    }
}
