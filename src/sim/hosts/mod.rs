//! What a simulated droplet is: nothing (`none`), or Linux namespaces whose init is this binary.
//!
//! The API room calls these verbs and knows nothing of how a host is made.

use std::{ffi::OsString, net::Ipv4Addr, path::PathBuf, process::ExitCode};

use crate::error::Result;

/// Everything a host is born with.
#[derive(Debug, Clone)]
pub struct Birth {
    /// The droplet's id.
    pub id: u64,
    /// The droplet's name, which becomes its hostname.
    pub hostname: String,
    /// The image's slug, or the id of a snapshot.
    pub image: String,
    /// The user-data as it was sent: cloud-config, a script, possibly gzipped.
    pub user_data: Vec<u8>,
    /// Public keys that root accepts, in OpenSSH form.
    pub ssh_keys: Vec<String>,
    /// The region's slug.
    pub region: String,
    /// The public address, from 127.0.0.0/8.
    pub public_ip: Ipv4Addr,
}

/// How droplets are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No host, only the API.
    None,
    /// Linux namespaces on a copy-on-write view of this machine.
    Namespace,
}

/// The hosts of one simulator. Every verb is bounded in time.
#[derive(Debug)]
pub struct Hosts {
    kind: Kind,
    _dir: PathBuf,
}

impl Hosts {
    /// Opens the hosts kept under `dir`, which is created where it is missing.
    pub fn open(kind: Kind, dir: PathBuf) -> Result<Self> {
        Ok(Self { kind, _dir: dir })
    }

    /// Returns how droplets are made.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Creates the host and boots it; returns when its init runs, not when it is ready.
    pub async fn create(&self, _birth: Birth) -> Result<()> {
        Ok(())
    }

    /// Boots a host that is off, on the disk that it has.
    pub async fn power_on(&self, _id: u64) -> Result<()> {
        Ok(())
    }

    /// Stops a host: gracefully within 20 s where `graceful`, at once otherwise.
    pub async fn power_off(&self, _id: u64, _graceful: bool) -> Result<()> {
        Ok(())
    }

    /// Copies the host's disk to the snapshot `snapshot`, from which [`Birth::image`] can start.
    pub async fn snapshot(&self, _id: u64, _snapshot: u64) -> Result<()> {
        Ok(())
    }

    /// Destroys the host and its disk. A host that is not there is no error.
    pub async fn destroy(&self, _id: u64) -> Result<()> {
        Ok(())
    }
}

/// Answers when this process was started to be (part of) a simulated droplet.
///
/// Called first in `main`, while the process has one thread.
pub fn entry(_args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    None
}
