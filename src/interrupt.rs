//! What may stop a run from outside: Ctrl-C, SIGTERM, a lost lock.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, Kind};

/// Why a run must stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT.
    Interrupted,
    /// SIGTERM or SIGHUP.
    Terminated,
    /// The command's own time is over.
    OutOfTime(std::time::Duration),
    /// Somebody else holds the environment's lock now; says who or why.
    LockLost(String),
}

impl Reason {
    /// Returns the error that this reason ends a run with.
    pub fn error(&self) -> Error {
        match self {
            Self::Interrupted => Error::new(Kind::Interrupted, "interrupted"),
            Self::Terminated => Error::new(Kind::Terminated, "terminated by a signal"),
            Self::OutOfTime(limit) => Error::new(
                Kind::TimedOut,
                format!("not done within {}", crate::size::duration(*limit)),
            ),
            Self::LockLost(why) => {
                Error::new(Kind::Locked, format!("lost the lock of this environment: {why}"))
            }
        }
    }
}

/// A flag that is raised once and that everyone can wait for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<Option<Reason>>>);

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupt {
    /// Makes a flag that is not raised.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Raises the flag; the first reason stays.
    pub fn raise(&self, reason: Reason) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(reason);
            }
            first
        });
    }

    /// Returns why the run must stop, if it must.
    pub fn raised(&self) -> Option<Reason> {
        self.0.borrow().clone()
    }

    /// Waits until the flag is raised.
    pub async fn wait(&self) -> Reason {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(reason) = receiver.borrow_and_update().clone() {
                return reason;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
