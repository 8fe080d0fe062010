//! The rhythm in which something is polled, slower when few requests are left.

use std::time::Duration;

use crate::{
    cloud::{client::Client, rate::stretch},
    error::Result,
    retry::{self, Deadline},
};

/// The pauses between polls.
pub(crate) struct Pauses<'a> {
    client: &'a Client,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
}

impl Pauses<'_> {
    /// Sleeps until the next poll.
    ///
    /// # Errors
    /// [`crate::error::Kind::TimedOut`] when the deadline has passed.
    pub(crate) async fn wait(&mut self, deadline: &Deadline) -> Result<()> {
        let pause = self.pauses.next().unwrap_or(Duration::from_secs(5));
        let slower = stretch(self.client.rate(), self.client.urgent);
        deadline.pause(pause.saturating_mul(slower)).await
    }
}

impl Client {
    /// Starts polling something that may end at any moment.
    pub(crate) fn pauses(&self) -> Pauses<'_> {
        Pauses { client: self, pauses: Box::new(retry::polls()) }
    }

    /// Starts polling something that hardly ends before `earliest`, and whose end may be noticed
    /// late by a share of the time that has passed.
    pub(crate) fn pauses_expecting(&self, earliest: Duration, lateness: f64) -> Pauses<'_> {
        Pauses { client: self, pauses: Box::new(retry::polls_expecting(earliest, lateness)) }
    }
}
