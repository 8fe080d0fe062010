//! Whether a failed request is sent again, and after how long. Pure decisions.

use std::time::Duration;

use crate::cloud::failure::{Class, Failure};

/// How often "please try again", or an answer that cannot be read, is believed to pass.
const TRY_AGAINS: usize = 2;

/// Pauses of full jitter: each is random between nothing and a bound that doubles up to a cap.
#[derive(Debug, Clone)]
pub(crate) struct FullJitter {
    bound: Duration,
    cap: Duration,
    left: usize,
}

impl FullJitter {
    /// Starts with a bound of `first`, for `tries` tries, that is one pause less.
    pub(crate) fn new(first: Duration, cap: Duration, tries: usize) -> Self {
        Self { bound: first.min(cap), cap, left: tries.saturating_sub(1) }
    }
}

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.bound.mul_f64(rand::random_range(0.0..=1.0));
        self.bound = self.bound.saturating_mul(2).min(self.cap);
        Some(pause)
    }
}

/// Returns whether this failure can pass when the same request is sent again, in principle.
///
/// `odd` counts the failures so far that are believed a few times only, this one included;
/// `idempotent` is whether sending the
/// request twice has the effect of sending it once.
pub(crate) fn may_resend(failure: &Failure, idempotent: bool, odd: usize) -> bool {
    match failure.class {
        Class::NotExecuted | Class::RateLimited => true,
        Class::TryAgain => odd <= TRY_AGAINS,
        Class::Ambiguous => idempotent,
        // A page of a proxy may go away; a server that is not the API will not turn into it.
        Class::Unreadable => idempotent && odd <= TRY_AGAINS,
        _ => false,
    }
}

/// Returns the pause before the next try: what the API asks for, else what backoff planned.
///
/// None when there is no try left, or when the pause would outlast the `left` time: then failing
/// now, with the reason, is better than failing later without.
pub(crate) fn pause(
    failure: &Failure,
    planned: Option<Duration>,
    left: Duration,
) -> Option<Duration> {
    let planned = planned?;
    let asked = match failure.class {
        // The bucket is closed for as long as the API asked, for everyone; see `Client::send`.
        Class::RateLimited => Duration::ZERO,
        _ => failure.retry_after.map_or(planned, |asked| asked.max(planned)),
    };
    let wait = if failure.class == Class::RateLimited {
        failure.retry_after.unwrap_or_default()
    } else {
        asked
    };
    (wait < left).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: Class) -> Failure {
        Failure::new(class, "GET", "/v2/droplets", "")
    }

    #[test]
    fn a_post_of_unknown_fate_is_never_sent_again() {
        assert!(!may_resend(&failure(Class::Ambiguous), false, 1));
        assert!(!may_resend(&failure(Class::Unreadable), false, 1));
        assert!(may_resend(&failure(Class::NotExecuted), false, 5));
        assert!(may_resend(&failure(Class::RateLimited), false, 5));
        assert!(may_resend(&failure(Class::Ambiguous), true, 5));
    }

    #[test]
    fn what_is_final_stays_final() {
        use Class::*;
        for class in [
            Pending,
            NotFound,
            Conflict,
            Unauthorized,
            Forbidden,
            Limit,
            Errored,
            Vanished,
            TimedOut,
            Final,
        ] {
            assert!(!may_resend(&failure(class), true, 1), "{class:?}");
        }
    }

    #[test]
    fn please_try_again_is_believed_twice() {
        let failure = failure(Class::TryAgain);
        let tries: Vec<_> = (1..=4).map(|odd| may_resend(&failure, false, odd)).collect();
        assert_eq!(tries, [true, true, false, false]);
    }

    #[test]
    fn backoff_is_jittered_bounded_and_ends() {
        let cap = Duration::from_secs(20);
        for _ in 0..100 {
            let pauses: Vec<_> = FullJitter::new(Duration::from_millis(500), cap, 8).collect();
            assert_eq!(pauses.len(), 7);
            for (index, pause) in pauses.iter().enumerate() {
                let bound = Duration::from_millis(500 << index).min(cap);
                assert!(*pause <= bound, "{index}: {pause:?}");
            }
        }
        assert_eq!(FullJitter::new(cap, cap, 0).count(), 0);
    }

    #[test]
    fn nobody_waits_in_vain() {
        let seconds = Duration::from_secs;
        let mut lost = failure(Class::Ambiguous);
        assert_eq!(pause(&lost, Some(seconds(1)), seconds(2)), Some(seconds(1)));
        assert_eq!(pause(&lost, Some(seconds(3)), seconds(2)), None);
        assert_eq!(pause(&lost, None, seconds(9)), None);
        lost.retry_after = Some(seconds(5));
        assert_eq!(pause(&lost, Some(seconds(1)), seconds(9)), Some(seconds(5)));
        let mut limited = failure(Class::RateLimited);
        limited.retry_after = Some(seconds(30));
        assert_eq!(pause(&limited, Some(seconds(1)), seconds(9)), None);
        assert_eq!(pause(&limited, Some(seconds(1)), seconds(90)), Some(Duration::ZERO));
    }
}
