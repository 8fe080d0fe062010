//! How a simulator is started.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use super::{hosts, http::Limits, latency::Latency, net::Move, world::Tell};

/// Which hosts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The best that works here.
    Auto,
    /// These or none at all.
    Only(hosts::Kind),
}

/// How a simulator is started.
#[derive(Clone)]
pub struct Options {
    /// Where the API listens; loopback only, port 0 picks one.
    pub listen: SocketAddr,
    /// Where the state is kept.
    pub state: PathBuf,
    /// What droplets are made of.
    pub hosts: Choice,
    /// The remuda whose droplets' init is started, where this process is another program, such as
    /// a test.
    pub program: Option<PathBuf>,
    /// How long everything takes.
    pub latency: Latency,
    /// The only token that is accepted; any is where there is none.
    pub token: Option<String>,
    /// Rules of faults, see [`super::FAULT_GRAMMAR`].
    pub faults: Vec<String>,
    /// What happens to open connections when a reserved address moves.
    pub on_move: Move,
    /// How many requests are let through.
    pub limits: Limits,
    /// How many droplets the account may have.
    pub droplet_limit: u64,
    /// Told what went wrong behind an answer that was already given.
    pub tell: Tell,
}

impl Options {
    /// Returns the defaults, with the state kept in `state`.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: state.into(),
            hosts: Choice::Auto,
            program: None,
            latency: Latency::none(),
            token: None,
            faults: Vec::new(),
            on_move: Move::Cut,
            limits: Limits::default(),
            droplet_limit: 25,
            tell: Arc::new(|_| {}),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
