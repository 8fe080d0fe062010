//! What a simulated droplet is: nothing (`none`), or Linux namespaces whose init is this binary.
//!
//! The API room calls these verbs and knows nothing of how a host is made. From the outside in:
//! `droplet` holds a droplet's directory and process, `keeper` is that process and makes the
//! namespaces, `rootfs` what is seen in them, `init` is process 1 in them, `system` what it runs:
//! `cloudinit`, the `ssh` server, and the `bridge` through which the outside reaches its ports.

mod accounts;
mod bridge;
mod cloudinit;
mod disk;
mod doctor;
mod droplet;
mod exec;
mod follow;
mod init;
mod keeper;
mod link;
mod listening;
pub(in crate::sim) mod pipe;
mod power;
mod reaper;
mod rootfs;
mod seed;
mod skeleton;
mod ssh;
mod sudo;
mod system;
mod uids;

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, DirBuilder},
    net::Ipv4Addr,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::UnixStream, sync::watch};

pub use doctor::{doctor, probe, probe_with};

use crate::error::{Error, Kind as Failure, Result};
use disk::Disks;
use droplet::Droplet;
use seed::Seed;
use uids::Uids;

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
    /// Linux namespaces on a private view of this machine.
    Namespace,
}

/// The hosts of one simulator. Every verb is bounded in time.
///
/// Dropping this ends all hosts at once; their disks stay.
#[derive(Debug)]
pub struct Hosts {
    kind: Kind,
    dir: PathBuf,
    disks: Disks,
    droplets: Mutex<HashMap<u64, Arc<Droplet>>>,
}

impl Hosts {
    /// Opens the hosts kept under `dir`, which is created where it is missing.
    ///
    /// Hosts that are found there are off.
    ///
    /// # Errors
    /// When `dir` cannot be used, or when this user cannot give a droplet a user of its own.
    pub fn open(kind: Kind, dir: PathBuf) -> Result<Self> {
        let program = match kind {
            Kind::None => PathBuf::new(),
            Kind::Namespace => doctor::this_program()?,
        };
        Self::open_with(kind, dir, program)
    }

    /// Opens hosts whose init is `program`, which must be this version of remuda.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(kind: Kind, dir: PathBuf, program: PathBuf) -> Result<Self> {
        let mut droplets = HashMap::new();
        let mut uids = Uids::Own;
        if kind == Kind::Namespace {
            uids = Uids::choose().map_err(|why| Error::new(Failure::Failed, why))?;
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .map_err(|error| unusable(&dir, error))?;
            for entry in fs::read_dir(&dir).map_err(|error| unusable(&dir, error))?.flatten() {
                let id = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
                if let Some(droplet) = id.and_then(|id| Droplet::load(id, entry.path(), uids)) {
                    droplets.insert(droplet.id(), Arc::new(droplet));
                }
            }
        }
        let disks = Disks { program, uids };
        Ok(Self { kind, dir, disks, droplets: Mutex::new(droplets) })
    }

    /// Returns how droplets are made.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Creates the host and boots it; returns when its init runs, not when it is ready.
    ///
    /// # Errors
    /// When there is such a host already, or it cannot be made; then nothing of it is left.
    pub async fn create(&self, birth: Birth) -> Result<()> {
        if self.kind == Kind::None {
            return Ok(());
        }
        let id = birth.id;
        let dir = self.dir.join(id.to_string());
        if self.droplet(id).is_some() || dir.exists() {
            return Err(
                Error::new(Failure::Failed, "there is such a host already").at("droplet", id)
            );
        }
        let from = birth.image.parse::<u64>().ok().map(|image| self.snapshot_dir(image));
        let made = async {
            self.disks.make(&dir, from.filter(|from| from.is_dir()).as_deref()).await?;
            let droplet = Droplet::new(
                Seed::new(&birth, self.disks.uids.many()),
                dir.clone(),
                self.disks.uids,
            )?;
            let droplet = Arc::new(droplet);
            self.droplets().insert(id, Arc::clone(&droplet));
            droplet.start(&self.disks.program).await
        };
        if let Err(error) = made.await {
            let gone = self.droplets().remove(&id);
            if let Some(gone) = gone {
                gone.stop(false).await;
            }
            let _ = self.disks.remove(&dir).await;
            return Err(error);
        }
        Ok(())
    }

    /// Boots a host that is off, on the disk that it has; one that is on stays as it is.
    ///
    /// # Errors
    /// When there is no such host or it does not boot.
    pub async fn power_on(&self, id: u64) -> Result<()> {
        if self.kind == Kind::None {
            return Ok(());
        }
        self.find(id)?.start(&self.disks.program).await
    }

    /// Stops a host: gracefully within 20 s where `graceful`, at once otherwise.
    ///
    /// # Errors
    /// When there is no such host.
    pub async fn power_off(&self, id: u64, graceful: bool) -> Result<()> {
        if self.kind == Kind::None {
            return Ok(());
        }
        self.find(id)?.stop(graceful).await;
        Ok(())
    }

    /// Returns whether a host is on.
    pub async fn is_on(&self, id: u64) -> bool {
        match self.droplet(id) {
            Some(droplet) => droplet.is_on().await,
            None => false,
        }
    }

    /// Copies the host's disk to the snapshot `snapshot`, from which [`Birth::image`] can start.
    ///
    /// # Errors
    /// When there is no such host, or the disk cannot be copied.
    pub async fn snapshot(&self, id: u64, snapshot: u64) -> Result<()> {
        if self.kind == Kind::None {
            return Ok(());
        }
        let droplet = self.find(id)?;
        self.disks.copy(&droplet.disk(), &self.snapshot_dir(snapshot)).await
    }

    /// Removes a snapshot. One that is not there is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn delete_snapshot(&self, snapshot: u64) -> Result<()> {
        if self.kind == Kind::None {
            return Ok(());
        }
        self.disks.remove(&self.snapshot_dir(snapshot)).await
    }

    /// Destroys the host and its disk. A host that is not there is no error.
    ///
    /// # Errors
    /// When the disk cannot be removed.
    pub async fn destroy(&self, id: u64) -> Result<()> {
        let found = self.droplets().remove(&id);
        let Some(droplet) = found else { return Ok(()) };
        droplet.stop(false).await;
        let gone = self.disks.remove(droplet.dir()).await;
        if gone.is_err() {
            // It can be tried again.
            self.droplets().insert(id, droplet);
        }
        gone
    }

    /// Ends all hosts at once and returns when they are gone; their disks stay.
    pub async fn close(&self) {
        let all: Vec<Arc<Droplet>> = self.droplets().values().cloned().collect();
        futures_util::future::join_all(all.iter().map(|droplet| droplet.stop(false))).await;
    }

    /// Connects to a TCP port of the host, as from its public network.
    ///
    /// What is written flows to the port; a half-close is one, and a stream that is dropped
    /// without having ended its half resets the connection inside.
    ///
    /// # Errors
    /// When there is no such host, it is off, or nothing listens there.
    pub async fn dial(&self, id: u64, port: u16) -> Result<UnixStream> {
        self.find(id)?.dial(port).await
    }

    /// Returns the TCP ports on which the host can be reached, none when it is off.
    ///
    /// # Errors
    /// When there is no such host.
    pub async fn ports(&self, id: u64) -> Result<Vec<u16>> {
        Ok(self.find(id)?.ports().await)
    }

    /// Follows the TCP ports on which the host can be reached, across its power cycles.
    pub fn watch_ports(&self, id: u64) -> Option<watch::Receiver<Vec<u16>>> {
        self.droplet(id).map(|droplet| droplet.watch_ports())
    }

    fn snapshot_dir(&self, snapshot: u64) -> PathBuf {
        self.dir.join("snapshots").join(snapshot.to_string())
    }

    fn find(&self, id: u64) -> Result<Arc<Droplet>> {
        self.droplet(id)
            .ok_or_else(|| Error::new(Failure::NotFound, "there is no such host").at("droplet", id))
    }

    fn droplet(&self, id: u64) -> Option<Arc<Droplet>> {
        self.droplets().get(&id).cloned()
    }

    fn droplets(&self) -> MutexGuard<'_, HashMap<u64, Arc<Droplet>>> {
        self.droplets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unusable(dir: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(Failure::Failed, "cannot keep hosts here")
        .at("directory", dir.display())
        .because(error)
}

/// Answers when this process was started to be (part of) a simulated droplet.
///
/// Called first in `main`, while the process has one thread.
pub fn entry(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    doctor::entered();
    let mut args = args.into_iter().skip(1);
    if args.next()? != "sim-host" {
        return None;
    }
    let verb = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    Some(match verb.to_str() {
        Some("keeper") => keeper::run(&args),
        Some("init") => init::run(&args),
        Some("exec") => exec::run(&args),
        Some("disk") => disk::run(&args),
        Some("cloud-init") => cloudinit::command(&args),
        Some(verb @ ("reboot" | "poweroff" | "shutdown")) => power::run(verb, &args),
        Some("sudo") => sudo::run(&args),
        _ => ExitCode::from(2),
    })
}
