//! The append-only record of a run's steps: audit, timings, evidence. It is not the truth.
//!
//! JSON lines, one flushed to disk before the next deed. A torn last line is what a power cut
//! leaves and is ignored by readers.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    run::event::Title,
};

/// The version of the journal's format.
pub const VERSION: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format's version.
    pub v: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub entry: Entry,
}

/// What a line of a journal says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Entry {
    /// The run began.
    Opened(Opening),
    /// A step is about to begin.
    Began {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
    },
    /// A step is done.
    Did {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// What came of it.
        note: String,
        /// How long it took.
        millis: u64,
    },
    /// A step failed.
    Failed {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// Why.
        why: String,
        /// How long it took.
        millis: u64,
    },
    /// A step is about to be undone.
    Undoing {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
    },
    /// A step is undone.
    Undid {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// What came of it.
        note: String,
    },
    /// A step could not be undone.
    Stuck {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// Why.
        why: String,
    },
    /// Something worth keeping: measurements of the cutover, warnings.
    Noted {
        /// What it is about, such as `cutover`.
        topic: String,
        /// The facts.
        facts: serde_json::Value,
    },
    /// The run ended.
    Closed(Closing),
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The run's id.
    pub run: String,
    /// `release`, `rollback`, …
    pub verb: String,
    /// The app.
    pub app: String,
    /// The environment.
    pub env: String,
    /// The version it is about.
    pub version: Option<String>,
    /// The version of remuda.
    pub tool: String,
    /// Who ran it, and where.
    pub who: String,
    /// The digest of the spec.
    pub spec: String,
    /// The plan's steps.
    pub steps: Vec<Title>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// `done`, `failed`, `returned`, `interrupted`.
    pub outcome: String,
    /// Why, where it did not end well.
    pub why: Option<String>,
    /// Where traffic is.
    pub traffic: String,
    /// Requests sent to the API.
    pub api_calls: u64,
    /// How long it took.
    pub millis: u64,
}

/// A journal that is being written. Cheap to clone; all clones write the same file.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
    pen: Arc<Mutex<Pen>>,
}

#[derive(Debug)]
struct Pen {
    file: File,
    #[cfg(debug_assertions)]
    crash: crash::Point,
}

impl Journal {
    /// Creates the journal of run `run` under `dir` (the `runs` folder).
    ///
    /// # Errors
    /// When the folder or the file cannot be created.
    pub fn create(dir: &Path, run: &str) -> Result<Self> {
        let path = dir.join(format!("{run}.jsonl"));
        let failed = |source: std::io::Error| {
            Error::new(Kind::Failed, "cannot create the journal")
                .at("file", path.display())
                .because(source)
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let file = OpenOptions::new().create_new(true).append(true).open(&path).map_err(failed)?;
        let pen = Pen {
            file,
            #[cfg(debug_assertions)]
            crash: crash::Point::from_environment(),
        };
        Ok(Self { path: path.clone(), pen: Arc::new(Mutex::new(pen)) })
    }

    /// Returns the journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `entry` and flushes it to disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, entry: Entry) -> Result<()> {
        let mut pen = self.pen.lock().unwrap_or_else(PoisonError::into_inner);
        #[cfg(debug_assertions)]
        pen.crash.before_record();
        let record = Record { v: VERSION, at: crate::clock::now(), entry };
        let written =
            serde_json::to_vec(&record).map_err(std::io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                pen.file.write_all(&line)?;
                pen.file.sync_data()
            });
        written.map_err(|source| {
            Error::new(Kind::Failed, "cannot write the journal")
                .at("file", self.path.display())
                .because(source)
        })?;
        #[cfg(debug_assertions)]
        pen.crash.after_record();
        Ok(())
    }
}

/// Reads a journal; lines that cannot be read (torn, of a later format) are left out.
///
/// # Errors
/// When the file cannot be read at all.
pub fn read(path: &Path) -> std::io::Result<Vec<Record>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Returns the journals under `dir`, oldest first; none when there is no such folder.
pub fn list(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths
}

/// Where a test asks this process to die: the kill tests walk every record of a run with it.
/// It exists in debug builds alone.
#[cfg(debug_assertions)]
mod crash {
    #[derive(Debug)]
    pub(super) struct Point {
        left: Option<u32>,
        before: bool,
    }

    impl Point {
        /// `REMUDA_CRASH_AT=before:3` dies before the third record is written, `after:3` when it is.
        #[expect(clippy::disallowed_methods, reason = "a test's knob, not a user's")]
        pub(super) fn from_environment() -> Self {
            let asked = std::env::var("REMUDA_CRASH_AT").unwrap_or_default();
            let (when, number) = asked.split_once(':').unwrap_or_default();
            Self { left: number.parse().ok(), before: when == "before" }
        }

        pub(super) fn before_record(&mut self) {
            if self.before {
                self.count();
            }
        }

        pub(super) fn after_record(&mut self) {
            if !self.before {
                self.count();
            }
        }

        fn count(&mut self) {
            let Some(left) = self.left.as_mut() else { return };
            *left = left.saturating_sub(1);
            if *left == 0 {
                // nothing of this process gets to clean up, exactly as with kill -9 from outside
                nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::create(dir.path(), "r1").unwrap();
        journal.write(Entry::Began { step: 0, name: "create".into() }).unwrap();
        journal.pen.lock().unwrap().file.write_all(b"{\"v\":1,\"at\":\"2026-").unwrap();
        let records = read(journal.path()).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(list(dir.path()), vec![journal.path().to_path_buf()]);
    }

    #[test]
    fn the_format_stays_readable() {
        let line = r#"{"v":1,"at":"2026-11-21T02:00:00Z","entry":{"record":"did","step":2,"name":"create","note":"droplet 7","millis":12}}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}
