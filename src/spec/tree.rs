//! YAML as a tree whose every node knows its place; bounded, and never a panic.
//!
//! Built from the parser's events, because a typed reading stops at the first problem and an
//! overlay needs the origin of each node. Knows nothing about the spec.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span};

pub use super::node::{Entry, Kind, Node};
use super::{
    finding::Finding,
    source::{Place, Source},
};

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting, aliases included.
const MAX_DEPTH: usize = 64;
/// The most nodes, aliases included.
const MAX_NODES: usize = 50_000;
/// The most bytes of text that aliases may repeat.
const MAX_REPEATED: usize = 4 << 20;

/// Reads one YAML document; the findings are complete up to the first syntax error, and a tree is
/// there unless there was one.
pub fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Finding>) {
    let mut builder = Builder {
        source,
        events: Parser::new_from_str_with_options(
            &source.text,
            granit_parser::options! {
                emit_comments: false,
                disallow_directives: true,
                flow_nesting_limit: MAX_DEPTH,
                block_nesting_limit: MAX_DEPTH,
            },
        ),
        anchors: HashMap::new(),
        findings: Vec::new(),
        nodes: 0,
        repeated: 0,
    };
    if source.text.len() > MAX_BYTES {
        let what = format!("{} is larger than 1 MiB", source.name);
        return (None, vec![Finding::whole(what)]);
    }
    let root = builder.document().map_err(|finding| builder.findings.push(*finding)).ok();
    (root, builder.findings)
}

/// What ends the reading: one boxed finding, as it is large and rare.
type Stop = Box<Finding>;

struct Builder<'a> {
    source: &'a Arc<Source>,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    findings: Vec<Finding>,
    nodes: usize,
    repeated: usize,
}

impl<'a> Builder<'a> {
    fn place(&self, span: &Span) -> Place {
        Place::new(self.source, span.byte_range().unwrap_or_default())
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.source.text.len());
                let place = Place::new(self.source, at..at + 1);
                Err(Box::new(Finding::at(&place, format!("not YAML: {}", error.info()))))
            }
            None => Err(Box::new(Finding::whole(format!("{} ends early", self.source.name)))),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let nothing = Kind::Scalar { text: Arc::from(""), plain: true };
        let mut root = Node { place: Place::new(self.source, 0..0), kind: nothing };
        let mut documents = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let what = "a second YAML document: only one is read";
                        return Err(Box::new(Finding::at(&self.place(&span), what)));
                    }
                }
                Event::StreamStart | Event::DocumentEnd => {}
                event => root = self.node(event, &span, 1)?,
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Stop> {
        let place = self.place(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Box::new(Finding::at(&place, "too many values in this file")));
        }
        if depth > MAX_DEPTH {
            return Err(Box::new(Finding::at(&place, "nested too deeply")));
        }
        let tag = event.tag().map(|tag| tag.core_suffix().map(str::to_owned));
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let forced = matches!(tag, Some(Some(ref tag)) if tag == "str" || tag == "binary");
                let plain = style == ScalarStyle::Plain && !forced;
                (Kind::Scalar { text: Arc::from(&*text), plain }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, &span, depth + 1)?);
                }
                (Kind::List(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(id) => return self.alias(id, &place, depth),
            _ => return Err(Box::new(Finding::at(&place, "not YAML that is understood here"))),
        };
        let core = ["str", "binary", "int", "bool", "null", "float", "seq", "map"];
        if let Some(tag) = tag
            && !tag.as_deref().is_some_and(|tag| core.contains(&tag))
        {
            self.findings.push(Finding::at(&place, "a YAML tag, which means nothing here"));
        }
        let node = Node { place, kind };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut known: HashMap<Arc<str>, Place> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, &span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            let Kind::Scalar { text, plain } = &key.kind else {
                let what = "a key that is not text";
                self.findings.push(Finding::at(&key.place, what));
                continue;
            };
            if *plain && &**text == "<<" {
                let sources = if let Kind::List(items) = value.kind { items } else { vec![value] };
                for source in sources {
                    let Kind::Map(entries) = source.kind else {
                        let what = "`<<` takes a mapping or a list of mappings";
                        self.findings.push(Finding::at(&source.place, what));
                        continue;
                    };
                    merged.extend(entries);
                }
                continue;
            }
            if let Some(first) = known.get(text) {
                let finding = Finding::at(&key.place, format!("`{text}` is given twice"))
                    .also(first, "first given here");
                self.findings.push(finding);
                continue;
            }
            known.insert(Arc::clone(text), key.place.clone());
            entries.push(Entry { key: Arc::clone(text), place: key.place, value });
        }
        let mut taken: HashSet<Arc<str>> = known.into_keys().collect();
        entries.extend(merged.into_iter().filter(|entry| taken.insert(Arc::clone(&entry.key))));
        Ok(Kind::Map(entries))
    }

    fn alias(&mut self, id: usize, place: &Place, depth: usize) -> Result<Node, Stop> {
        let stop = |what: &str| Err(Box::new(Finding::at(place, what)));
        let Some(node) = self.anchors.get(&id) else {
            return stop("an alias inside of what it stands for");
        };
        let (height, nodes, bytes) = node.measure();
        self.nodes += nodes;
        self.repeated += bytes;
        if self.nodes > MAX_NODES || self.repeated > MAX_REPEATED {
            return stop("aliases make this file too large");
        }
        if depth + height > MAX_DEPTH {
            return stop("aliases nest too deeply");
        }
        Ok(node.clone())
    }
}
