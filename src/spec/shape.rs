//! Whether a tree has the shape of the spec: unknown keys, wrong types, missing keys.
//!
//! Judges against the schema that editors use, so that the two cannot disagree; what values mean
//! is judged in `rules`.

use serde_json::{Map, Number, Value};

use super::{
    finding::Finding,
    scalar::Plain,
    schema,
    tree::{Entry, Kind, Node},
};

/// Keys that the design knows and this version does not.
const LATER: [(&str, &[&str]); 3] = [
    ("", &["images", "secrets", "data", "backup", "jobs"]),
    ("Droplet", &["volumes", "firewall"]),
    ("Stack", &["compose", "swarm"]),
];

/// Which part of the shape is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Keys and types of one file, of which no key is required.
    File,
    /// What is missing from the merged whole.
    Whole,
}

/// Judges `root`, a file or the merged whole.
pub(super) fn judge(root: &Node, part: Part) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut judge = Judge { part, findings: &mut findings };
    judge.value(schema::shared(), root, None);
    findings
}

/// Returns the tree as JSON of the spec's types; meaningful when there were no findings.
pub(super) fn json(root: &Node) -> Value {
    let mut ignored = Vec::new();
    Judge { part: Part::File, findings: &mut ignored }.value(schema::shared(), root, None)
}

/// Returns the tree as JSON, as YAML 1.2 reads it without a schema.
pub(super) fn plain_json(node: &Node) -> Value {
    match (&node.kind, node.plain()) {
        (Kind::Map(entries), _) => {
            let pairs = entries.iter().map(|e| (e.key.to_string(), plain_json(&e.value)));
            Value::Object(pairs.collect())
        }
        (Kind::List(items), _) => Value::Array(items.iter().map(plain_json).collect()),
        (_, Some(Plain::Null)) => Value::Null,
        (_, Some(Plain::Bool(value))) => Value::Bool(value),
        (_, Some(Plain::Int(value))) => Value::Number(value.into()),
        (Kind::Scalar { text, .. }, Some(Plain::Float)) => text
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Value::String(text.to_string()), Value::Number),
        (Kind::Scalar { text, .. }, _) => Value::String(text.to_string()),
    }
}

struct Judge<'a> {
    part: Part,
    findings: &'a mut Vec<Finding>,
}

impl Judge<'_> {
    /// Adds a finding that belongs to one file.
    fn find(&mut self, finding: Finding) {
        if self.part == Part::File {
            self.findings.push(finding);
        }
    }

    fn value(&mut self, schema: &'static Value, node: &Node, key: Option<&Entry>) -> Value {
        let (schema, name) = schema::resolve(schema);
        if node.is_null() && key.is_some() {
            return Value::Null;
        }
        match kind_of(schema) {
            "object" => self.object(schema, name.unwrap_or_default(), node, key),
            "array" => {
                let Kind::List(items) = &node.kind else {
                    return self.wrong(node, key, "a list");
                };
                let each = schema.get("items").unwrap_or(&Value::Null);
                Value::Array(items.iter().map(|item| self.item(each, item)).collect())
            }
            "boolean" => match node.plain() {
                Some(Plain::Bool(value)) => Value::Bool(value),
                _ => self.wrong(node, key, "true or false"),
            },
            "integer" => self.integer(schema, node, key),
            _ => match node.text() {
                Some(text) if name == Some("Duration") => {
                    if let Err(what) = crate::size::parse_duration(text) {
                        self.find(Finding::at(&node.place, what));
                    }
                    text.into()
                }
                Some(text) => text.into(),
                None => self.wrong(node, key, "text"),
            },
        }
    }

    fn item(&mut self, schema: &'static Value, node: &Node) -> Value {
        if node.is_null() {
            return self.wrong(node, None, "a value");
        }
        self.value(schema, node, None)
    }

    fn wrong(&mut self, node: &Node, key: Option<&Entry>, expected: &str) -> Value {
        let what = match key {
            Some(entry) => format!("`{}` is {}, expected {expected}", entry.key, node.noun()),
            None => format!("{}, expected {expected}", node.noun()),
        };
        let empty = node.place.range().is_empty();
        let place = key.filter(|_| empty || node.entries().len() + node.items().len() > 0);
        let mut finding = Finding::at(place.map_or(&node.place, |entry| &entry.place), what);
        if expected == "a list" && node.text().is_some() {
            finding = finding.hint(format!("write [{}]", node.place.first_line().text()));
        }
        self.find(finding);
        Value::Null
    }

    fn integer(&mut self, schema: &Value, node: &Node, key: Option<&Entry>) -> Value {
        let most: i64 = match schema.get("format").and_then(Value::as_str) {
            Some("uint8") => u8::MAX.into(),
            Some("uint16") => u16::MAX.into(),
            Some("uint32") => u32::MAX.into(),
            _ => i64::MAX,
        };
        match node.plain() {
            Some(Plain::Int(number)) if (0..=most).contains(&number) => number.into(),
            Some(Plain::Int(_)) => {
                self.wrong(node, key, &format!("a whole number between 0 and {most}"))
            }
            _ => self.wrong(node, key, "a whole number"),
        }
    }

    fn object(
        &mut self,
        schema: &'static Value,
        name: &str,
        node: &Node,
        key: Option<&Entry>,
    ) -> Value {
        let Kind::Map(entries) = &node.kind else {
            return self.wrong(node, key, "a mapping");
        };
        let mut object = Map::new();
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            let each = schema.get("additionalProperties").unwrap_or(&Value::Null);
            for entry in entries {
                object.insert(entry.key.to_string(), self.value(each, &entry.value, Some(entry)));
            }
            object.retain(|_, value| !value.is_null());
            return Value::Object(object);
        };
        for entry in entries.iter().filter(|entry| !entry.key.starts_with("x-")) {
            match properties.get(&*entry.key) {
                Some(schema) => {
                    let value = self.value(schema, &entry.value, Some(entry));
                    if !value.is_null() {
                        object.insert(entry.key.to_string(), value);
                    }
                }
                None => self.find(unknown(entry, name, properties)),
            }
        }
        if self.part == Part::Whole && !name.ends_with("Overlay") && name != "Environment" {
            let required = schema.get("required").and_then(Value::as_array);
            let required = required.into_iter().flatten().filter_map(Value::as_str);
            for missing in required.filter(|key| node.get(key).is_none()) {
                self.findings.push(absent(missing, node, key, properties));
            }
        }
        Value::Object(object)
    }
}

/// Returns the one type of a schema, leaving out `null`.
fn kind_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => "string",
    }
}

fn absent(
    missing: &str,
    node: &Node,
    key: Option<&Entry>,
    properties: &Map<String, Value>,
) -> Finding {
    let what = match key {
        Some(entry) => format!("`{}` lacks `{missing}`", entry.key),
        None => format!("`{missing}` is missing"),
    };
    let place = key.map_or(&node.place, |entry| &entry.place);
    let finding = Finding::at(place, what);
    let about = properties.get(missing).and_then(|schema| schema.get("description")?.as_str());
    match about {
        Some(about) => finding.hint(format!("{missing}: {}", about.replace('\n', " "))),
        None => finding,
    }
}

fn unknown(entry: &Entry, name: &str, properties: &Map<String, Value>) -> Finding {
    let key = &*entry.key;
    let owner = name.trim_end_matches("Overlay");
    let owner = if owner == "Environment" { "" } else { owner };
    if LATER.iter().any(|(at, keys)| *at == owner && keys.contains(&key)) {
        return Finding::at(&entry.place, format!("`{key}` is not in this version of remuda yet"))
            .hint(format!("rename it to `x-{key}` to keep it for later"));
    }
    let finding = Finding::at(&entry.place, format!("unknown key `{key}`"));
    let known = properties.keys().map(String::as_str).filter(|key| {
        // An environment has no environments of its own.
        *key != "environments" || name.is_empty()
    });
    match nearest(key, known.clone()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding.hint(format!("known here: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

/// Returns the word of `known` that is so near to `word` that it is likely meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(64).collect();
    known
        .map(|known| (known, strsim::jaro_winkler(&word.to_lowercase(), known)))
        .filter(|(known, score)| {
            *score >= 0.8 || strsim::damerau_levenshtein(&word, known) <= 2.min(known.len() / 2)
        })
        .max_by(|left, right| left.1.total_cmp(&right.1))
        .map(|(known, _)| known)
}
