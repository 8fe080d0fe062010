//! A run where there is no terminal: one line for each event, with the time since its beginning.
//!
//! The wording is stable: people grep in the logs of their CI. The probe speaks about once a second,
//! so it is written when the number of failures changes, every ten seconds, and at the end.

use std::time::Duration;

use jiff::Timestamp;

use super::wording::{Probed, calls, subject, took};
use crate::run::event::{Event, What};

/// Seconds between two lines about the probe while nothing fails.
const PROBE_EVERY: u64 = 10;

/// A run as lines of a log.
#[derive(Debug, Default)]
pub(super) struct Plain {
    verbose: bool,
    begun: Option<Timestamp>,
    verb: String,
    names: Vec<String>,
    told: Vec<String>,
    probed: Option<Probed>,
    probe_told: Option<(Duration, Probed)>,
}

impl Plain {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose, ..Self::default() }
    }

    /// Takes an event in, and returns its lines: mostly one.
    pub(super) fn hear(&mut self, event: &Event) -> Vec<String> {
        if let What::RunStarted { verb, steps, .. } = &event.what {
            *self = Self::new(self.verbose);
            self.begun = Some(event.at);
            self.verb.clone_from(verb);
            self.names = steps.iter().map(|step| step.name.clone()).collect();
        }
        let begun = *self.begun.get_or_insert(event.at);
        let at = Duration::try_from(event.at.duration_since(begun)).unwrap_or_default();
        self.words(&event.what, at)
            .into_iter()
            .map(|words| format!("[{:>8.2}s] {words}", at.as_secs_f64()))
            .collect()
    }

    fn words(&mut self, what: &What, at: Duration) -> Vec<String> {
        let words = match what {
            What::RunStarted { run, verb, app, env, version, steps } => {
                let subject = subject(verb, app, env, version.as_deref());
                format!("{subject}: started, run {run}, {} steps", steps.len())
            }
            What::StepStarted { step, name, title } => {
                self.named(*step, name);
                format!("{name}: started, {title}")
            }
            What::StepProgress { step, text } => {
                if !self.news(*step, text) {
                    return Vec::new();
                }
                format!("{}: {text}", self.name(*step))
            }
            What::StepOutput { step, line } if self.verbose => {
                format!("{}: | {line}", self.name(*step))
            }
            What::StepOutput { .. } => return Vec::new(),
            What::StepDone { name, note, millis, .. } => {
                format!("{name}: done in {}{}", took(*millis), after_comma(note))
            }
            What::StepFailed { name, why, millis, .. } => {
                format!("{name}: failed after {}: {why}", took(*millis))
            }
            What::UndoStarted { name, .. } => format!("{name}: undoing"),
            What::UndoDone { name, note, .. } => format!("{name}: undone{}", after_comma(note)),
            What::UndoFailed { name, why, .. } => format!("{name}: not undone: {why}"),
            What::Warning { text } => format!("warning: {text}"),
            What::Probe { sent, failed, p50_ms, max_ms } => {
                let (sent, failed, p50_ms, max_ms) = (*sent, *failed, *p50_ms, *max_ms);
                let probed = Probed { sent, failed, p50_ms, max_ms };
                self.probed = Some(probed);
                let quiet = self.probe_told.is_some_and(|(told, before)| {
                    before.failed == failed && at.saturating_sub(told).as_secs() < PROBE_EVERY
                });
                return if quiet { Vec::new() } else { self.probe(probed, at) };
            }
            What::TrafficMoved { from, to, millis } => {
                let from = from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
                format!("traffic: moved{from} to {to}, proved in {}", took(*millis))
            }
            What::RunFinished { outcome, millis, api_calls, traffic } => {
                let untold = self
                    .probed
                    .take()
                    .filter(|probed| self.probe_told.is_none_or(|(_, told)| told != *probed));
                let mut lines: Vec<String> = Vec::new();
                lines.extend(untold.into_iter().flat_map(|probed| self.probe(probed, at)));
                let verb = if self.verb.is_empty() { "run" } else { &self.verb };
                let took = took(*millis);
                lines.push(format!("{verb}: {outcome} in {took}, {}", calls(*api_calls)));
                if !traffic.is_empty() {
                    lines.push(format!("traffic: {traffic}"));
                }
                return lines;
            }
        };
        vec![words]
    }

    fn probe(&mut self, probed: Probed, at: Duration) -> Vec<String> {
        self.probe_told = Some((at, probed));
        vec![format!("public address: {}", probed.full())]
    }

    fn named(&mut self, step: usize, name: &str) {
        // a step beyond the plan has no place here: it is named by its number
        if step == self.names.len() {
            self.names.push(name.to_owned());
        }
    }

    fn name(&self, step: usize) -> String {
        self.names.get(step).cloned().unwrap_or_else(|| format!("step {step}"))
    }

    /// Returns whether the step says something else than before.
    fn news(&mut self, step: usize, text: &str) -> bool {
        if self.told.len() <= step && step < self.names.len() {
            self.told.resize(self.names.len(), String::new());
        }
        match self.told.get_mut(step) {
            Some(told) if told == text => false,
            Some(told) => {
                text.clone_into(told);
                true
            }
            None => true,
        }
    }
}

fn after_comma(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(", {note}") }
}
