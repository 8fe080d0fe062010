//! How fast we may ask: one bucket for all clones of a client, fed by what the API says of itself.
//!
//! Pure: it is told the time and answers how long to wait. Nothing here sleeps.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What the API said last about the hourly limit of this token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests an hour the token has.
    pub limit: u64,
    /// How many are left.
    pub remaining: u64,
    /// When the oldest request is forgiven, in seconds since the epoch.
    pub reset: i64,
}

/// The length of the window in which requests are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// The longest wait that is taken from `ratelimit-reset`: that is when the *oldest* request
/// expires, so that there is room again soon, if little.
const LONGEST: Duration = Duration::from_mins(1);

/// Which requests were sent lately, and how long to hold the next.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_minute: usize,
    sent: VecDeque<Instant>,
    closed_until: Option<Instant>,
    urgent_waiting: usize,
    rate: Option<Rate>,
}

impl Bucket {
    /// Makes a bucket that lets `per_minute` requests a minute through.
    pub(crate) fn new(per_minute: usize) -> Self {
        Self {
            per_minute: per_minute.max(1),
            sent: VecDeque::new(),
            closed_until: None,
            urgent_waiting: 0,
            rate: None,
        }
    }

    /// Takes a place for a request at `now`, or says how long to wait before asking again.
    ///
    /// A tenth of the places is kept for urgent requests; while one of these waits, no other goes.
    pub(crate) fn take(&mut self, now: Instant, urgent: bool) -> Result<(), Duration> {
        if let Some(until) = self.closed_until {
            let wait = until.saturating_duration_since(now);
            if !wait.is_zero() {
                return Err(wait);
            }
            self.closed_until = None;
        }
        while self.sent.front().is_some_and(|&at| now.saturating_duration_since(at) >= WINDOW) {
            self.sent.pop_front();
        }
        let places = if urgent {
            self.per_minute
        } else {
            self.per_minute - self.per_minute.div_ceil(10).min(self.per_minute - 1)
        };
        if self.sent.len() >= places {
            // The request whose expiry makes room for this one.
            let index = self.sent.len() - places;
            let frees = self.sent.get(index).map_or(now, |&at| at + WINDOW);
            return Err(frees.saturating_duration_since(now).max(Duration::from_millis(1)));
        }
        if !urgent && self.urgent_waiting > 0 {
            return Err(Duration::from_millis(20));
        }
        self.sent.push_back(now);
        Ok(())
    }

    /// Counts an urgent request as waiting, or as not waiting any more.
    pub(crate) fn urgent_waits(&mut self, waits: bool) {
        self.urgent_waiting = if waits {
            self.urgent_waiting.saturating_add(1)
        } else {
            self.urgent_waiting.saturating_sub(1)
        };
    }

    /// Lets nothing through before `until`: the API said that there were too many.
    pub(crate) fn close_until(&mut self, until: Instant) {
        self.closed_until = Some(self.closed_until.map_or(until, |at| at.max(until)));
    }

    /// Learns what an answer said of the hourly limit.
    pub(crate) fn learn(&mut self, rate: Rate) {
        self.rate = Some(rate);
    }

    /// Returns what the API said last of the hourly limit.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.rate
    }
}

/// Returns by what factor polls are slowed down, so that the last tenth of an hour's requests is
/// spent on deeds.
pub(crate) fn stretch(rate: Option<Rate>, urgent: bool) -> u32 {
    let Some(rate) = rate.filter(|rate| rate.limit > 0 && !urgent) else { return 1 };
    let percent = rate.remaining.saturating_mul(100) / rate.limit;
    match percent {
        0..2 => 8,
        2..5 => 4,
        5..10 => 2,
        _ => 1,
    }
}

/// Returns how long a 429 asks to wait, without jitter.
///
/// `now` is the server's time in seconds since the epoch, as its clock made `reset`.
pub(crate) fn penalty(retry_after: Option<Duration>, rate: Option<Rate>, now: i64) -> Duration {
    if let Some(wait) = retry_after {
        return wait;
    }
    let seconds = rate.map_or(0, |rate| rate.reset.saturating_sub(now));
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).clamp(Duration::from_secs(1), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_no_more_than_it_may() {
        let start = Instant::now();
        let mut bucket = Bucket::new(240);
        for sent in 0..216 {
            assert_eq!(bucket.take(start, false), Ok(()), "{sent}");
        }
        assert_eq!(bucket.take(start, false), Err(WINDOW));
        for sent in 0..24 {
            assert_eq!(bucket.take(start, true), Ok(()), "reserve {sent}");
        }
        assert_eq!(bucket.take(start, true), Err(WINDOW));
        let later = start + Duration::from_millis(59_999);
        assert_eq!(bucket.take(later, true), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(start + WINDOW, false), Ok(()));
    }

    #[test]
    fn no_window_of_a_minute_ever_holds_more() {
        let start = Instant::now();
        let mut bucket = Bucket::new(30);
        let (mut now, mut sent) = (start, Vec::new());
        while sent.len() < 200 {
            match bucket.take(now, sent.len() % 3 == 0) {
                Ok(()) => sent.push(now),
                Err(wait) => now += wait,
            }
        }
        for (index, at) in sent.iter().enumerate() {
            let within = sent[index..].iter().filter(|&&other| other < *at + WINDOW).count();
            assert!(within <= 30, "{within}");
        }
    }

    #[test]
    fn urgent_goes_first() {
        let now = Instant::now();
        let mut bucket = Bucket::new(240);
        bucket.urgent_waits(true);
        assert!(bucket.take(now, false).is_err());
        assert_eq!(bucket.take(now, true), Ok(()));
        bucket.urgent_waits(false);
        assert_eq!(bucket.take(now, false), Ok(()));
    }

    #[test]
    fn a_closed_bucket_holds_everyone() {
        let now = Instant::now();
        let mut bucket = Bucket::new(240);
        bucket.close_until(now + Duration::from_secs(3));
        bucket.close_until(now + Duration::from_secs(2));
        assert_eq!(bucket.take(now, true), Err(Duration::from_secs(3)));
        assert_eq!(bucket.take(now + Duration::from_secs(3), false), Ok(()));
    }

    #[test]
    fn even_a_bucket_of_one_lets_one_through() {
        let now = Instant::now();
        assert_eq!(Bucket::new(0).take(now, false), Ok(()));
        assert_eq!(Bucket::new(1).take(now, false), Ok(()));
    }

    #[test]
    fn polls_stretch_when_little_is_left() {
        let rate = |remaining| Some(Rate { limit: 5000, remaining, reset: 0 });
        assert_eq!(stretch(rate(5000), false), 1);
        assert_eq!(stretch(rate(500), false), 1);
        assert_eq!(stretch(rate(499), false), 2);
        assert_eq!(stretch(rate(200), false), 4);
        assert_eq!(stretch(rate(0), false), 8);
        assert_eq!(stretch(rate(0), true), 1);
        assert_eq!(stretch(None, false), 1);
        assert_eq!(stretch(Some(Rate { limit: 0, remaining: 0, reset: 0 }), false), 1);
    }

    #[test]
    fn a_429_is_waited_out() {
        let rate = Some(Rate { limit: 5000, remaining: 0, reset: 1_000_040 });
        let seconds = Duration::from_secs;
        assert_eq!(penalty(Some(seconds(3)), rate, 1_000_000), seconds(3));
        assert_eq!(penalty(None, rate, 1_000_000), seconds(40));
        assert_eq!(penalty(None, rate, 0), seconds(60));
        assert_eq!(penalty(None, rate, 2_000_000), seconds(1));
        assert_eq!(penalty(None, None, 0), seconds(1));
    }
}
