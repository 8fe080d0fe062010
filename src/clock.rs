//! The only place that asks what time it is.

use jiff::Timestamp;

/// Returns the wall-clock time of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the one door to the system's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
