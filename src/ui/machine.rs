//! What programs read: events, results and errors as JSON. The names are stable.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clean::turns;
use crate::{
    error::Error,
    run::event::{Event, What},
};

/// Returns an event as one flat object: `at`, `code`, then its own fields.
pub(super) fn event(event: &Event) -> Value {
    let mut fields = Map::new();
    fields.insert("at".into(), event.at.to_string().into());
    if let Ok(Value::Object(what)) = serde_json::to_value(&event.what) {
        fields.extend(what);
    }
    fields.into()
}

/// Returns the event with `change` done to each of its texts.
pub(super) fn each_text(event: &Event, change: impl Fn(Value) -> Value) -> Event {
    // no text in it, and JSON has no word for the median of no answer
    if matches!(event.what, What::Probe { .. }) {
        return event.clone();
    }
    let what = serde_json::to_value(&event.what).map(change);
    let what = what.and_then(serde_json::from_value::<What>);
    // an event that does not survive this is not shown as it was: it may hold what must not be seen
    let what = what.unwrap_or(What::Warning { text: "an event could not be shown".into() });
    Event { at: event.at, what }
}

/// Returns an error as one object.
pub(super) fn error(error: &Error) -> Value {
    let mut places = Map::new();
    for (label, value) in error.places() {
        // the same label twice, such as two droplets, becomes a list
        match places.get_mut(*label) {
            None => {
                places.insert((*label).to_owned(), value.clone().into());
            }
            Some(Value::Array(values)) => values.push(value.clone().into()),
            Some(first) => *first = json!([first.clone(), value]),
        }
    }
    json!({
        "code": error.kind().code(),
        "exit": error.kind().exit_code(),
        "what": error.what(),
        "places": places,
        "causes": error.causes(),
        "report": error.block(),
        "traffic": error.traffic_state(),
        "hints": error.hints(),
    })
}

/// Returns prose in the stream of events, such as a chapter of the demo.
pub(super) fn prose(code: &str, text: &str, at: Timestamp) -> Value {
    json!({ "at": at.to_string(), "code": code, "text": text })
}

/// Writes a value as one line, with what could steer a terminal escaped.
pub(super) fn line(value: &Value) -> String {
    escape(&value.to_string())
}

/// Writes a value as a document for eyes and programs, with what could steer a terminal escaped.
pub(super) fn document(value: &Value) -> String {
    escape(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
}

/// JSON escapes the control characters of ASCII by itself; the rest can stand inside strings only.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for sign in json.chars() {
        if ('\u{7f}'..='\u{9f}').contains(&sign) || turns(sign) || super::ink::is_mark(sign) {
            // writing to a String does not fail
            let _ = write!(escaped, "\\u{:04x}", u32::from(sign));
        } else {
            escaped.push(sign);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_event_is_flat_and_begins_with_its_time_and_code() {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let what = What::StepProgress { step: 3, text: "waiting".into() };
        assert_eq!(
            line(&event(&Event { at, what })),
            r#"{"at":"2026-11-21T10:00:00Z","code":"step_progress","step":3,"text":"waiting"}"#
        );
    }

    #[test]
    fn an_error_has_its_exit_code_and_its_places() {
        let failure = Error::new(Kind::Locked, "held by another run")
            .at("droplet", 1)
            .at("droplet", 2)
            .at("request", "r-1")
            .because(std::io::Error::other("no"))
            .hint("wait");
        insta::assert_snapshot!(document(&error(&failure)), @r#"
        {
          "code": "locked",
          "exit": 11,
          "what": "held by another run",
          "places": {
            "droplet": [
              "1",
              "2"
            ],
            "request": "r-1"
          },
          "causes": [
            "no"
          ],
          "report": null,
          "traffic": null,
          "hints": [
            "wait"
          ]
        }
        "#);
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_that_reads_back(text in any::<String>()) {
            let value = Value::String(text);
            let line = line(&value);
            prop_assert!(line.chars().all(|sign| !sign.is_control() && !turns(sign)));
            prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
        }
    }
}
