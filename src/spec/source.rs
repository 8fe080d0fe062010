//! A text that was read, and places in it, so that every finding can show its line.
//!
//! Holds no judgement: it only answers "where".

use std::{fmt, ops::Range, sync::Arc};

/// A file that was read, under the name that the user would type for it.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The path as shown to people.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Makes a source of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A range of bytes in a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Where the range is.
    pub source: Arc<Source>,
    /// First byte.
    start: usize,
    /// First byte behind.
    end: usize,
}

impl Place {
    /// Makes a place; a range outside of the text or inside of a character is moved to the nearest
    /// one that is not.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let text = &source.text;
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
        Self { source: Arc::clone(source), start, end }
    }

    /// Returns the range of bytes.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Returns the text at the place.
    pub fn text(&self) -> &str {
        self.source.text.get(self.range()).unwrap_or_default()
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        let before = self.source.text.get(..self.start).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// Returns the column in characters, counted from 1.
    pub fn column(&self) -> usize {
        let before = self.source.text.get(..self.start).unwrap_or_default();
        before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    /// Returns the part of this place that holds `needle`, or the whole place's first line.
    #[must_use]
    pub fn find(&self, needle: &str) -> Self {
        match self.text().find(needle).filter(|_| !needle.is_empty()) {
            Some(at) => {
                let start = self.start + at;
                Self::new(&self.source, start..start + needle.len())
            }
            None => self.first_line(),
        }
    }

    /// Returns this place, cut at the end of its first line.
    #[must_use]
    pub fn first_line(&self) -> Self {
        let length = self.text().lines().next().unwrap_or_default().trim_end().len();
        Self::new(&self.source, self.start..self.start + length)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters() {
        let source = Source::new("a.yaml", "ä: 1\nkéy: välue\n");
        let at = source.text.find("välue").unwrap();
        let place = Place::new(&source, at..at + "välue".len());
        assert_eq!((place.line(), place.column(), place.text()), (2, 6, "välue"));
        assert_eq!(place.to_string(), "a.yaml:2:6");
        assert_eq!(place.find("lue").column(), 8);
    }

    #[test]
    fn a_range_that_is_wrong_does_no_harm() {
        let source = Source::new("a", "é");
        assert_eq!(Place::new(&source, 1..999).text(), "é");
        let from = 9;
        assert_eq!(Place::new(&source, from..3).text(), "");
    }
}
