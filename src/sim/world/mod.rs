//! The simulated cloud: the account, and what makes it real: time, faults, hosts and addresses.

mod act;
mod change;
mod claim;
mod effect;
mod log;
mod wake;
mod zone;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{RwLock, watch};

pub(crate) use act::Deed;
pub(crate) use act::after;
pub(crate) use claim::Claim;
pub(crate) use claim::ipv6;
pub(crate) use log::RequestLog;
pub(crate) use zone::{absolute, zone};

use super::{
    fault::{Book, Fault, Span},
    hosts::Hosts,
    http::{Limiter, Limits},
    latency::Latency,
    net::Network,
    state::{State, Store},
};

/// Receives what went wrong behind an answer that was already given.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// One simulated cloud.
pub(crate) struct World {
    /// The account.
    pub(crate) store: Store,
    /// What goes wrong on purpose.
    pub(crate) faults: Book,
    /// Who asked how often.
    pub(crate) limiter: Mutex<Limiter>,
    /// What was asked.
    pub(crate) log: RequestLog,
    /// What droplets are made of.
    pub(crate) hosts: Arc<Hosts>,
    /// Where addresses lead.
    pub(crate) network: Network,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    /// The only token that is accepted, where there is one.
    pub(crate) token: Option<String>,
    /// How many droplets the account may have.
    pub(crate) droplet_limit: u64,
    /// Turns true when the simulator ends.
    pub(crate) stopping: watch::Sender<bool>,
    /// Turns true when somebody asks the simulator to end.
    pub(crate) asked_to_stop: watch::Sender<bool>,
    /// Held by whoever works on hosts; taken whole to end or empty everything.
    busy: RwLock<()>,
    limits: Limits,
    latency: Latency,
    tell: Tell,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a world is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) faults: Book,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) network: Network,
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
    pub(crate) droplet_limit: u64,
    pub(crate) limits: Limits,
    pub(crate) latency: Latency,
    pub(crate) tell: Tell,
}

impl World {
    /// Puts a world together.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            store: parts.store,
            faults: parts.faults,
            limiter: Mutex::new(Limiter::new(parts.limits)),
            log: RequestLog::default(),
            hosts: parts.hosts,
            network: parts.network,
            address: parts.address,
            token: parts.token,
            droplet_limit: parts.droplet_limit,
            stopping: watch::Sender::new(false),
            asked_to_stop: watch::Sender::new(false),
            busy: RwLock::new(()),
            limits: parts.limits,
            latency: parts.latency,
            tell: parts.tell,
        }
    }

    /// Looks at the account.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.store.read(look)
    }

    /// Changes the account.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.store.change(change)
    }

    /// Returns the name of the latency profile.
    pub(crate) fn profile(&self) -> &str {
        self.latency.name()
    }

    /// Draws how long the event `name` takes this time.
    pub(crate) fn draw(&self, name: &str) -> Duration {
        let set = self.faults.about(|fault| match fault {
            Fault::Latency(set, millis) if set == name => Some(Duration::from_millis(*millis)),
            _ => None,
        });
        set.unwrap_or_else(|| self.latency.draw(name))
    }

    /// Takes what a fault says about how long the next droplet is blind or absent.
    pub(crate) fn span(&self, pick: impl Fn(&Fault) -> Option<Span>) -> (u64, Duration) {
        match self.faults.about(pick) {
            None => (0, Duration::ZERO),
            Some(Span::Polls(polls)) => (polls, Duration::ZERO),
            Some(Span::Time(time)) => (0, time),
        }
    }

    /// Forgets how often anybody asked.
    pub(crate) fn forget_rates(&self) {
        *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = Limiter::new(self.limits);
    }

    /// Reports what went wrong where no answer can say it.
    pub(crate) fn report(&self, what: &str) {
        (self.tell)(what);
    }

    /// Waits for the end of the simulator.
    pub(crate) async fn ended(&self) {
        let mut stopping = self.stopping.subscribe();
        // the sender lives as long as this world
        drop(stopping.wait_for(|stopping| *stopping).await);
    }
}
