//! A simulator that is killed takes its droplets with it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use remuda::sim::net::Move;

use crate::yard::{Yard, possible, runs, until};

/// Not a test of its own: holds droplets until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is started by the other test and ends by being killed"]
async fn holder() {
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    yard.say(ip, "setsid sleep 54321 >/dev/null 2>&1 </dev/null & true").await;
    let mut out = std::io::stdout();
    let _ = std::io::Write::write_all(
        &mut out,
        format!("\nholding {}\n", yard.dir.path().display()).as_bytes(),
    );
    remuda::retry::sleep(std::time::Duration::from_mins(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_simulator_leaves_no_process_and_no_mount() {
    if !possible() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the simulator is a process that can be killed")]
    let mut holder = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "death::holder", "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawn");
    let said = BufReader::new(holder.stdout.take().expect("pipe"));
    let dir = said
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ").map(ToOwned::to_owned))
        .expect("it holds a droplet");
    assert!(runs(&dir) && runs("sleep 54321"), "the droplet runs");
    holder.kill().expect("kill");
    holder.wait().expect("wait");
    until("the droplet to be gone", || !runs(&dir) && !runs("sleep 54321")).await;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(&dir), "{mounts}");
    // What is left are files in the state directory; this test removes them, as a reset would.
    std::fs::remove_dir_all(&dir).expect("remove");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_hosts_end_their_droplets() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    yard.say(ip, "setsid sleep 65432 >/dev/null 2>&1 </dev/null & true").await;
    let dir = yard.dir.path().display().to_string();
    assert!(runs("sleep 65432") && runs(&dir));
    let Yard { hosts, network, dir: kept, .. } = yard;
    drop((hosts, network));
    until("the droplet to be gone", || !runs("sleep 65432") && !runs(&dir)).await;
    drop(kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_or_init_that_is_killed_takes_its_droplet_with_it() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let dir = yard.dir.path().display().to_string();
    let ip = yard.create(1, "").await;
    for round in 0..2 {
        yard.say(ip, "setsid sleep 76543 >/dev/null 2>&1 </dev/null & true").await;
        let keeper = crate::yard::process(&dir).expect("the keeper runs");
        let victim = if round == 0 {
            keeper
        } else {
            let children = format!("/proc/{keeper}/task/{keeper}/children");
            let children = std::fs::read_to_string(children).expect("children");
            children.trim().parse().expect("init is its only child")
        };
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(victim), nix::sys::signal::SIGKILL)
            .expect("kill");
        until("the droplet to be gone", || !runs("sleep 76543") && !runs(&dir)).await;
        while yard.hosts.is_on(1).await {
            tokio::task::yield_now().await;
        }
        yard.hosts.power_on(1).await.expect("on again");
        yard.listening(1, crate::yard::SSH).await;
        yard.network.point(ip, Some(1)).await.expect("point");
    }
}
