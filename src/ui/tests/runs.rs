//! Runs to show: a good one, one that fails, one that comes back.

use jiff::{SignedDuration, Timestamp};

use crate::run::event::{Event, Title, What};

/// The moment a run begins.
pub(super) fn begin() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

/// The moment this many milliseconds later.
pub(super) fn at(millis: i64) -> Timestamp {
    begin() + SignedDuration::from_millis(millis)
}

fn event(millis: i64, what: What) -> Event {
    Event { at: at(millis), what }
}

fn started(verb: &str) -> Event {
    let steps = [
        ("preflight", "check everything before anything is created"),
        ("create", "create droplet blog-production-v1.4.0-7f3k in nyc3"),
        ("boot", "wait for the droplet and its cloud-init"),
        ("health", "ask the droplet itself: http /healthz"),
        ("cutover", "move 203.0.113.10 and 2 records"),
        ("watch", "probe the public address for 2 m 00 s"),
    ];
    event(
        0,
        What::RunStarted {
            run: "r1121-7f3k".into(),
            verb: verb.into(),
            app: "blog".into(),
            env: "production".into(),
            version: Some("v1.4.0".into()),
            steps: steps
                .map(|(name, title)| Title { name: name.into(), title: title.into() })
                .into(),
        },
    )
}

fn start(millis: i64, step: usize, name: &str, title: &str) -> Event {
    event(millis, What::StepStarted { step, name: name.into(), title: title.into() })
}

fn done(millis: i64, step: usize, name: &str, note: &str, took: u64) -> Event {
    event(millis, What::StepDone { step, name: name.into(), note: note.into(), millis: took })
}

fn progress(millis: i64, step: usize, text: &str) -> Event {
    event(millis, What::StepProgress { step, text: text.into() })
}

fn probe(millis: i64, sent: u64, failed: u64) -> Event {
    event(millis, What::Probe { sent, failed, p50_ms: 2.14, max_ms: 18.6 })
}

/// Everything up to a healthy candidate.
fn prepared() -> Vec<Event> {
    let output = "\u{1b}[32mDigest: sha256:0123\u{1b}[0m\r";
    vec![
        start(0, 0, "preflight", "check everything before anything is created"),
        done(310, 0, "preflight", "9 checks", 310),
        start(320, 1, "create", "create droplet blog-production-v1.4.0-7f3k in nyc3"),
        progress(900, 1, "waiting for it to become active"),
        done(
            1_500,
            1,
            "create",
            "droplet 412 at 203.0.113.77, private 10.0.0.2, from image debian-13-x64, known by its host key",
            1_180,
        ),
        start(1_510, 2, "boot", "wait for the droplet and its cloud-init"),
        event(2_000, What::StepOutput { step: 2, line: output.into() }),
        progress(3_000, 2, "cloud-init runs: modules-final"),
    ]
}

/// A release that goes well.
pub(super) fn good() -> Vec<Event> {
    let mut events = vec![started("release")];
    events.extend(prepared());
    events.extend([
        event(12_000, What::Warning { text: "cloud-init is degraded: 1 warning".into() }),
        done(13_500, 2, "boot", "", 11_990),
        start(13_510, 3, "health", "ask the droplet itself: http /healthz"),
        probe(13_600, 1, 0),
        done(14_000, 3, "health", "3 of 3 answers in a row", 490),
        start(14_010, 4, "cutover", "move 203.0.113.10 and 2 records"),
        event(
            14_400,
            What::TrafficMoved {
                from: Some("blog-production-v1.3.0-aaaa".into()),
                to: "blog-production-v1.4.0-7f3k".into(),
                millis: 390,
            },
        ),
        done(14_420, 4, "cutover", "203.0.113.10 answers with the new host key", 410),
        start(14_430, 5, "watch", "probe the public address for 2 m 00 s"),
        progress(20_000, 5, "healthy for 5.57 s of 2 m 00 s"),
        probe(20_000, 128, 0),
        done(134_500, 5, "watch", "2400 requests, 0 failed", 120_070),
        probe(134_500, 2_412, 0),
        finished(134_600, "done", "on blog-production-v1.4.0-7f3k (203.0.113.10)"),
    ]);
    events
}

/// A release whose candidate never gets well: undone, traffic untouched.
pub(super) fn failing() -> Vec<Event> {
    let mut events = vec![started("release")];
    events.extend(prepared());
    events.extend([
        done(13_500, 2, "boot", "cloud-init is done", 11_990),
        start(13_510, 3, "health", "ask the droplet itself: http /healthz"),
        event(
            103_600,
            What::StepFailed {
                step: 3,
                name: "health".into(),
                why: "GET http://203.0.113.77/healthz answered 500, expected 200".into(),
                millis: 90_090,
            },
        ),
        event(103_610, What::UndoStarted { step: 1, name: "create".into() }),
        event(
            104_000,
            What::UndoDone {
                step: 1,
                name: "create".into(),
                note: "droplet 412 is destroyed".into(),
            },
        ),
        event(104_010, What::UndoStarted { step: 0, name: "preflight".into() }),
        event(
            104_020,
            What::UndoFailed {
                step: 0,
                name: "preflight".into(),
                why: "the API answers 503".into(),
            },
        ),
        finished(104_100, "failed", "untouched, on blog-production-v1.3.0-aaaa"),
    ]);
    events
}

/// A release that goes out, fails under watch, and comes back.
pub(super) fn returned() -> Vec<Event> {
    let moved = |millis, from: &str, to: &str| {
        event(millis, What::TrafficMoved { from: Some(from.into()), to: to.into(), millis: 210 })
    };
    vec![
        started("release"),
        start(0, 4, "cutover", "move 203.0.113.10 and 2 records"),
        moved(400, "v1.3.0", "v1.4.0"),
        done(410, 4, "cutover", "", 410),
        start(420, 5, "watch", "probe the public address for 2 m 00 s"),
        probe(1_000, 20, 0),
        probe(2_000, 40, 7),
        event(
            2_100,
            What::StepFailed {
                step: 5,
                name: "watch".into(),
                why: "7 of 40 requests failed".into(),
                millis: 1_680,
            },
        ),
        event(2_110, What::UndoStarted { step: 4, name: "cutover".into() }),
        moved(2_400, "v1.4.0", "v1.3.0"),
        event(2_410, What::UndoDone { step: 4, name: "cutover".into(), note: String::new() }),
        finished(2_500, "returned", "back on v1.3.0"),
    ]
}

fn finished(millis: i64, outcome: &str, traffic: &str) -> Event {
    event(
        millis,
        What::RunFinished {
            outcome: outcome.into(),
            millis: millis.unsigned_abs(),
            api_calls: 23,
            traffic: traffic.into(),
        },
    )
}
