//! The rate limit: 5,000 requests an hour and 250 a minute for each token, over sliding windows.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// How many requests are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In any hour.
    pub hour: usize,
    /// In any minute.
    pub minute: usize,
    /// Lists of SSH keys in any minute.
    pub key_lists: usize,
    /// Whether any request is refused at all; the headers count in any case.
    pub on: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hour: 5000, minute: 250, key_lists: 10, on: true }
    }
}

impl Limits {
    /// Refuses nothing.
    pub fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    /// Reads `default`, `off`, or `HOUR/MINUTE`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate limit; write default, off, or 5000/250");
        match text {
            "default" => Ok(Self::default()),
            "off" => Ok(Self::off()),
            _ => {
                let (hour, minute) = text.split_once('/').ok_or_else(wrong)?;
                let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
                let (Some(hour), Some(minute)) = (number(hour), number(minute)) else {
                    return Err(wrong());
                };
                Ok(Self { hour, minute, ..Self::default() })
            }
        }
    }
}

/// What the limiter says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// `ratelimit-limit`.
    pub(crate) limit: usize,
    /// `ratelimit-remaining`.
    pub(crate) remaining: usize,
    /// `ratelimit-reset`: when the oldest counted request expires, Unix seconds.
    pub(crate) reset: i64,
    /// Seconds to wait, where the request is refused.
    pub(crate) refused: Option<u64>,
}

#[derive(Debug, Default)]
struct Window {
    all: VecDeque<Timestamp>,
    key_lists: VecDeque<Timestamp>,
}

/// Counts requests by token.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    windows: BTreeMap<String, Window>,
}

impl Limiter {
    /// Starts counting.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, windows: BTreeMap::new() }
    }

    /// Counts a request made at `now`, unless it is refused.
    pub(crate) fn count(&mut self, token: &str, key_list: bool, now: Timestamp) -> Verdict {
        let limits = self.limits;
        let window = self.windows.entry(token.to_owned()).or_default();
        forget(&mut window.all, now, SignedDuration::from_hours(1));
        forget(&mut window.key_lists, now, SignedDuration::from_mins(1));
        let refused = if limits.on {
            let minute = SignedDuration::from_mins(1);
            let hour = SignedDuration::from_hours(1);
            let mut waits = vec![
                wait(&window.all, limits.hour, now, hour),
                wait(&window.all, limits.minute, now, minute),
            ];
            if key_list {
                waits.push(wait(&window.key_lists, limits.key_lists, now, minute));
            }
            waits.into_iter().flatten().max()
        } else {
            None
        };
        if refused.is_none() {
            window.all.push_back(now);
            if key_list {
                window.key_lists.push_back(now);
            }
        }
        let oldest = window.all.front().copied().unwrap_or(now);
        Verdict {
            limit: limits.hour,
            remaining: if refused.is_some() {
                0
            } else {
                limits.hour.saturating_sub(window.all.len())
            },
            reset: oldest.as_second() + 3600,
            refused,
        }
    }
}

fn forget(times: &mut VecDeque<Timestamp>, now: Timestamp, span: SignedDuration) {
    while times.front().is_some_and(|time| now.duration_since(*time) >= span) {
        times.pop_front();
    }
}

/// Returns after how many seconds one more fits, or nothing when it fits now.
fn wait(
    times: &VecDeque<Timestamp>,
    limit: usize,
    now: Timestamp,
    span: SignedDuration,
) -> Option<u64> {
    // the request that must expire first is the one `limit` places before the end
    let blocking = times.len().checked_sub(limit).and_then(|index| times.get(index))?;
    let left = span - now.duration_since(*blocking);
    (left > SignedDuration::ZERO).then(|| u64::try_from(left.as_secs()).unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_251st_in_a_minute_is_refused_and_told_when_to_come_back() {
        let mut limiter = Limiter::new(Limits::default());
        for second in 0..250 {
            assert_eq!(limiter.count("t", false, at(second / 25)).refused, None);
        }
        let verdict = limiter.count("t", false, at(10));
        assert_eq!((verdict.refused, verdict.remaining), (Some(51), 0));
        assert_eq!(limiter.count("other", false, at(10)).refused, None);
        // the window slides: 25 requests were made in the first second
        for _ in 0..25 {
            assert_eq!(limiter.count("t", false, at(61)).refused, None);
        }
    }

    #[test]
    fn the_hour_slides_too() {
        let mut limiter = Limiter::new(Limits { minute: 10_000, ..Limits::default() });
        for _ in 0..5000 {
            assert_eq!(limiter.count("t", false, at(0)).refused, None);
        }
        let verdict = limiter.count("t", false, at(1));
        assert_eq!(verdict.refused, Some(3600));
        assert_eq!(verdict.reset, at(3600).as_second());
        assert_eq!(limiter.count("t", false, at(3600)).remaining, 4999);
    }

    #[test]
    fn lists_of_keys_are_ten_a_minute() {
        let mut limiter = Limiter::new(Limits::default());
        for _ in 0..10 {
            assert_eq!(limiter.count("t", true, at(0)).refused, None);
        }
        assert_eq!(limiter.count("t", true, at(1)).refused, Some(60));
        assert_eq!(limiter.count("t", false, at(1)).refused, None);
        assert_eq!(limiter.count("t", true, at(60)).refused, None);
    }

    #[test]
    fn limits_are_read() {
        assert_eq!(Limits::parse("100/10").unwrap().minute, 10);
        assert!(!Limits::parse("off").unwrap().on);
        for wrong in ["", "5", "0/1", "a/b"] {
            assert!(Limits::parse(wrong).is_err(), "{wrong}");
        }
    }
}
