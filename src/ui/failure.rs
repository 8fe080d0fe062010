//! An error as a person meets it: what failed, where, why, what traffic does, what to type next.

use super::{
    clean::{block, line},
    ink::{Ink, ink},
    redact::Redactor,
};
use crate::error::Error;

/// Returns the lines of an error, each understandable without its colour.
pub(super) fn failure(error: &Error, redactor: &Redactor) -> String {
    let line = |text: &str| redactor.text(&line(&redactor.text(text)));
    let mut lines = vec![format!("{} {}", ink(Ink::Bad, "error:"), strong(&line(error.what())))];
    for (label, value) in error.places() {
        lines.push(format!("  {} {}", ink(Ink::Faint, &format!("{label}:")), line(value)));
    }
    for cause in error.causes() {
        let mut cause = cause.lines().map(line);
        let first = cause.next().unwrap_or_default();
        lines.push(format!("  {} {first}", ink(Ink::Faint, "because:")));
        lines.extend(cause.map(|more| format!("    {more}")));
    }
    if let Some(report) = error.block() {
        let report = redactor.text(&block(&redactor.text(report)));
        lines.push(String::new());
        lines.extend(report.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()));
        lines.push(String::new());
    }
    if let Some(traffic) = error.traffic_state() {
        lines.push(format!("{} {}", ink(Ink::Warn, "traffic:"), line(traffic)));
    }
    for hint in error.hints() {
        let mut hint = hint.lines().map(line);
        let first = hint.next().unwrap_or_default();
        lines.push(format!("{} {}", ink(Ink::Good, "hint:"), commands(&first)));
        lines.extend(hint.map(|more| format!("      {}", commands(&more))));
    }
    lines.join("\n").trim_end().to_owned()
}

fn strong(text: &str) -> String {
    commands_in(text, Some(Ink::Strong))
}

fn commands(text: &str) -> String {
    commands_in(text, None)
}

/// Inks what stands between backquotes, which stay: they read well without colour too.
fn commands_in(text: &str, around: Option<Ink>) -> String {
    let mut inked = String::new();
    let parts: Vec<&str> = text.split('`').collect();
    // an odd quote quotes nothing
    let quoted = parts.len() % 2 == 1;
    for (place, part) in parts.iter().enumerate() {
        if place % 2 == 1 && quoted {
            inked.push_str(&ink(Ink::Busy, &format!("`{part}`")));
            continue;
        }
        let part = if place > 0 && !quoted { format!("`{part}") } else { (*part).to_owned() };
        match around {
            Some(around) => inked.push_str(&ink(around, &part)),
            None => inked.push_str(&part),
        }
    }
    inked
}
