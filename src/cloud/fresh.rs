//! Droplets that this client created: for a moment the API may deny that they exist.

use std::time::Instant;

use crate::cloud::client::{Client, lock};

/// A droplet that this client created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    since: Instant,
    action: Option<u64>,
    seen: bool,
}

impl Client {
    /// Remembers that a droplet was created, by which action, and may be invisible for a while.
    pub(crate) fn remember(&self, droplet: u64, action: Option<u64>) {
        let fresh = Fresh { since: Instant::now(), action, seen: false };
        lock(&self.shared.fresh).insert(droplet, fresh);
    }

    /// Returns the action that creates a droplet of this client.
    pub(crate) fn creation_of(&self, droplet: u64) -> Option<u64> {
        lock(&self.shared.fresh).get(&droplet).and_then(|fresh| fresh.action)
    }

    /// Returns whether a 404 of this droplet is no proof yet that it does not exist.
    pub(crate) fn may_be_late(&self, droplet: u64) -> bool {
        let within = |fresh: &Fresh| fresh.since.elapsed() < self.options().reconcile;
        lock(&self.shared.fresh).get(&droplet).is_some_and(|fresh| !fresh.seen && within(fresh))
    }

    /// Remembers that a droplet has been seen: from now on a 404 means what it says.
    pub(crate) fn saw(&self, droplet: u64) {
        if let Some(fresh) = lock(&self.shared.fresh).get_mut(&droplet) {
            fresh.seen = true;
        }
    }
}
