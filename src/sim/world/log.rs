//! The log of requests, so that tests can count API calls and walk over them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock;

/// How many requests are kept.
const KEPT: usize = 100_000;

#[derive(Debug)]
struct Entry {
    verb: String,
    path: String,
    kind: Option<String>,
    at: Timestamp,
    status: Option<u16>,
    fault: Option<&'static str>,
    millis: Option<u64>,
    wait_ms: u64,
}

/// All requests since the start or the last reset, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<(u64, Vec<Entry>)>);

impl RequestLog {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Entry>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request arrived, and returns where.
    pub(crate) fn arrived(&self, verb: &str, path: &str, kind: Option<&str>) -> (u64, usize) {
        let mut log = self.lock();
        if log.1.len() >= KEPT {
            log.0 += 1;
            log.1.clear();
        }
        log.1.push(Entry {
            verb: verb.to_owned(),
            path: path.to_owned(),
            kind: kind.map(str::to_owned),
            at: clock::now(),
            status: None,
            fault: None,
            millis: None,
            wait_ms: 0,
        });
        (log.0, log.1.len() - 1)
    }

    /// Notes what a request was answered, and how long of that was the profile's latency.
    pub(crate) fn answered(
        &self,
        (epoch, index): (u64, usize),
        status: Option<u16>,
        fault: Option<&'static str>,
        wait_ms: u64,
    ) {
        let mut log = self.lock();
        if log.0 != epoch {
            return;
        }
        if let Some(entry) = log.1.get_mut(index) {
            entry.status = status;
            entry.fault = fault;
            entry.wait_ms = wait_ms;
            let took = clock::now().duration_since(entry.at).as_millis();
            entry.millis = u64::try_from(took).ok();
        }
    }

    /// Empties the log.
    pub(crate) fn reset(&self) {
        let mut log = self.lock();
        log.0 += 1;
        log.1.clear();
    }

    /// Returns how many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().1.len()
    }

    /// Returns the log as the control path shows it.
    pub(crate) fn show(&self) -> Value {
        let log = self.lock();
        let requests: Vec<Value> = log
            .1
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                json!({
                    "index": index,
                    "at": entry.at.to_string(),
                    "method": entry.verb,
                    "path": entry.path,
                    "type": entry.kind,
                    "status": entry.status,
                    "fault": entry.fault,
                    "millis": entry.millis,
                    "latency_ms": entry.wait_ms,
                })
            })
            .collect();
        json!({"count": requests.len(), "requests": requests})
    }
}
