//! Carries the steps of a plan through, side by side where they do not need each other, and
//! undoes what began when one fails. Journals before and after each deed, tells every event.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{
    event::{Tell, Title, What},
    journal::{Entry, Journal},
    next::{Next, State, next},
};
use crate::{
    error::{Error, Kind, Result},
    interrupt::{Interrupt, Reason},
    retry::Deadline,
};

/// One thing that can be done to the world `W`, and undone.
///
/// `run` must see what is already done and be safe to repeat; `undo` must be safe after a `run`
/// that was cut short anywhere, and undoing what is not there is success.
pub trait Deed<W> {
    /// Returns the stable name, such as `create`.
    fn name(&self) -> &'static str;
    /// Returns what it does, in words.
    fn title(&self) -> String;
    /// Does it.
    fn run(&self, world: &W, progress: &Progress) -> impl Future<Output = Result<Done>>;
    /// Takes it back.
    fn undo(&self, world: &W, progress: &Progress) -> impl Future<Output = Result<Done>>;
    /// Returns the time that undoing it may take.
    fn undo_within(&self) -> Duration {
        Duration::from_mins(3)
    }
    /// Returns whether the run's aim is reached with it: what fails later undoes nothing.
    fn settles(&self) -> bool {
        false
    }
    /// Returns whether it leaves anything that [`Deed::undo`] takes back.
    fn leaves_traces(&self) -> bool {
        true
    }
    /// Returns whether its failure fails the run; otherwise it is a warning.
    fn essential(&self) -> bool {
        true
    }
}

/// What came of a deed, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done(pub String);

impl Done {
    /// Says what came of it.
    pub fn saying(note: impl Into<String>) -> Self {
        Self(note.into())
    }
}

/// A step of a plan, with the steps that it stands on.
#[derive(Debug, Clone)]
pub struct Node<D> {
    /// What to do.
    pub deed: D,
    /// Places of the steps that must be done before.
    pub needs: Vec<usize>,
}

/// How a step says what it is at.
#[derive(Clone)]
pub struct Progress {
    step: usize,
    tell: Tell,
    journal: Option<Journal>,
}

impl Progress {
    /// Makes the voice of the step at `step`.
    pub fn new(step: usize, tell: Tell, journal: Option<Journal>) -> Self {
        Self { step, tell, journal }
    }

    /// Keeps facts in the journal, for people and for later estimates.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn keep(&self, topic: &str, facts: serde_json::Value) -> Result<()> {
        match &self.journal {
            Some(journal) => journal.write(Entry::Noted { topic: topic.into(), facts }),
            None => Ok(()),
        }
    }

    /// Returns the journal's file, where the run has one.
    pub fn journal_path(&self) -> Option<&std::path::Path> {
        self.journal.as_ref().map(Journal::path)
    }

    /// Says what the step waits for or has reached; replaces what it said before.
    pub fn say(&self, text: impl Into<String>) {
        self.tell.tell(What::StepProgress { step: self.step, text: text.into() });
    }

    /// Passes on a line that a command printed.
    pub fn output(&self, line: impl Into<String>) {
        self.tell.tell(What::StepOutput { step: self.step, line: line.into() });
    }

    /// Warns of something that fails nothing.
    pub fn warn(&self, text: impl Into<String>) {
        self.tell.tell(What::Warning { text: text.into() });
    }

    /// Returns the teller, for events of other kinds.
    pub fn tell(&self) -> &Tell {
        &self.tell
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is done.
    Done,
    /// A step failed, and everything that began is undone.
    Undone,
    /// A step failed, and something that began could not be undone.
    Stuck,
    /// The aim was reached; something after it failed or was interrupted.
    Settled,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not end well: the step's name and its error.
    pub cause: Option<(&'static str, Error)>,
    /// What could not be undone: the step's name and why.
    pub stuck: Vec<(&'static str, Error)>,
}

/// Names the steps of a plan for a display and the journal.
pub fn titles<W, D: Deed<W>>(plan: &[Node<D>]) -> Vec<Title> {
    plan.iter()
        .map(|node| Title { name: node.deed.name().into(), title: node.deed.title() })
        .collect()
}

/// Carries `plan` through in `world`.
///
/// # Errors
/// Only when the journal cannot be written; what steps fail with is in [`Ended`].
pub async fn run<W, D: Deed<W>>(
    plan: &[Node<D>],
    world: &W,
    journal: &Journal,
    tell: &Tell,
    interrupt: &Interrupt,
) -> Result<Ended> {
    let needs: Vec<Vec<usize>> = plan.iter().map(|node| node.needs.clone()).collect();
    let settles: Vec<bool> = plan.iter().map(|node| node.deed.settles()).collect();
    let mut states = vec![State::Waiting; plan.len()];
    let mut cause = None;
    let mut stuck = Vec::new();
    let mut running = FuturesUnordered::new();
    loop {
        match next(&states, &needs, &settles, cause.is_some()) {
            Next::Begin(steps) => {
                for step in steps {
                    let Some(node) = plan.get(step) else { continue };
                    begin(journal, tell, step, &node.deed)?;
                    set(&mut states, step, State::Running);
                    let progress = Progress::new(step, tell.clone(), Some(journal.clone()));
                    running.push(async move {
                        let started = Instant::now();
                        (step, node.deed.run(world, &progress).await, started.elapsed())
                    });
                }
                let finished = tokio::select! {
                    biased;
                    finished = running.next() => finished,
                    reason = interrupt.wait() => {
                        cause = Some(("interrupt", interrupted(&reason)));
                        None
                    }
                };
                if let Some((step, result, took)) = finished {
                    let Some(node) = plan.get(step) else { continue };
                    let failed = end(journal, tell, step, &node.deed, result, took)?;
                    set(
                        &mut states,
                        step,
                        if failed.is_some() { State::Broken } else { State::Done },
                    );
                    cause = failed.map(|error| (node.deed.name(), error));
                }
                if cause.is_some() {
                    // whatever else runs is cut short; its undo copes with that
                    running.clear();
                    for state in &mut states {
                        if *state == State::Running {
                            *state = State::Broken;
                        }
                    }
                }
            }
            Next::Undo(step) => {
                set(&mut states, step, State::Undone);
                let Some(node) = plan.get(step).filter(|node| node.deed.leaves_traces()) else {
                    continue;
                };
                if let Err(error) = undo(journal, tell, step, &node.deed, world).await? {
                    stuck.push((node.deed.name(), error));
                }
            }
            Next::Close => break,
        }
    }
    let settled =
        states.iter().zip(&settles).any(|(state, settles)| *settles && *state == State::Done);
    let outcome = match (&cause, settled) {
        (None, _) => Outcome::Done,
        (Some(_), true) => Outcome::Settled,
        (Some(_), false) if stuck.is_empty() => Outcome::Undone,
        (Some(_), false) => Outcome::Stuck,
    };
    Ok(Ended { outcome, cause, stuck })
}

fn set(states: &mut [State], step: usize, state: State) {
    if let Some(slot) = states.get_mut(step) {
        *slot = state;
    }
}

fn interrupted(reason: &Reason) -> Error {
    reason.error()
}

fn begin<W, D: Deed<W>>(journal: &Journal, tell: &Tell, step: usize, deed: &D) -> Result<()> {
    journal.write(Entry::Began { step, name: deed.name().into() })?;
    tell.tell(What::StepStarted { step, name: deed.name().into(), title: deed.title() });
    Ok(())
}

/// Writes down how a step ended; returns the error where it fails the run.
fn end<W, D: Deed<W>>(
    journal: &Journal,
    tell: &Tell,
    step: usize,
    deed: &D,
    result: Result<Done>,
    took: Duration,
) -> Result<Option<Error>> {
    let name = String::from(deed.name());
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (note, failed) = match result {
        Ok(done) => (done.0, None),
        Err(error) if deed.essential() || error.kind() == Kind::Locked => {
            (String::new(), Some(error))
        }
        Err(error) => {
            tell.tell(What::Warning { text: format!("{}: {error}", deed.title()) });
            (format!("left undone: {error}"), None)
        }
    };
    if let Some(error) = &failed {
        let why = error.to_string();
        journal.write(Entry::Failed { step, name: name.clone(), why: why.clone(), millis })?;
        tell.tell(What::StepFailed { step, name, why, millis });
    } else {
        journal.write(Entry::Did { step, name: name.clone(), note: note.clone(), millis })?;
        tell.tell(What::StepDone { step, name, note, millis });
    }
    Ok(failed)
}

async fn undo<W, D: Deed<W>>(
    journal: &Journal,
    tell: &Tell,
    step: usize,
    deed: &D,
    world: &W,
) -> Result<Result<()>> {
    let name = String::from(deed.name());
    journal.write(Entry::Undoing { step, name: name.clone() })?;
    tell.tell(What::UndoStarted { step, name: name.clone() });
    let progress = Progress::new(step, tell.clone(), Some(journal.clone()));
    let deadline = Deadline::after(deed.undo_within(), format!("the undoing of {name}"));
    match deadline.bound(deed.undo(world, &progress)).await {
        Ok(Done(note)) => {
            journal.write(Entry::Undid { step, name: name.clone(), note: note.clone() })?;
            tell.tell(What::UndoDone { step, name, note });
            Ok(Ok(()))
        }
        Err(error) => {
            let why = error.to_string();
            journal.write(Entry::Stuck { step, name: name.clone(), why: why.clone() })?;
            tell.tell(What::UndoFailed { step, name, why });
            Ok(Err(error))
        }
    }
}
