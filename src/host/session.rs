//! A host that one is logged in to.

use std::{fmt, sync::Arc, time::Duration};

use parking::Slot;

use super::{
    link::Link,
    shell::{Mode, Shell},
    target::Target,
};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// How long a connection that was lost may take to come back before a command is given up.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// A host that one is logged in to. Cheap to share; every verb takes `&self`.
///
/// A connection that was lost between two commands is made again, with the same strictness. A
/// command that was running is never repeated.
pub struct Host {
    target: Slot<Target>,
    link: tokio::sync::Mutex<Option<Arc<Link>>>,
}

impl Host {
    /// Logs in, trying until the deadline while the host is not up yet.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] at the deadline; [`Kind::Failed`] at once when another host key answers
    /// than one of the target's, saying which; [`Kind::Usage`] when the target is unfit.
    pub async fn connect(target: &Target, deadline: &Deadline) -> Result<Self> {
        let link = Link::open(target, deadline).await?;
        Ok(Self {
            target: Slot::new(target.clone()),
            link: tokio::sync::Mutex::new(Some(Arc::new(link))),
        })
    }

    /// Returns whom this is.
    pub fn target(&self) -> Target {
        self.target.get()
    }

    /// Returns the host's name.
    pub fn name(&self) -> String {
        self.target.get().name
    }

    /// Logs out. Dropping does the same.
    pub async fn close(self) {
        self.link.lock().await.take();
    }

    /// Changes the keys that later connections accept.
    pub(super) fn accept(&self, keys: Vec<String>) {
        self.target.set(Target { keys, ..self.target.get() });
    }

    /// Starts a shell on the host, after a new login where the connection was lost.
    pub(super) async fn shell(&self, mode: Mode, script: &str, within: Duration) -> Result<Shell> {
        if script.contains('\0') {
            return Err(Error::new(Kind::Usage, "a NUL character cannot be in a script"));
        }
        let link = self.link(within).await?;
        match Shell::start(&link, mode, script, within).await {
            Ok(shell) => Ok(shell),
            Err(_) if !link.is_alive().await => {
                self.forget(&link).await;
                let link = self.link(within).await?;
                Shell::start(&link, mode, script, within)
                    .await
                    .map_err(|error| self.cannot_start(error))
            }
            Err(error) => Err(self.cannot_start(error)),
        }
    }

    async fn link(&self, within: Duration) -> Result<Arc<Link>> {
        let mut link = self.link.lock().await;
        if let Some(link) = &*link {
            return Ok(Arc::clone(link));
        }
        let target = self.target.get();
        let what = format!("{} to be reachable again", target.name);
        let new = Link::open(&target, &Deadline::after(BACK_WITHIN.min(within), what)).await?;
        Ok(Arc::clone(link.insert(Arc::new(new))))
    }

    async fn forget(&self, lost: &Arc<Link>) {
        let mut link = self.link.lock().await;
        if link.as_ref().is_some_and(|link| Arc::ptr_eq(link, lost)) {
            link.take();
        }
    }

    fn cannot_start(&self, error: openssh::Error) -> Error {
        Error::new(Kind::Failed, "cannot start a command over the ssh session")
            .at("host", self.name())
            .because(error)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Host").field(&self.target.get().name).finish()
    }
}

/// A value behind a lock that no panic poisons.
mod parking {
    use std::sync::{Mutex, PoisonError};

    pub(super) struct Slot<T>(Mutex<T>);

    impl<T: Clone> Slot<T> {
        pub(super) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }
        pub(super) fn get(&self) -> T {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
        pub(super) fn set(&self, value: T) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
        }
    }
}
