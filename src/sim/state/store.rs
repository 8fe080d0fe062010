//! The state's file: read at start, written whole beside and renamed over, before an answer.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{State, VERSION};
use crate::error::{Error, Kind, Result};

/// The state in memory, and the file that it is kept in.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    path: PathBuf,
    changes: AtomicU64,
    /// How many changes the file holds; the lock makes one writer write for all who wait.
    written: tokio::sync::Mutex<u64>,
}

impl Store {
    /// Reads `state.json` under `dir`, or begins a new account whose block `choose` picks.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or is of another version.
    pub(crate) fn open(dir: &Path, choose: impl FnOnce() -> Result<Ipv4Addr>) -> Result<Self> {
        let path = dir.join("state.json");
        let state = match fs::read(&path) {
            Ok(bytes) => read(&bytes, &path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::new(choose()?),
            Err(error) => {
                return Err(Error::new(Kind::Failed, "cannot read the simulator's state")
                    .at("file", path.display())
                    .because(error));
            }
        };
        Ok(Self {
            state: Mutex::new(state),
            path,
            changes: AtomicU64::new(1),
            written: tokio::sync::Mutex::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state. Nothing in `look` may wait.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state. Nothing in `change` may wait.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        self.changes.fetch_add(1, Ordering::SeqCst);
        result
    }

    /// Returns when every change made so far is in the file.
    ///
    /// A crash of this process loses nothing then. There is no fsync: a simulator need not
    /// outlive a power cut, and its answers must not wait for a disk.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) async fn flush(&self) -> Result<()> {
        let wanted = self.changes.load(Ordering::SeqCst);
        let mut written = self.written.lock().await;
        if *written >= wanted {
            return Ok(());
        }
        let (changes, bytes) = {
            let state = self.lock();
            (self.changes.load(Ordering::SeqCst), serde_json::to_vec(&*state))
        };
        let bytes = bytes
            .map_err(|error| Error::new(Kind::Failed, "cannot write the state").because(error))?;
        write_beside(&self.path, &bytes)?;
        *written = changes;
        Ok(())
    }
}

fn read(bytes: &[u8], path: &Path) -> Result<State> {
    let damaged = |why: String| {
        Error::new(Kind::Failed, why)
            .at("file", path.display())
            .hint("remuda sim reset clears the state")
    };
    let value: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| damaged("the simulator's state is damaged".into()).because(error))?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        let found = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err(damaged(format!(
            "the simulator's state is of version {found}, this remuda reads version {VERSION}"
        )));
    }
    serde_json::from_value(value)
        .map_err(|error| damaged("the simulator's state is damaged".into()).because(error))
}

/// Writes a file whole: beside, then renamed over, readable by its owner only.
///
/// # Errors
/// When the directory or the file cannot be written.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};

    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        Error::new(Kind::Failed, "cannot write a file").at("file", path.display()).because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Ipv4Addr = Ipv4Addr::new(127, 9, 16, 0);

    #[tokio::test]
    async fn what_was_flushed_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), || Ok(BLOCK)).unwrap();
        let id = store.change(State::id);
        store.flush().await.unwrap();
        let again = Store::open(dir.path(), || panic!("the block is in the file")).unwrap();
        assert_eq!(again.change(State::id), id + 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside");
    }

    #[test]
    fn a_damaged_file_and_one_of_tomorrow_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (text, word) in [("{", "damaged"), ("{\"version\": 99}", "version 99")] {
            fs::write(dir.path().join("state.json"), text).unwrap();
            let error = Store::open(dir.path(), || Ok(BLOCK)).unwrap_err();
            assert!(error.what().contains(word), "{error}");
            assert!(!error.hints().is_empty());
        }
    }
}
