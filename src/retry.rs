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

/// The shortest pause between polls.
const SHORTEST: Duration = Duration::from_millis(500);
/// The longest pause between polls.
const LONGEST: Duration = Duration::from_secs(5);
/// How late a poll may notice, as a share of the time that has passed.
pub const LATENESS: f64 = 0.05;
/// The same while nobody expects the end yet.
const EARLY: f64 = 0.5;

/// Returns the pauses between polls of something that may end at any moment: a twentieth of the
/// time that has passed, between 0.5 and 5 s, each jittered by ±10 %.
///
/// So the end is noticed late by at most 5 % of the wait, or half a second.
pub fn polls() -> impl Iterator<Item = Duration> {
    polls_expecting(Duration::ZERO, LATENESS)
}

/// Returns the pauses between polls of something that hardly ends before `earliest`: until then
/// half of the time that has passed, so that few polls are spent, and afterwards `lateness`, a
/// share of that time, within the bounds of [`polls`].
pub fn polls_expecting(earliest: Duration, lateness: f64) -> impl Iterator<Item = Duration> {
    let began = Instant::now();
    std::iter::from_fn(move || {
        let pause = pause_after(began.elapsed(), earliest, lateness);
        Some(pause.mul_f64(rand::random_range(0.9..1.1)))
    })
}

/// Returns the pause to the next poll, `elapsed` after the first; see [`polls_expecting`].
fn pause_after(elapsed: Duration, earliest: Duration, lateness: f64) -> Duration {
    let ahead = earliest.saturating_sub(elapsed);
    if ahead.is_zero() {
        return elapsed.mul_f64(lateness).clamp(SHORTEST, LONGEST);
    }
    // not past the moment from which on every second counts
    elapsed.mul_f64(EARLY).min(ahead).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls something that ends after `end`, `call` being what one look takes: how many looks it
    /// takes, and how late the last one is.
    fn poll(end: f64, earliest: f64, call: f64) -> (u32, f64) {
        let earliest = Duration::from_secs_f64(earliest);
        let (mut now, mut looks) = (0.0, 1);
        while now < end {
            let pause = pause_after(Duration::from_secs_f64(now), earliest, LATENESS);
            assert!((SHORTEST..=LONGEST).contains(&pause), "{pause:?} after {now} s");
            now += pause.as_secs_f64() + call;
            looks += 1;
        }
        (looks, now - end)
    }

    #[test]
    fn an_end_is_noticed_within_a_twentieth_of_the_wait() {
        for tenths in 1..3000_u32 {
            let end = f64::from(tenths) / 10.0;
            let (_, late) = poll(end, 0.0, 0.0);
            assert!(late <= (end * LATENESS).max(0.5) + 1e-6, "{late} s late after {end} s");
        }
    }

    #[test]
    fn what_takes_long_is_not_asked_often_before_it_can_end() {
        let (eager, _) = poll(33.0, 0.0, 0.25);
        let (patient, late) = poll(33.0, 20.0, 0.25);
        assert!(patient <= 20 && patient < eager, "{patient} looks, {eager} eagerly");
        assert!(late <= 33.0 * LATENESS + 0.25, "{late} s late");
        // and one that ends early all the same is noticed
        let (_, late) = poll(4.0, 20.0, 0.25);
        assert!(late <= 4.0 * EARLY + 0.25, "{late} s late");
    }
}
