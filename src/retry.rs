//! Waiting, bounded: deadlines, the polling rhythm and backoff. The only place that sleeps.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Kind};

/// A moment by which something must have happened, and how to say what was waited for.
#[derive(Debug, Clone)]
pub struct Deadline {
    what: String,
    total: Duration,
    end: Instant,
}

impl Deadline {
    /// Starts a wait of at most `total` for `what`, a noun such as `droplet 412 to become active`.
    pub fn after(total: Duration, what: impl Into<String>) -> Self {
        Self { what: what.into(), total, end: Instant::now() + total }
    }

    /// Returns the time that is left, zero when it has passed.
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Returns whether the time has passed.
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }

    /// Returns the error that says what was waited for, and how long.
    pub fn error(&self) -> Error {
        let what = &self.what;
        let total = crate::size::duration(self.total);
        Error::new(Kind::TimedOut, format!("waited {total} for {what}, in vain"))
    }

    /// Sleeps for `pause`, or to the deadline if that is sooner.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] when the deadline has passed.
    pub async fn pause(&self, pause: Duration) -> Result<(), Error> {
        if self.passed() {
            return Err(self.error());
        }
        sleep(pause.min(self.left())).await;
        Ok(())
    }

    /// Runs `work`, giving up at the deadline.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] when the deadline passes first; otherwise whatever `work` returns.
    pub async fn bound<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match tokio::time::timeout(self.left(), work).await {
            Ok(result) => result,
            Err(_) => Err(self.error()),
        }
    }
}

/// Sleeps for `pause`.
#[expect(clippy::disallowed_methods, reason = "this is the one door to sleeping")]
pub async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// Returns the pauses between polls: 0.5, 1, 2, 3, then 5 s for ever, each jittered by ±10 %.
pub fn polls() -> impl Iterator<Item = Duration> {
    [500_u64, 1000, 2000, 3000]
        .into_iter()
        .chain(std::iter::repeat(5000))
        .map(|millis| Duration::from_millis(millis).mul_f64(rand::random_range(0.9..1.1)))
}
