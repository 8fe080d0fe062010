//! How much time the tool adds to what the cloud itself takes, step by step; and its requests.
//!
//! `cargo bench --bench overhead [-- --profile typical|none|FILE] [--speed N]`
//!
//! Starts the simulator with a profile of latencies, releases v1, releases v2 beside it, and rolls
//! back. The time of a step is the cloud's while an action runs, a request is being answered or a
//! host boots, each as the simulator itself measures it; all the rest is the tool's: pauses between
//! polls, SSH, health checks, the disk. A request that is answered while an action runs counts
//! once. The watch is asked for, so it is left out. Nothing is asserted about time.

#![expect(clippy::disallowed_methods, reason = "a bench starts processes and asks the time")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot measure ends")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use remuda::run::journal::{self, Entry};
use serde_json::Value;

#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../tests/e2e/world.rs"]
mod world;

use world::{Make, World, can_run};

/// What the tool may add: this share of the cloud's time, or this many seconds if that is more.
const TARGET: (f64, f64) = (0.05, 1.0);
/// The port of SSH in the demo's spec.
const SSH: u16 = 2222;

/// A stretch of time, in seconds since the epoch.
type Span = (f64, f64);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut profile, mut speed) = ("typical".to_owned(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--profile" => profile = arguments.next().unwrap_or_default(),
            "--speed" => speed = arguments.next(),
            // cargo passes it
            "--bench" => {}
            other => {
                eprintln!("`{other}` is unknown: --profile typical|none|FILE, --speed N");
                return ExitCode::from(2);
            }
        }
    }
    if let Some(speed) = speed {
        profile = format!("{profile}/{speed}");
    }
    if !can_run("the overhead of releases") {
        return ExitCode::SUCCESS;
    }
    println!("latencies: {profile}");
    let make = Make { latency: profile.leak(), watch: "1s", ..Make::default() };
    let world = World::new(&make);
    for args in [&["release", "v1"][..], &["release", "v2"], &["rollback"]] {
        measure(&world, args);
    }
    ExitCode::SUCCESS
}

/// Runs a command and prints where its time went.
fn measure(world: &World, args: &[&str]) {
    world.forget_requests();
    let over = AtomicBool::new(false);
    let (doors, whole) = std::thread::scope(|scope| {
        let doors = scope.spawn(|| watch_doors(&over));
        let began = now();
        drop(world.remuda(args).ended(0));
        let whole = (began, now());
        over.store(true, Ordering::Relaxed);
        (doors.join().unwrap(), whole)
    });
    // before the bench asks anything itself
    let (log, requests) = (world.api("GET", "/sim/requests", &Value::Null), world.requests());
    let cloud = cloud_time(world, &log, &doors, whole);
    let (steps, asked) = steps(world, whole);
    println!(
        "\n{}\n{:<34} {:>8} {:>8} {:>8} {:>9}  calls",
        args.join(" "),
        "",
        "took s",
        "cloud s",
        "tool s",
        "tool/cloud"
    );
    let starts = arrivals(&log);
    let (mut clouds, mut tools) = (0.0, 0.0);
    for (name, span) in &steps {
        let took = span.1 - span.0;
        let (theirs, note) =
            if name == "watch" { (took, "  asked for") } else { (within(&cloud, *span), "") };
        let ours = (took - theirs).max(0.0);
        if name != "watch" {
            clouds += theirs;
            tools += ours;
        }
        let calls = starts.iter().filter(|at| span.0 <= **at && **at < span.1).count();
        println!(
            "{name:<34} {took:>8.2} {theirs:>8.2} {ours:>8.2} {:>9}  {calls}{note}",
            ratio(ours, theirs)
        );
    }
    println!(
        "{:<34} {:>8.2} {clouds:>8.2} {tools:>8.2} {:>9}  {}",
        "all but the watch",
        whole.1 - whole.0 - asked,
        ratio(tools, clouds),
        starts.len()
    );
    let allowed = (TARGET.0 * clouds).max(TARGET.1);
    println!(
        "the tool adds {tools:.2} s to {clouds:.2} s of the cloud's ({:.1} %); the target is {allowed:.2} s",
        100.0 * tools / clouds.max(1e-9)
    );
    let mut by_path = BTreeMap::<String, usize>::new();
    for request in requests {
        *by_path.entry(request).or_default() += 1;
    }
    for (request, count) in by_path {
        println!("{count:>5} {request}");
    }
}

fn ratio(ours: f64, theirs: f64) -> String {
    if theirs < 0.005 { "-".into() } else { format!("{:.1} %", 100.0 * ours / theirs) }
}

/// Returns the command's stretches in order: before its first step, each step, after the last; and
/// how long of them was the watch.
fn steps(world: &World, whole: Span) -> (Vec<(String, Span)>, f64) {
    let newest = journal::list(&world.dir().join("project/.remuda/runs")).pop().unwrap();
    let (mut steps, mut begun) = (Vec::new(), BTreeMap::new());
    let (mut first, mut last, mut asked) = (None, whole.0, 0.0);
    for record in journal::read(&newest).unwrap() {
        let at = seconds(record.at);
        match record.entry {
            Entry::Began { step, .. } => {
                first.get_or_insert(at);
                begun.insert(step, at);
            }
            Entry::Did { step, name, .. } => {
                let since = begun.get(&step).copied().unwrap_or(at);
                if name == "watch" {
                    asked += at - since;
                }
                last = at;
                steps.push((name, (since, at)));
            }
            _ => {}
        }
    }
    let first = first.unwrap_or(whole.1);
    steps.insert(0, ("look, preflight, lock".into(), (whole.0, first)));
    steps.push(("unlock".into(), (last, whole.1)));
    (steps, asked)
}

/// Returns when the simulator was at work, by its own account: answering, acting, booting.
fn cloud_time(world: &World, log: &Value, doors: &BTreeMap<String, f64>, whole: Span) -> Vec<Span> {
    let mut spans = Vec::new();
    for request in log["requests"].as_array().into_iter().flatten() {
        if let Some(at) = time(&request["at"]).filter(|_| is_v2(request)) {
            spans.push((at, at + millis(&request["millis"])));
        }
    }
    let addresses: BTreeMap<u64, String> = world
        .droplets()
        .iter()
        .filter_map(|droplet| {
            let networks = droplet["networks"]["v4"].as_array()?;
            let public = networks.iter().find(|it| it["type"] == "public")?;
            Some((droplet["id"].as_u64()?, public["ip_address"].as_str()?.to_owned()))
        })
        .collect();
    let acted = world.api("GET", "/sim/actions", &Value::Null);
    for action in acted["actions"].as_array().into_iter().flatten() {
        let Some(at) = time(&action["started_at"]) else { continue };
        let end = at + millis(&action["latency_ms"]).max(millis(&action["millis"]));
        spans.push((at, end));
        let door = action["droplet"].as_u64().and_then(|id| doors.get(addresses.get(&id)?));
        if let Some(open) = door.filter(|_| action["type"] == "create") {
            spans.push((end, open.max(end)));
        }
    }
    spans.retain(|span| span.1 > whole.0 && span.0 < whole.1);
    merge(spans)
}

/// Returns when the requests to the API arrived.
fn arrivals(log: &Value) -> Vec<f64> {
    let all = log["requests"].as_array().into_iter().flatten();
    all.filter(|it| is_v2(it)).filter_map(|it| time(&it["at"])).collect()
}

fn is_v2(request: &Value) -> bool {
    request["path"].as_str().is_some_and(|path| path.starts_with("/v2/"))
}

/// Joins stretches that touch.
fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => merged.push(span),
        }
    }
    merged
}

/// Returns how much of `span` the stretches cover.
fn within(spans: &[Span], span: Span) -> f64 {
    spans.iter().map(|one| (one.1.min(span.1) - one.0.max(span.0)).max(0.0)).sum()
}

/// Notes when addresses of this machine begin to accept SSH, without asking anyone.
fn watch_doors(over: &AtomicBool) -> BTreeMap<String, f64> {
    let mut doors = BTreeMap::new();
    let mut is_first = true;
    while !over.load(Ordering::Relaxed) {
        let at = if is_first { 0.0 } else { now() };
        for address in listening() {
            doors.entry(address).or_insert(at);
        }
        is_first = false;
        std::thread::sleep(Duration::from_millis(5));
    }
    doors
}

/// Returns the IPv4 addresses of this machine that listen on the port of SSH.
fn listening() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let door = |line: &str| {
        let mut fields = line.split_whitespace();
        let (ip, port) = fields.nth(1)?.split_once(':')?;
        let listens = fields.nth(1)? == "0A" && u16::from_str_radix(port, 16).ok()? == SSH;
        let [d, c, b, a] = u32::from_str_radix(ip, 16).ok()?.to_be_bytes();
        listens.then(|| format!("{a}.{b}.{c}.{d}"))
    };
    table.lines().filter_map(door).collect()
}

fn now() -> f64 {
    seconds(Timestamp::now())
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn time(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok().map(seconds)
}

fn millis(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0) / 1000.0
}
