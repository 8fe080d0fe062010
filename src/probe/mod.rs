//! Is it well? HTTP, TLS and TCP, once, until well, or watched over time.
//!
//! - [`http()`] and [`tcp()`] ask once and say exactly what was seen and what was expected;
//! - [`until_well`] asks until an app is well several times in a row;
//! - [`Watch`] asks at a fixed rate while traffic moves, and knows every failure and its length.
//!
//! This room knows no host and no step. It asks as a stranger would: no proxy, no redirect, no
//! connection that was open before.

mod http;
mod tcp;
mod timeline;
mod until;
mod unwell;
mod watch;

pub use http::{Connection, HttpCheck, Prober, Sample, http};
pub use tcp::tcp;
pub use timeline::{Mark, Stats, Timeline};
pub use until::{Report, until_well};
pub use unwell::{Reason, Unwell};
pub use watch::Watch;
