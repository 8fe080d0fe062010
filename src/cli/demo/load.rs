//! Visitors of the demo: a fixed number of requests a second, each on a connection of its own.

use crate::{
    error::Result,
    probe::{HttpCheck, Stats, Watch},
};

/// What visitors saw.
pub(super) type Seen = Stats;

/// The visitors.
pub(super) struct Load(Watch);

impl Load {
    /// Lets them come.
    pub(super) fn start(check: &HttpCheck, rate: u32) -> Result<Self> {
        Watch::start(check, rate).map(Self)
    }

    /// Begins a new count.
    pub(super) fn mark(&self, name: &str) {
        self.0.mark(name);
    }

    /// Returns what they have seen since a count began.
    pub(super) fn since(&self, name: &str) -> Seen {
        self.0.since(name)
    }

    /// Sends them home.
    pub(super) async fn stop(self) {
        drop(self.0.stop().await);
    }
}
