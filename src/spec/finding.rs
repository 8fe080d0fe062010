//! A problem with its place, and how several of them become one error.
//!
//! Renders snippets for [`Error::report`]; decides nothing about what is a problem.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::Place;
use crate::error::{Error, Kind};

/// How many findings are shown; the rest is counted.
const SHOWN: usize = 50;

/// One problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it is; nothing when the file as a whole is the problem.
    pub place: Option<Place>,
    /// What is wrong, a lower-case fragment.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Another place that explains this one, and what it is.
    pub also: Option<(Place, String)>,
}

impl Finding {
    /// Makes a finding at `place`.
    pub fn at(place: &Place, what: impl Into<String>) -> Self {
        Self { place: Some(place.first_line()), what: what.into(), hint: None, also: None }
    }

    /// Makes a finding that has no place in a text.
    pub fn whole(what: impl Into<String>) -> Self {
        Self { place: None, what: what.into(), hint: None, also: None }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place that explains this one.
    #[must_use]
    pub fn also(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.also = Some((place.first_line(), label.into()));
        self
    }

    /// Returns the finding as a block of text: message, file, line, column, snippet, hint.
    pub fn render(&self) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.what.as_str()));
        if let Some(place) = &self.place {
            group = group.element(snippet(place, AnnotationKind::Primary, None));
        }
        if let Some((place, label)) = &self.also {
            group = group.element(snippet(place, AnnotationKind::Context, Some(label)));
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

/// Returns the snippet of one place, fed with only its own line so that a file of a megabyte does
/// not cost a megabyte for each finding.
fn snippet<'a>(
    place: &'a Place,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = place.source.text.as_str();
    let range = place.range();
    let start = text.get(..range.start).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
    let end = text
        .get(range.end..)
        .and_then(|tail| tail.find('\n'))
        .map_or(text.len(), |at| range.end + at);
    let line = text.get(start..end).unwrap_or_default();
    let (from, mut to) = (range.start - start, range.end - start);
    let mut line = line.to_owned();
    if from == to {
        // An empty span would draw no caret at all: it takes the next character, or makes one.
        if from >= line.len() {
            line.push(' ');
        }
        to = line.ceil_char_boundary(from + 1);
    }
    Snippet::source(line)
        .path(place.source.name.as_str())
        .line_start(place.line())
        .fold(false)
        .annotation(kind.span(from..to).label(label))
}

/// Turns findings into the one error that shows them all; nothing when there are none.
pub fn error(what: &str, mut findings: Vec<Finding>) -> Option<Error> {
    // A node that an alias or an overlay repeats is one problem, however often it is met.
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| {
        let place = finding.place.as_ref().map(|place| (place.source.name.clone(), place.range()));
        seen.insert((place, finding.what.clone()))
    });
    // In the order of reading: file by file as they were first met, then from top to bottom.
    let mut files: Vec<String> = Vec::new();
    let mut keys: Vec<(usize, usize)> = Vec::new();
    for finding in &findings {
        keys.push(match &finding.place {
            None => (usize::MAX, 0),
            Some(place) => {
                let name = &place.source.name;
                let at = files.iter().position(|file| file == name).unwrap_or_else(|| {
                    files.push(name.clone());
                    files.len() - 1
                });
                (at, place.range().start)
            }
        });
    }
    let mut ordered: Vec<_> = keys.into_iter().zip(findings).collect();
    ordered.sort_by_key(|(key, _)| *key);
    let findings: Vec<Finding> = ordered.into_iter().map(|(_, finding)| finding).collect();
    let count = findings.len();
    let first = findings.first()?;
    let word = if count == 1 { "problem" } else { "problems" };
    let mut error = Error::new(Kind::Usage, format!("{count} {word} in {what}"));
    if let Some(place) = &first.place {
        error = error.at("at", place);
    }
    let mut report: Vec<String> = findings.iter().take(SHOWN).map(Finding::render).collect();
    if count > SHOWN {
        report.push(format!("and {} more", count - SHOWN));
    }
    Some(error.report(report.join("\n\n")))
}

#[cfg(test)]
mod tests {
    use super::{super::source::Source, *};

    #[test]
    fn a_finding_shows_its_line_and_the_whole_word() {
        let source = Source::new("droplets.yaml", "version: 1\ndroplet:\n  regin: nyc3\n");
        let at = source.text.find("regin").unwrap();
        let finding = Finding::at(&Place::new(&source, at..at + 5), "unknown key `regin`")
            .hint("did you mean `region`?");
        insta::assert_snapshot!(finding.render(), @"
        error: unknown key `regin`
         --> droplets.yaml:3:3
          |
        3 |   regin: nyc3
          |   ^^^^^
          |
          = help: did you mean `region`?
        ");
    }

    #[test]
    fn an_empty_place_has_a_caret_wherever_it_is() {
        let source = Source::new("a", "é\n\nx");
        for (at, column) in [(0, "1:1"), (2, "1:2"), (3, "2:1"), (4, "3:1"), (5, "3:2")] {
            let text = Finding::at(&Place::new(&source, at..at), "here").render();
            assert!(text.contains(&format!("a:{column}")) && text.contains('^'), "{text}");
        }
    }

    #[test]
    fn many_findings_are_one_error() {
        let finding = |n: usize| Finding::whole(format!("problem {n}"));
        let error = error("droplets.yaml", (0..80).map(finding).collect()).unwrap();
        assert_eq!(error.what(), "80 problems in droplets.yaml");
        assert!(error.block().unwrap().ends_with("and 30 more"));
        assert_eq!(error.kind(), Kind::Usage);
    }
}
