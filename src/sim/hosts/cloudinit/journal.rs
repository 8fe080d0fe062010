//! What the boot did: cloud-init's logs, its status and its result, in the places it has them.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;

/// The log of what cloud-init does.
const LOG: &str = "/var/log/cloud-init.log";
/// The output of the commands that it ran.
pub(super) const OUTPUT: &str = "/var/log/cloud-init-output.log";
/// Where the state is while it runs and after.
pub(super) const STATUS: &str = "/run/cloud-init/status.json";
/// Where the result is when it is done.
pub(super) const RESULT: &str = "/run/cloud-init/result.json";
/// What the first boot found wrong, for the boots after it.
const KEPT: &str = "/var/lib/cloud/data/findings.json";
/// What is said of where the user-data came from.
pub(super) const SOURCE: &str = "DataSourceConfigDrive [net,ver=2][source=remuda-sim]";
/// The most lines of one kind that are kept.
const MOST: usize = 200;

/// What went wrong, and how badly.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Findings {
    /// Failures.
    pub(super) errors: Vec<String>,
    /// Things to be warned of.
    pub(super) warnings: Vec<String>,
}

/// The record of one boot.
#[derive(Debug)]
pub(super) struct Journal {
    log: Option<Mutex<File>>,
    state: Mutex<(Option<String>, Findings)>,
    start: f64,
}

impl Journal {
    /// Opens the logs and says that the boot has begun.
    pub(super) fn open() -> Self {
        let append =
            |path: &str| OpenOptions::new().append(true).create(true).mode(0o640).open(path).ok();
        drop(append(OUTPUT));
        let journal =
            Self { log: append(LOG).map(Mutex::new), state: Mutex::default(), start: seconds() };
        journal.stage("init-local");
        journal
    }

    /// Logs a line.
    pub(super) fn note(&self, line: &str) {
        self.write("DEBUG", line);
    }

    /// Records something that was not done, and is no failure.
    pub(super) fn warn(&self, line: &str) {
        self.write("WARNING", line);
        let mut state = self.state();
        if state.1.warnings.len() < MOST {
            state.1.warnings.push(line.to_owned());
        }
    }

    /// Records a failure.
    pub(super) fn error(&self, line: &str) {
        self.write("ERROR", line);
        let mut state = self.state();
        if state.1.errors.len() < MOST {
            state.1.errors.push(line.to_owned());
        }
    }

    /// Says which stage runs.
    pub(super) fn stage(&self, name: &str) {
        self.state().0 = Some(name.to_owned());
        self.publish();
    }

    /// Keeps what was found, so that later boots answer the same.
    pub(super) fn keep(&self) {
        let findings = self.state().1.clone();
        if let Ok(text) = serde_json::to_vec(&findings) {
            let _ = fs::write(KEPT, text);
        }
    }

    /// Says that the boot is done.
    pub(super) fn finish(&self) {
        if let Some(kept) = fs::read(KEPT).ok().and_then(|text| serde_json::from_slice(&text).ok())
        {
            let kept: Findings = kept;
            let mut state = self.state();
            for (all, more) in [(kept.errors, 0), (kept.warnings, 1)] {
                let into = if more == 0 { &mut state.1.errors } else { &mut state.1.warnings };
                for line in all {
                    if !into.contains(&line) {
                        into.push(line);
                    }
                }
            }
        }
        self.note("cloud-init finished");
        self.state().0 = None;
        self.publish();
        let errors = self.state().1.errors.clone();
        place(RESULT, &json!({ "v1": { "datasource": SOURCE, "errors": errors } }));
        let _ = fs::write("/var/lib/cloud/instance/boot-finished", format!("{}\n", clock::now()));
    }

    fn publish(&self) {
        let (stage, findings) = self.state().clone();
        let done = stage.is_none();
        let recoverable = if findings.warnings.is_empty() {
            json!({})
        } else {
            json!({ "WARNING": findings.warnings })
        };
        let finished = if done { json!(seconds()) } else { Value::Null };
        let part = |errors: &[String], recoverable: &Value| {
            json!({
                "errors": errors,
                "finished": finished,
                "recoverable_errors": recoverable,
                "start": self.start,
            })
        };
        let status = json!({ "v1": {
            "datasource": SOURCE,
            "init": part(&[], &json!({})),
            "init-local": part(&[], &json!({})),
            "modules-config": part(&[], &json!({})),
            "modules-final": part(&findings.errors, &recoverable),
            "stage": stage,
        }});
        place(STATUS, &status);
    }

    fn write(&self, level: &str, line: &str) {
        let Some(log) = &self.log else { return };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now().strftime("%Y-%m-%d %H:%M:%S,%3f");
        let _ = writeln!(log, "{now} - remuda-sim[{level}]: {line}");
    }

    fn state(&self) -> MutexGuard<'_, (Option<String>, Findings)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces a file so that a reader never sees a half of it.
fn place(path: &str, value: &Value) {
    let fresh = format!("{path}.new");
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    if let Some(parent) = Path::new(path).parent() {
        let _ = fs::create_dir_all(parent);
    }
    let _ = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
}

fn seconds() -> f64 {
    clock::now().as_duration().as_secs_f64()
}
