//! A booted droplet from within: what its services share, and how it ends.

use std::{
    fs,
    net::Ipv4Addr,
    process::ExitCode,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc::Sender},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::Notify;

use super::{cloudinit, reaper::Reaper, seed::Seed, ssh};
use crate::retry::{Deadline, sleep};

/// How init tells its keeper that the droplet wants to be booted again.
pub(super) const REBOOT: u8 = 10;
/// How long processes have to end after they were asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// What ends a droplet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At once.
    Kill,
    /// After its processes were asked to end.
    PowerOff,
    /// Like a power off, and then from the start.
    Reboot,
}

/// One running droplet.
#[derive(Debug)]
pub(super) struct System {
    /// Whether the droplet has more users than root.
    pub(super) many: bool,
    /// Starts and collects processes.
    pub(super) reaper: Reaper,
    seed: OnceLock<Seed>,
    namer: Mutex<Option<Sender<String>>>,
    end: Mutex<Option<End>>,
    ending: Notify,
}

impl System {
    /// Makes a system that waits for its seed.
    ///
    /// Whoever hears `namer` sets the hostname.
    pub(super) fn new(many: bool, namer: Sender<String>) -> Self {
        Self {
            many,
            reaper: Reaper::default(),
            seed: OnceLock::new(),
            namer: Mutex::new(Some(namer)),
            end: Mutex::new(None),
            ending: Notify::new(),
        }
    }

    /// Returns the droplet's public address.
    pub(super) fn address(&self) -> Ipv4Addr {
        self.seed.get().map_or(Ipv4Addr::LOCALHOST, |seed| seed.public_ip)
    }

    /// Boots with this identity; a second time is ignored.
    pub(super) fn boot(self: &Arc<Self>, seed: Seed) {
        if self.seed.set(seed).is_ok() {
            tokio::spawn(up(Arc::clone(self)));
        }
    }

    /// Gives the host its name; the first name is the last.
    pub(super) fn name(&self, name: &str) {
        if let Some(namer) = self.namer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = namer.send(name.to_owned());
        }
    }

    /// Ends the droplet.
    pub(super) fn stop(&self, graceful: bool) {
        self.finish(if graceful { End::PowerOff } else { End::Kill });
    }

    /// Ends the droplet in this way.
    pub(super) fn finish(&self, end: End) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        self.ending.notify_one();
    }

    /// Returns when the droplet has ended, with the status for the keeper.
    pub(super) async fn ended(&self) -> ExitCode {
        loop {
            self.ending.notified().await;
            let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
            match end {
                Some(End::Kill) => return ExitCode::SUCCESS,
                Some(End::PowerOff) => {
                    calm().await;
                    return ExitCode::SUCCESS;
                }
                Some(End::Reboot) => {
                    calm().await;
                    return ExitCode::from(REBOOT);
                }
                None => {}
            }
        }
    }
}

/// Asks every process to end and waits until they have, within bounds.
async fn calm() {
    let everyone = Pid::from_raw(-1);
    let deadline = Deadline::after(PATIENCE, "processes to end");
    let _ = kill(everyone, Signal::SIGTERM);
    let _ = kill(everyone, Signal::SIGCONT);
    while !alone() && !deadline.passed() {
        sleep(Duration::from_millis(10)).await;
    }
    let _ = kill(everyone, Signal::SIGKILL);
}

/// Returns whether process 1 is the only one left.
fn alone() -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return true };
    !entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .any(|pid| pid != 1)
}

/// Brings the services up in a real host's order: identity and files, SSH, then the slow rest.
async fn up(system: Arc<System>) {
    let Some(seed) = system.seed.get() else { return };
    let boot = cloudinit::Boot::start(Arc::clone(&system), seed).await;
    let server = ssh::Server::start(Arc::clone(&system)).await;
    boot.finish().await;
    // The configuration may have got another port by now.
    server.rebind().await;
}
