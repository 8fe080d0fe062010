//! A YAML value that knows where it was written.
//!
//! Only looks: `tree` builds it, `merge` changes it.

use std::sync::Arc;

use super::{
    scalar::{self, Plain},
    source::Place,
};

/// A YAML value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text, a number, a boolean or nothing.
    Scalar {
        /// The text, without quotes and escapes.
        text: Arc<str>,
        /// Whether it was written without quotes, so that it may be something else than text.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A key of a mapping, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Arc<str>,
    /// Where the key was written.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Returns the value under `key`, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entry of `key`, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// Returns the entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Kind::Map(entries) = &self.kind { entries } else { &[] }
    }

    /// Returns the items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        if let Kind::List(items) = &self.kind { items } else { &[] }
    }

    /// Returns the text of a scalar that is not nothing, as it was written.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Returns what a scalar means by YAML 1.2; nothing for lists and mappings.
    pub fn plain(&self) -> Option<Plain> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => Some(scalar::read(text)),
            Kind::Scalar { .. } => Some(Plain::Text),
            _ => None,
        }
    }

    /// Returns whether this is nothing.
    pub fn is_null(&self) -> bool {
        self.plain() == Some(Plain::Null)
    }

    /// Returns what this is, for a message.
    pub fn noun(&self) -> &'static str {
        match (&self.kind, self.plain()) {
            (Kind::List(_), _) => "a list",
            (Kind::Map(_), _) => "a mapping",
            (_, Some(Plain::Null)) => "nothing",
            (_, Some(Plain::Bool(_))) => "a boolean",
            (_, Some(Plain::Int(_) | Plain::Float)) => "a number",
            _ => "text",
        }
    }

    /// Returns depth, number of nodes and bytes of text.
    pub(super) fn measure(&self) -> (usize, usize, usize) {
        let own = |text: &Arc<str>| (1, 1, text.len());
        let sum = |(depth, nodes, bytes): (usize, usize, usize), node: &Self| {
            let (d, n, b) = node.measure();
            (depth.max(d + 1), nodes + n, bytes + b)
        };
        match &self.kind {
            Kind::Scalar { text, .. } => own(text),
            Kind::List(items) => items.iter().fold((1, 1, 0), sum),
            Kind::Map(entries) => {
                let keys = entries.iter().map(|entry| entry.key.len()).sum();
                entries.iter().map(|entry| &entry.value).fold((1, 1, keys), sum)
            }
        }
    }
}
