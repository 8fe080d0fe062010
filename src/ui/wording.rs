//! Sentences that more than one display says, so that they say the same.

use std::time::Duration;

use crate::size;

/// How the public address answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Probed {
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) p50_ms: f64,
    pub(super) max_ms: f64,
}

impl Probed {
    /// Says it in full: `412 requests, 0 failed, p50 2.1 ms, max 9.8 ms`.
    pub(super) fn full(&self) -> String {
        format!("{}, max {}", self.short(), millis(self.max_ms))
    }

    /// Says it in short: `412 requests, 0 failed, p50 2.1 ms`.
    pub(super) fn short(&self) -> String {
        let requests = if self.sent == 1 { "request" } else { "requests" };
        format!("{} {requests}, {} failed, p50 {}", self.sent, self.failed, millis(self.p50_ms))
    }
}

fn millis(value: f64) -> String {
    if !value.is_finite() {
        "unknown".into()
    } else if value < 10.0 {
        format!("{value:.1} ms")
    } else if value < 10_000.0 {
        format!("{value:.0} ms")
    } else {
        format!("{:.1} s", value / 1000.0)
    }
}

/// Writes a number of milliseconds as a duration.
pub(super) fn took(millis: u64) -> String {
    size::duration(Duration::from_millis(millis))
}

/// Writes a time that is still running: whole seconds, so that it does not flicker.
pub(super) fn running(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { size::duration(elapsed) }
}

/// Says what a run is about: `release blog v1.4.0 (production)`.
pub(super) fn subject(verb: &str, app: &str, env: &str, version: Option<&str>) -> String {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    format!("{verb} {app}{version} ({env})")
}

/// Says a number of API calls.
pub(super) fn calls(count: u64) -> String {
    if count == 1 { "1 API call".into() } else { format!("{count} API calls") }
}
