//! `remuda doctor`: what of this machine and the account would stop a release, and what to do.
//!
//! It looks and changes nothing. A check that cannot be made because another one failed says so.

mod account;
mod herd;
mod here;

use std::process::ExitCode;

use serde_json::json;

use super::{args::Global, session};
use crate::ui::Ui;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warn,
    Fail,
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, serde::Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    advice: Option<String>,
}

impl Check {
    fn new(state: State, name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state, found: found.into(), advice: None }
    }

    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(State::Ok, name, found)
    }

    fn warn(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(State::Warn, name, found)
    }

    fn fail(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(State::Fail, name, found)
    }

    fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(State::Skipped, name, why)
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Makes a failed check of an error, with its first hint as the advice.
    fn error(name: &'static str, error: &crate::error::Error) -> Self {
        let check = Self::fail(name, error.to_string());
        match error.hints().first() {
            Some(hint) => check.advice(hint),
            None => check,
        }
    }
}

/// Runs it; ends with 1 when something failed.
pub(super) async fn run(global: &Global, ui: &Ui) -> ExitCode {
    let spec = session::load(global);
    let mut checks = here::checks(&spec).await;
    let (cloud, found) = account::checks(global, ui).await;
    checks.extend(found);
    checks.extend(herd::checks(cloud.as_ref(), spec.as_ref().ok()).await);

    let failed = count(&checks, State::Fail);
    let warned = count(&checks, State::Warn);
    let json = json!({ "ok": failed == 0, "failed": failed, "warned": warned, "checks": checks });
    ui.result(&text(&checks, failed, warned, ui), &json);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count(checks: &[Check], state: State) -> usize {
    checks.iter().filter(|check| check.state == state).count()
}

fn text(checks: &[Check], failed: usize, warned: usize, ui: &Ui) -> String {
    let rows = checks.iter().map(|check| {
        let word = match check.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
            State::Skipped => "-",
        };
        vec![word.to_owned(), check.name.to_owned(), check.found.clone()]
    });
    let mut text = ui.table(&["", "CHECK", "FOUND"], &rows.collect::<Vec<_>>());
    let advice: Vec<String> = checks
        .iter()
        .filter_map(|check| Some(format!("  {}: {}", check.name, check.advice.as_ref()?)))
        .collect();
    if !advice.is_empty() {
        text.push_str("\n\nwhat to do:\n");
        text.push_str(&advice.join("\n"));
    }
    let verdict = match (failed, warned) {
        (0, 0) => {
            "nothing is wrong; `remuda plan VERSION` checks the rest for a release".to_owned()
        }
        (0, warned) => format!("nothing failed, {warned} to look at"),
        (failed, _) => format!("{failed} failed"),
    };
    text + "\n\n" + &verdict
}
