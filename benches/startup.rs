//! How long the binary takes to say its version and its help, and how much memory a release takes.
//!
//! `cargo bench --bench startup`
//!
//! Each is run in turn with a program that does nothing, since what a start costs on a machine that
//! does other work says little without it. Nothing is asserted.

#![expect(clippy::disallowed_methods, reason = "a bench starts processes")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot measure ends")]

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../tests/e2e/world.rs"]
mod world;

use world::{Make, World, can_run};

/// How often each is started.
const RUNS: usize = 50;
/// The program under measurement.
const REMUDA: &str = env!("CARGO_BIN_EXE_remuda");

fn main() {
    let programs: [(&str, &[&str], Option<f64>); 3] = [
        ("true", &[], None),
        (REMUDA, &["--version"], Some(10.0)),
        (REMUDA, &["--help"], Some(20.0)),
    ];
    let mut took: [Vec<f64>; 3] = Default::default();
    for _ in 0..RUNS {
        for ((program, args, _), took) in programs.iter().zip(&mut took) {
            took.push(start(program, args));
        }
    }
    println!(
        "{:<20} {:>8} {:>10} {:>16} {:>8}",
        "", "min ms", "median ms", "median/nothing", "target"
    );
    let nothing = median(&mut took[0]);
    for ((program, args, target), took) in programs.iter().zip(&mut took) {
        let middle = median(took);
        let name = format!("{} {}", program.rsplit('/').next().unwrap_or(program), args.join(" "));
        let target = target.map_or_else(String::new, |target| format!("<{target}"));
        println!(
            "{name:<20} {:>8.2} {middle:>10.2} {:>15.1}x {target:>8}",
            took[0],
            middle / nothing
        );
    }
    if can_run("the memory of a release") {
        let world = World::new(&Make { watch: "2s", ..Make::default() });
        for args in [&["release", "v1"][..], &["release", "v2"], &["rollback"]] {
            println!(
                "{:<20} {:>8.1} MiB at most; the target is <64",
                args.join(" "),
                peak(&world, args)
            );
        }
    }
}

fn start(program: &str, args: &[&str]) -> f64 {
    let began = Instant::now();
    let status = Command::new(program).args(args).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{program} {args:?}");
    began.elapsed().as_secs_f64() * 1000.0
}

/// Sorts, and returns the middle.
fn median(took: &mut [f64]) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

/// Runs a command, and returns the most memory that it had at one time, in MiB.
fn peak(world: &World, args: &[&str]) -> f64 {
    let mut child = world.command("project", args).stderr(Stdio::null()).spawn().unwrap();
    let mut highest = 0.0_f64;
    let status = loop {
        // the kernel keeps the highest figure, so that only the very end may be missed
        if let Some(kib) = high_water(child.id()) {
            highest = highest.max(kib);
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{args:?} ended with {status}");
    highest / 1024.0
}

fn high_water(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
