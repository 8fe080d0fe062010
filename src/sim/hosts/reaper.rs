//! Starts processes inside a droplet and collects those that ended, its orphans too.
//!
//! A process 1 is parent to all orphans, so one place waits for any child; whoever started a
//! child is told by it.

use std::{
    collections::HashMap,
    io,
    process::{Child, Command},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    errno::Errno,
    sys::{
        signal::Signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use tokio::sync::oneshot;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this status.
    Code(u8),
    /// By this signal, and whether it dumped core.
    Signal(Signal, bool),
}

impl Ended {
    /// Returns the status as a shell shows it.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal, _) => u8::try_from(signal as i32).unwrap_or(0).saturating_add(128),
        }
    }
}

/// The one parent of all processes in a droplet.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    waiting: Mutex<HashMap<i32, oneshot::Sender<Ended>>>,
}

impl Reaper {
    /// Starts a process; the receiver is told how it ended.
    pub(super) fn spawn(
        &self,
        command: &mut Command,
    ) -> io::Result<(Child, oneshot::Receiver<Ended>)> {
        let (told, ended) = oneshot::channel();
        // Held over the start, so that a child which ends at once is not collected unclaimed.
        let mut waiting = self.waiting();
        let child = command.spawn()?;
        waiting.insert(i32::try_from(child.id()).unwrap_or(i32::MAX), told);
        Ok((child, ended))
    }

    /// Collects for ever.
    pub(super) async fn run(&self) -> io::Result<()> {
        let mut children = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())?;
        loop {
            self.collect();
            if children.recv().await.is_none() {
                return Ok(());
            }
        }
    }

    fn collect(&self) {
        let mut waiting = self.waiting();
        loop {
            let (pid, ended) = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => {
                    (pid, Ended::Code(u8::try_from(code & 0xff).unwrap_or(1)))
                }
                Ok(WaitStatus::Signaled(pid, signal, core)) => (pid, Ended::Signal(signal, core)),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => return,
            };
            if let Some(told) = waiting.remove(&pid.as_raw()) {
                let _ = told.send(ended);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<i32, oneshot::Sender<Ended>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
