//! What a run looks like to a person: the lines that stay, and those that move while it goes.
//!
//! Pure: events and the time in, text out. It writes nothing, so that it can be tested to the letter.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    ink::{Ink, cut, ink, width, wrap},
    wording::{Probed, calls, running, subject, took},
};
use crate::run::event::{Event, What};

/// Columns a line takes at most, however wide the terminal is: a note far from its time is not read.
const MEASURE: usize = 80;

/// Columns of the longest name that still moves the column of notes.
const LONGEST_NAME: usize = 14;

/// Columns between a name, a note and a time.
const GAP: usize = 2;

/// Columns of a time, such as `59 m 59 s`.
const TIME: usize = 9;

const SPIN: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// A run in a terminal.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    verbose: bool,
    rows: Vec<Row>,
    probed: Option<Probed>,
    begun: Option<Timestamp>,
    /// A step failed: what has not begun will not.
    failed: bool,
}

#[derive(Debug)]
struct Row {
    name: String,
    title: String,
    text: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Waiting,
    Running { since: Timestamp },
    Undoing { since: Timestamp },
    Over,
}

impl Checklist {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose, ..Self::default() }
    }

    /// Takes an event in, and returns the lines that stay because of it.
    pub(super) fn hear(&mut self, event: &Event, columns: usize) -> Vec<String> {
        let at = event.at;
        match &event.what {
            What::RunStarted { run, verb, app, env, version, steps } => {
                let rows = steps.iter().map(|step| Row {
                    name: step.name.clone(),
                    title: step.title.clone(),
                    text: String::new(),
                    state: State::Waiting,
                });
                *self = Self { rows: rows.collect(), begun: Some(at), ..Self::new(self.verbose) };
                let subject = ink(Ink::Strong, &subject(verb, app, env, version.as_deref()));
                vec![String::new(), spread(&subject, &ink(Ink::Faint, run), columns), String::new()]
            }
            What::StepStarted { step, name, title } => {
                let row = self.row(*step, name);
                row.title.clone_from(title);
                row.text.clear();
                row.state = State::Running { since: at };
                Vec::new()
            }
            What::StepProgress { step, text } => {
                self.row(*step, "").text.clone_from(text);
                Vec::new()
            }
            What::StepOutput { line, .. } if self.verbose => {
                let bar = ink(Ink::Faint, "│");
                wrap(line, measure(columns).saturating_sub(6))
                    .into_iter()
                    .map(|line| format!("    {bar} {}", ink(Ink::Faint, &line)))
                    .collect()
            }
            What::StepOutput { .. } => Vec::new(),
            What::StepDone { step, name, note, millis } => {
                let title = self.over(*step, name);
                let note = if note.is_empty() { &title } else { note };
                self.entry(Ink::Good, "✓", name, note, &took(*millis), columns)
            }
            What::StepFailed { step, name, why, millis } => {
                self.over(*step, name);
                self.failed = true;
                self.entry(Ink::Bad, "✗", name, why, &took(*millis), columns)
            }
            What::UndoStarted { step, name } => {
                let row = self.row(*step, name);
                row.text = "undoing".into();
                row.state = State::Undoing { since: at };
                Vec::new()
            }
            What::UndoDone { step, name, note } => {
                self.over(*step, name);
                let note = if note.is_empty() { "undone" } else { note };
                self.entry(Ink::Warn, "↩", name, note, "", columns)
            }
            What::UndoFailed { step, name, why } => {
                self.over(*step, name);
                let why = format!("could not be undone: {why}");
                self.entry(Ink::Bad, "✗", name, &why, "", columns)
            }
            What::Warning { text } => self.entry(Ink::Warn, "!", "warning", text, "", columns),
            What::Probe { sent, failed, p50_ms, max_ms } => {
                let (sent, failed, p50_ms, max_ms) = (*sent, *failed, *p50_ms, *max_ms);
                self.probed = Some(Probed { sent, failed, p50_ms, max_ms });
                Vec::new()
            }
            What::TrafficMoved { from, to, millis } => {
                let moved = match from {
                    Some(from) => format!("{from} → {to}"),
                    None => format!("→ {to}"),
                };
                self.entry(Ink::Busy, "⇒", "traffic", &moved, &took(*millis), columns)
            }
            What::RunFinished { outcome, millis, api_calls, traffic } => {
                self.finish(outcome, *millis, *api_calls, traffic, columns)
            }
        }
    }

    /// Returns the lines that move: what is running, what comes next, how the address answers.
    pub(super) fn moving(&self, now: Timestamp, columns: usize) -> Vec<String> {
        let Some(begun) = self.begun else { return Vec::new() };
        let elapsed = since(begun, now).as_millis();
        let frame = usize::try_from(elapsed / 80).unwrap_or(0) % SPIN.len();
        let spin = SPIN.get(frame).copied().unwrap_or("·");
        let mut lines = Vec::new();
        for row in &self.rows {
            let (shade, mark, then) = match row.state {
                State::Running { since } => (Ink::Busy, spin, since),
                State::Undoing { since } => (Ink::Warn, "↩", since),
                State::Waiting | State::Over => continue,
            };
            let text = if row.text.is_empty() { &row.title } else { &row.text };
            let text = cut(text, self.room(columns));
            let time = running(since(then, now));
            lines.extend(self.entry(shade, mark, &row.name, &text, &time, columns));
        }
        let waiting: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| row.state == State::Waiting && !self.failed)
            .map(|row| row.name.as_str())
            .collect();
        if !waiting.is_empty() {
            let next = cut(&waiting.join(", "), self.room(columns));
            lines.push(format!(
                "  {}",
                ink(Ink::Faint, &format!("· {}{}{next}", self.pad("then"), " ".repeat(GAP)))
            ));
        }
        if let Some(probed) = self.probed {
            let text = format!("public address: {}", probed.short());
            lines.push(cut(&format!("  {} {text}", beat(probed)), measure(columns)));
        }
        lines
    }

    fn finish(
        &mut self,
        outcome: &str,
        millis: u64,
        api_calls: u64,
        traffic: &str,
        columns: usize,
    ) -> Vec<String> {
        let room = measure(columns).saturating_sub(4);
        let mut lines = vec![String::new()];
        if let Some(probed) = self.probed.take() {
            let said = wrap(&format!("public address: {}", probed.full()), room);
            lines.extend(said.into_iter().enumerate().map(|(place, line)| {
                let mark = if place == 0 { beat(probed) } else { " ".into() };
                format!("  {mark} {line}")
            }));
        }
        let (shade, mark) = match outcome {
            "done" => (Ink::Good, "✓"),
            "returned" | "interrupted" => (Ink::Warn, "↩"),
            _ => (Ink::Bad, "✗"),
        };
        let outcome = ink(shade, &format!("{mark} {outcome}"));
        lines.push(format!("  {outcome} in {}, {}", took(millis), calls(api_calls)));
        if !traffic.is_empty() {
            let said = wrap(&format!("traffic: {traffic}"), room);
            lines.extend(said.into_iter().map(|line| format!("    {line}")));
        }
        self.rows.clear();
        self.begun = None;
        lines
    }

    /// Returns the row of a step, made if nobody announced it.
    fn row(&mut self, step: usize, name: &str) -> &mut Row {
        let place = step.min(self.rows.len());
        if place == self.rows.len() {
            self.rows.push(Row {
                name: name.to_owned(),
                title: String::new(),
                text: String::new(),
                state: State::Over,
            });
        }
        &mut self.rows[place]
    }

    fn over(&mut self, step: usize, name: &str) -> String {
        let row = self.row(step, name);
        row.state = State::Over;
        row.text.clear();
        row.title.clone()
    }

    /// Returns one entry: mark, name, text in as many lines as it needs, time at the right.
    fn entry(
        &self,
        shade: Ink,
        mark: &str,
        name: &str,
        text: &str,
        time: &str,
        columns: usize,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        let margin = 4 + width(&self.pad(name)) + GAP;
        for (place, part) in wrap(text, self.room(columns)).into_iter().enumerate() {
            if place == 0 {
                let name = ink(Ink::Strong, &self.pad(name));
                let head = format!("  {} {name}{}{part}", ink(shade, mark), " ".repeat(GAP));
                lines.push(spread(&head, &ink(Ink::Faint, time), columns));
            } else {
                lines.push(format!("{}{part}", " ".repeat(margin)));
            }
        }
        lines
    }

    fn names(&self) -> usize {
        let names =
            self.rows.iter().map(|row| width(&row.name)).filter(|wide| *wide <= LONGEST_NAME);
        names.max().unwrap_or(0).max("traffic".len())
    }

    fn pad(&self, name: &str) -> String {
        let missing = self.names().saturating_sub(width(name));
        format!("{name}{}", " ".repeat(missing))
    }

    /// Returns the columns for a note.
    fn room(&self, columns: usize) -> usize {
        measure(columns).saturating_sub(4 + self.names() + GAP + GAP + TIME).max(12)
    }
}

fn measure(columns: usize) -> usize {
    // one column stays free: a full line makes some terminals begin an empty one
    columns.saturating_sub(1).min(MEASURE)
}

fn beat(probed: Probed) -> String {
    if probed.failed == 0 { ink(Ink::Good, "♥") } else { ink(Ink::Bad, "♥") }
}

/// Puts `right` at the right edge, where it has room.
fn spread(left: &str, right: &str, columns: usize) -> String {
    let gap = measure(columns).saturating_sub(width(left) + width(right));
    if width(right) == 0 {
        left.to_owned()
    } else if gap < GAP {
        cut(left, measure(columns))
    } else {
        format!("{left}{}{right}", " ".repeat(gap))
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}
