//! What a run tells while it goes: the seam between doing and showing.
//!
//! A run never prints and a display never decides. The codes are stable: `-o jsonl` prints them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened; `code` is its stable name in machine output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum What {
    /// A run began; `steps` are the titles of its plan, in order.
    RunStarted {
        /// The run's id.
        run: String,
        /// `release`, `rollback`, `prune`, …
        verb: String,
        /// The app.
        app: String,
        /// The environment.
        env: String,
        /// The version it is about, where there is one.
        version: Option<String>,
        /// Name and title of each step, in the plan's order.
        steps: Vec<Title>,
    },
    /// A step began.
    StepStarted {
        /// Its place in the plan, from 0.
        step: usize,
        /// Its stable name, such as `create`.
        name: String,
        /// What it is about to do, in words.
        title: String,
    },
    /// A step says what it is at now; replaces what it said before.
    StepProgress {
        /// Its place in the plan.
        step: usize,
        /// What it waits for or has reached.
        text: String,
    },
    /// A line that a command on a host printed.
    StepOutput {
        /// Its place in the plan.
        step: usize,
        /// The line, without its newline.
        line: String,
    },
    /// A step is done.
    StepDone {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// What came of it, in words.
        note: String,
        /// How long it took.
        millis: u64,
    },
    /// A step failed.
    StepFailed {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// Why.
        why: String,
        /// How long it took.
        millis: u64,
    },
    /// The undoing of a step began.
    UndoStarted {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
    },
    /// A step is undone.
    UndoDone {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// What came of it, in words.
        note: String,
    },
    /// A step could not be undone.
    UndoFailed {
        /// Its place in the plan.
        step: usize,
        /// Its stable name.
        name: String,
        /// Why.
        why: String,
    },
    /// Something a person should know, which fails nothing.
    Warning {
        /// What, in words.
        text: String,
    },
    /// How the public address answers, about once a second while it is watched.
    Probe {
        /// Requests sent so far.
        sent: u64,
        /// Requests that failed so far.
        failed: u64,
        /// Median latency in milliseconds.
        p50_ms: f64,
        /// Highest latency in milliseconds.
        max_ms: f64,
    },
    /// Traffic moved.
    TrafficMoved {
        /// The droplet that had it, as `name`.
        from: Option<String>,
        /// The droplet that has it now.
        to: String,
        /// How long the move took until it was proved, in milliseconds.
        millis: u64,
    },
    /// A run ended.
    RunFinished {
        /// `done`, `failed`, `returned`, `interrupted`.
        outcome: String,
        /// How long it took.
        millis: u64,
        /// Requests sent to the API.
        api_calls: u64,
        /// Where traffic is now, in words.
        traffic: String,
    },
}

/// The stable name and the words of one step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// The stable name, such as `create`.
    pub name: String,
    /// What it does, in words.
    pub title: String,
}

/// Where events go. Cheap to clone; a display, a journal and a test may all listen.
#[derive(Clone)]
pub struct Tell(std::sync::Arc<dyn Fn(&Event) + Send + Sync>);

impl Tell {
    /// Makes a teller that hands each event to `listener`.
    pub fn new(listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(listener))
    }

    /// Makes a teller that nobody listens to.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells what happened, now.
    pub fn tell(&self, what: What) {
        (self.0)(&Event { at: crate::clock::now(), what });
    }
}
