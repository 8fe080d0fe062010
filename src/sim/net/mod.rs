//! The simulator's network: addresses that forward to hosts, and a DNS server.

mod address;
mod connection;
mod dns;
mod records;

use std::{
    collections::{BTreeSet, HashMap},
    io::Write as _,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use dns::Dns;
pub use records::{Record, Zone};

use super::hosts::Hosts;
use crate::error::{Error, Kind, Result};
use address::Address;

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
    hosts: Arc<Hosts>,
    on_move: Move,
    addresses: Mutex<HashMap<Ipv4Addr, Arc<Address>>>,
    notices: Arc<Notices>,
}

impl Network {
    /// Opens a network over these hosts.
    pub fn open(hosts: Arc<Hosts>, on_move: Move) -> Self {
        Self { hosts, on_move, addresses: Mutex::default(), notices: Arc::default() }
    }

    /// Returns what happens to open connections when an address moves.
    pub fn on_move(&self) -> Move {
        self.on_move
    }

    /// Points `ip` at a droplet, or at nothing; takes effect for new connections at once.
    ///
    /// The ports that both the old and the new host listen on never stop being listened on.
    ///
    /// # Errors
    /// When `ip` is no loopback address. A droplet that has no host yet is followed once it has.
    pub async fn point(&self, ip: Ipv4Addr, droplet: Option<u64>) -> Result<()> {
        if !ip.is_loopback() {
            return Err(Error::new(Kind::Usage, "only addresses of 127.0.0.0/8 can be forwarded")
                .at("address", ip));
        }
        let address = Arc::clone(self.addresses().entry(ip).or_insert_with(|| {
            Address::open(ip, Arc::clone(&self.hosts), self.on_move, Arc::clone(&self.notices))
        }));
        address.point(droplet).await;
        Ok(())
    }

    /// Gives `ip` up: closes its listeners and connections.
    pub async fn release(&self, ip: Ipv4Addr) {
        let address = self.addresses().remove(&ip);
        if let Some(address) = address {
            address.close().await;
        }
    }

    /// Returns what could not be forwarded and why, each said once.
    pub fn notices(&self) -> Vec<String> {
        self.notices.said.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<Ipv4Addr, Arc<Address>>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the network has to say about itself: once each, on stderr and to whoever asks.
#[derive(Debug, Default)]
struct Notices {
    said: Mutex<BTreeSet<String>>,
}

impl Notices {
    fn say(&self, notice: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < 1000 && said.insert(notice.to_owned()) {
            let _ = writeln!(std::io::stderr().lock(), "sim: {notice}");
        }
    }
}
