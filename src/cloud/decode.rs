//! How an answer becomes our types: strict about what is needed, tolerant about all else.
//!
//! Written by hand over [`serde_json::Value`] instead of derived, because a derived type fails as a
//! whole when one field that nobody reads is null or of another type, and because its messages do
//! not say which of 200 droplets was odd.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde_json::Value;

/// Says which part of an answer was not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Where, such as `droplets[3].id`.
    pub(crate) path: String,
    /// What was expected there, a noun.
    pub(crate) expected: &'static str,
    /// What was there instead, a noun.
    pub(crate) found: &'static str,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found } = self;
        write!(f, "expected {expected} at `{path}`, found {found}")
    }
}

/// A type that can be read out of an answer.
pub(crate) trait Decode: Sized {
    /// Reads one from `node`.
    fn decode(node: &Node<'_>) -> Result<Self, Shape>;
}

/// A place in an answer; a place that is not there reads as null.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    path: String,
}

static NULL: Value = Value::Null;

impl<'a> Node<'a> {
    /// Starts at the top of an answer.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// Goes to a field.
    pub(crate) fn get(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) };
        Node { value: self.value.get(key).unwrap_or(&NULL), path }
    }

    /// Returns the complaint that something else was expected here.
    pub(crate) fn wrong(&self, expected: &'static str) -> Shape {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "another number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let path = if self.path.is_empty() { "the top".into() } else { self.path.clone() };
        Shape { path, expected, found }
    }

    /// Returns whether nothing is here.
    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Requires a whole number; one written as text is accepted.
    pub(crate) fn u64(&self) -> Result<u64, Shape> {
        self.maybe_u64().ok_or_else(|| self.wrong("a whole number"))
    }

    /// Reads a whole number, if there is one.
    pub(crate) fn maybe_u64(&self) -> Option<u64> {
        match self.value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Reads a whole number of at most 32 bits, if there is one.
    pub(crate) fn maybe_u32(&self) -> Option<u32> {
        self.maybe_u64().and_then(|number| u32::try_from(number).ok())
    }

    /// Reads a finite number, if there is one.
    pub(crate) fn maybe_f64(&self) -> Option<f64> {
        let number = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite())
    }

    /// Requires a finite number.
    pub(crate) fn f64(&self) -> Result<f64, Shape> {
        self.maybe_f64().ok_or_else(|| self.wrong("a number"))
    }

    /// Reads a boolean, if there is one.
    pub(crate) fn maybe_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Requires a text that is not empty.
    pub(crate) fn text(&self) -> Result<String, Shape> {
        self.maybe_text().ok_or_else(|| self.wrong("a text"))
    }

    /// Reads a text that is not empty, if there is one.
    pub(crate) fn maybe_text(&self) -> Option<String> {
        self.value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Requires an identifier, which the API spells as a text or as a number.
    pub(crate) fn name(&self) -> Result<String, Shape> {
        self.maybe_name().ok_or_else(|| self.wrong("an identifier"))
    }

    /// Reads an identifier spelled as a text or as a number, if there is one.
    pub(crate) fn maybe_name(&self) -> Option<String> {
        match self.value {
            Value::Number(number) => number.as_u64().map(|number| number.to_string()),
            _ => self.maybe_text(),
        }
    }

    /// Reads a text that means a `T`, if there is one.
    pub(crate) fn maybe_parsed<T: FromStr>(&self) -> Option<T> {
        self.value.as_str().and_then(|text| text.trim().parse().ok())
    }

    /// Requires a text that means a `T`.
    pub(crate) fn parsed<T: FromStr>(&self, expected: &'static str) -> Result<T, Shape> {
        self.maybe_parsed().ok_or_else(|| self.wrong(expected))
    }

    /// Reads a moment, if there is one.
    pub(crate) fn maybe_time(&self) -> Option<Timestamp> {
        self.maybe_parsed()
    }

    /// Requires a list; null is an empty one, as servers written in Go mean it.
    pub(crate) fn items(&self) -> Result<Vec<Self>, Shape> {
        match self.value {
            Value::Null | Value::Array(_) => Ok(self.maybe_items()),
            _ => Err(self.wrong("a list")),
        }
    }

    /// Reads a list; anything else is an empty one.
    pub(crate) fn maybe_items(&self) -> Vec<Self> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let node = |(index, value)| Node { value, path: format!("{}[{index}]", self.path) };
        items.iter().enumerate().map(node).collect()
    }

    /// Reads the texts of a list and skips everything else in it.
    pub(crate) fn maybe_texts(&self) -> Vec<String> {
        self.maybe_items().iter().filter_map(Node::maybe_name).collect()
    }

    /// Reads the whole numbers of a list and skips everything else in it.
    pub(crate) fn maybe_numbers(&self) -> Vec<u64> {
        self.maybe_items().iter().filter_map(Node::maybe_u64).collect()
    }

    /// Returns whether a field of this name exists, be it null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_complaint_says_where_and_what() {
        let answer = json!({ "droplets": [{ "id": 1 }, { "id": [] }] });
        let items = Node::root(&answer).get("droplets").items().unwrap();
        assert_eq!(items[0].get("id").u64(), Ok(1));
        let shape = items[1].get("id").u64().unwrap_err();
        assert_eq!(shape.to_string(), "expected a whole number at `droplets[1].id`, found a list");
        assert_eq!(
            Node::root(&answer).get("meta").get("total").u64().unwrap_err().to_string(),
            "expected a whole number at `meta.total`, found nothing"
        );
    }

    #[test]
    fn spellings_of_other_clients_and_servers_are_read() {
        let answer = json!({ "a": "412", "b": 412, "c": -1, "d": 4.5, "e": null, "f": "" });
        let root = Node::root(&answer);
        assert_eq!(root.get("a").u64(), Ok(412));
        assert_eq!(root.get("b").name().unwrap(), "412");
        assert!(root.get("c").u64().is_err());
        assert!(root.get("d").u64().is_err());
        assert!(root.get("e").items().unwrap().is_empty());
        assert!(root.get("d").items().is_err());
        assert_eq!(root.get("f").maybe_text(), None);
    }
}
