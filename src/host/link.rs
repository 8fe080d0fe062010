//! One open connection to a host: the master's control socket, and a user that keeps it alive.

use std::sync::Arc;

use openssh::Session;
use tempfile::TempDir;
use tokio::{
    net::UnixStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{config, login, target::Target};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// sshd allows ten sessions in one connection; the rest is for a person who looks.
const SESSIONS: usize = 5;

/// One open connection to a host. Ends with its last user; its directory goes with it.
#[derive(Debug)]
pub(super) struct Link {
    /// An idle user of the master. While it is connected the master stays, however idle; when this
    /// process dies it disconnects, and the master ends soon after.
    _keeper: UnixStream,
    pub(super) session: Arc<Session>,
    sessions: Arc<Semaphore>,
}

impl Link {
    /// Logs in, trying until the deadline.
    pub(super) async fn open(target: &Target, deadline: &Deadline) -> Result<Self> {
        let dir: TempDir = config::nest(target)?;
        login::log_in(target, dir.path(), deadline).await?;
        let socket = dir.path().join("master");
        // From here on the session ends the master and removes the directory when it is dropped.
        let session = Arc::new(Session::new_native_mux(dir));
        let keeper = UnixStream::connect(&socket).await.map_err(|error| {
            Error::new(Kind::Failed, "the ssh session ended as soon as it had begun")
                .at("host", &target.name)
                .because(error)
        })?;
        Ok(Self { _keeper: keeper, session, sessions: Arc::new(Semaphore::new(SESSIONS)) })
    }

    /// Waits until one more session fits into the connection.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sessions).acquire_owned().await.ok()
    }

    /// Returns whether the master is still there.
    pub(super) async fn is_alive(&self) -> bool {
        self.session.check().await.is_ok()
    }
}
