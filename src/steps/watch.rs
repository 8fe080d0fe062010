//! Watches the public address for the time set; an outage longer than is accepted fails the run.

use std::time::Duration;

use super::{listen, world::World};
use crate::{
    error::{Error, Kind, Result},
    probe::Stats,
    retry::{self, Deadline},
    run::{Done, Progress, event::What},
    size,
};

/// How often the probe's figures are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// What one request alone can tell: a request that was on its way when the address moved is cut
/// with its connection, and says nothing about whether new ones are served. Two in a row do.
const RESOLUTION: Duration = Duration::from_millis(1000 / listen::RATE as u64);
/// How often they are told.
const TELL: Duration = Duration::from_secs(1);

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let Some(watch) = world.watch() else { return Ok(Done::saying("nothing to watch")) };
    let accepted = world.max_downtime;
    let end = Deadline::after(world.watch_for, "the watch to end");
    let mut told = Deadline::after(TELL, "the next figures");
    loop {
        let stats = watch.since("cutover");
        if told.passed() || end.passed() {
            told = Deadline::after(TELL, "the next figures");
            progress.tell().tell(told_of(&stats));
            progress.say(format!("{} to go", size::duration(end.left())));
        }
        let outage = watch.failing_for().unwrap_or_default().max(stats.longest_outage);
        if outage > accepted + RESOLUTION {
            progress.keep("cutover", facts(&stats))?;
            return Err(unwell(&stats, outage, accepted));
        }
        if end.passed() {
            progress.keep("cutover", facts(&stats))?;
            world.take_watch();
            return Ok(Done::saying(outage_text(&stats)));
        }
        retry::sleep(LOOK.min(end.left())).await;
    }
}

/// Says what visitors saw of the cutover.
pub fn outage_text(stats: &Stats) -> String {
    let Stats { sent, failed, p50_ms, max_ms, longest_outage, .. } = stats;
    let outage = if *failed == 0 {
        String::new()
    } else {
        format!(", longest outage {}", size::duration(*longest_outage))
    };
    format!("{sent} requests, {failed} failed{outage}, p50 {p50_ms:.1} ms, max {max_ms:.1} ms")
}

fn told_of(stats: &Stats) -> What {
    What::Probe {
        sent: stats.sent,
        failed: stats.failed,
        p50_ms: stats.p50_ms,
        max_ms: stats.max_ms,
    }
}

fn facts(stats: &Stats) -> serde_json::Value {
    serde_json::to_value(stats).unwrap_or_default()
}

fn unwell(stats: &Stats, outage: Duration, accepted: Duration) -> Error {
    let outage = size::duration(outage);
    let accepted = size::duration(accepted);
    let what =
        format!("the public address failed for {outage}, longer than the {accepted} accepted");
    let mut error = Error::new(Kind::Returned, what).report(outage_text(stats));
    for (reason, count) in &stats.reasons {
        error = error.at("failed", format!("{count} times, {reason}"));
    }
    error
}
