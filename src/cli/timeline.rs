//! One run's journal as a person reads it: when each step began, how long it took, what came of it.

use std::{fmt::Write as _, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::history::{Past, local};
use crate::{run::journal::Entry, size, ui::Ui};

/// Describes a run in a few facts, for lists.
pub(super) fn summary(run: &Past) -> Value {
    json!({
        "run": run.opening.run,
        "verb": run.opening.verb,
        "version": run.opening.version,
        "app": run.opening.app,
        "env": run.opening.env,
        "who": run.opening.who,
        "began": run.began,
        "outcome": run.outcome(),
        "closing": run.closing,
    })
}

/// Returns the whole run: its summary and every record.
pub(super) fn json(run: &Past) -> Value {
    json!({ "summary": summary(run), "opening": run.opening, "records": run.records })
}

/// Writes the run as a timeline.
pub(super) fn text(run: &Past, ui: &Ui) -> String {
    let opening = &run.opening;
    let version = opening.version.as_deref().unwrap_or_default();
    let mut text = format!("{} of {}/{} {version}", opening.verb, opening.app, opening.env);
    text.truncate(text.trim_end().len());
    // writing to a String cannot fail
    let _ = writeln!(
        text,
        "\nrun    {}\nbegan  {} by {}, with remuda {}",
        opening.run,
        local(run.began),
        opening.who,
        opening.tool
    );
    let rows = rows(run);
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{}", ui.table(&["AT", "STEP", "TOOK", "WHAT"], &rows));
    }
    match &run.closing {
        Some(closing) => {
            let took = size::duration(Duration::from_millis(closing.millis));
            let _ = write!(
                text,
                "\n{} after {took} and {} API calls; traffic {}",
                closing.outcome, closing.api_calls, closing.traffic
            );
            if let Some(why) = &closing.why {
                let _ = write!(text, "\nbecause {why}");
            }
        }
        None => text.push_str(
            "\nunfinished: the run died, or is still going; `remuda status` shows what stands",
        ),
    }
    text
}

/// One row a step that ended, one a step that never did, one a fact; in the order of beginning.
fn rows(run: &Past) -> Vec<Vec<String>> {
    let mut rows: Vec<(Duration, Vec<String>)> = Vec::new();
    let mut open: Vec<(usize, String, Duration)> = Vec::new();
    let mut row = |at: Duration, step: &str, took: Option<u64>, what: &str| {
        let took =
            took.map_or_else(String::new, |took| size::duration(Duration::from_millis(took)));
        rows.push((
            at,
            vec![format!("+{}", size::duration(at)), step.to_owned(), took, what.to_owned()],
        ));
    };
    for record in &run.records {
        let now = since(run.began, record.at);
        let mut began = |step: &usize| {
            let place = open.iter().position(|(open, ..)| open == step);
            place.map_or(now, |place| open.swap_remove(place).2)
        };
        match &record.entry {
            Entry::Began { step, name } => open.push((*step, name.clone(), now)),
            Entry::Did { step, name, note, millis } => row(began(step), name, Some(*millis), note),
            Entry::Failed { step, name, why, millis } => {
                row(began(step), name, Some(*millis), &format!("failed: {why}"));
            }
            Entry::Undoing { step, name } => open.push((*step, format!("undo {name}"), now)),
            Entry::Undid { step, name, note } => {
                let at = began(step);
                row(at, &format!("undo {name}"), millis(now.saturating_sub(at)), note);
            }
            Entry::Stuck { step, name, why } => {
                let at = began(step);
                let what = format!("could not be undone: {why}");
                row(at, &format!("undo {name}"), millis(now.saturating_sub(at)), &what);
            }
            Entry::Noted { topic, facts } => row(now, topic, None, &plainly(facts)),
            Entry::Opened(_) | Entry::Closed(_) => {}
        }
    }
    for (_, name, at) in &open {
        row(*at, name, None, "began, and never ended");
    }
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn since(began: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(began)).unwrap_or_default()
}

fn millis(took: Duration) -> Option<u64> {
    u64::try_from(took.as_millis()).ok()
}

/// Writes facts as words: `sent 240, failed 0, p50 1.2 ms`. What is empty is left out.
fn plainly(facts: &Value) -> String {
    match facts {
        Value::Object(facts) => {
            let words = facts.iter().filter_map(|(key, value)| {
                let value = plainly(value);
                let (key, unit) =
                    key.strip_suffix("_ms").map_or((key.as_str(), ""), |key| (key, " ms"));
                (!value.is_empty()).then(|| format!("{} {value}{unit}", key.replace('_', " ")))
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) => items.iter().map(plainly).collect::<Vec<_>>().join(" "),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => format!("{number:.1}"),
            None => number.to_string(),
        },
        Value::Bool(flag) => flag.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_read_as_words() {
        let facts = json!({ "sent": 240, "failed": 0, "p50_ms": 1.234, "longest_outage_ms": 0, "releases": { "v1": 3, "v2": 9 }, "reasons": {}, "last": null });
        assert_eq!(
            plainly(&facts),
            "sent 240, failed 0, p50 1.2 ms, longest outage 0 ms, releases v1 3, v2 9"
        );
    }
}
