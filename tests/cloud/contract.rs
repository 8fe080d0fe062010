//! DigitalOcean's own description of the API, where it is present: its schemas and its examples.

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value, json};

use crate::script::Asked;

/// The document, with its schemas turned into plain JSON Schema.
pub(crate) struct Contract {
    document: Value,
}

/// Returns the contract, or says loudly that what needs it is not run.
pub(crate) fn contract() -> Option<Arc<Contract>> {
    static ONCE: OnceLock<Option<Arc<Contract>>> = OnceLock::new();
    ONCE.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test is told here where the document is")]
        let named = std::env::var("REMUDA_CONTRACT").ok().map(PathBuf::from);
        let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/contract/do-openapi.json");
        let path = named.unwrap_or_else(|| usual.into());
        let Ok(text) = std::fs::read(&path) else {
            let said = format!("not run: the API's contract is not at {}\n", path.display());
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            return None;
        };
        let mut document: Value = serde_json::from_slice(&text).unwrap();
        plain(&mut document);
        Some(Arc::new(Contract { document }))
    })
    .clone()
}

/// Says in JSON Schema's words what `OpenAPI` 3.0 calls nullable.
fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(object) => {
            object.values_mut().for_each(plain);
            if object.get("nullable") == Some(&json!(true)) {
                object.remove("nullable");
                let inner = std::mem::take(object);
                object.insert("anyOf".into(), json!([{ "type": "null" }, inner]));
                for kept in ["example", "default", "properties"] {
                    if let Some(kept_value) = object["anyOf"][1].get(kept).cloned() {
                        object.insert(kept.into(), kept_value);
                    }
                }
            }
        }
        _ => {}
    }
}

impl Contract {
    /// Follows references until there is something.
    pub(crate) fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(target) = value.get("$ref").and_then(Value::as_str) {
            value = self.document.pointer(target.trim_start_matches('#')).unwrap();
        }
        value
    }

    /// Returns the operation that answers this request.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        let matches = |template: &str| {
            let (theirs, ours) = (template.split('/'), path.split('/'));
            theirs.clone().count() == ours.clone().count()
                && theirs.zip(ours).all(|(it, part)| it.starts_with('{') || it == part)
        };
        // A path that is spelled out wins over one with a parameter.
        let exact = paths.get(path);
        let item = exact.or_else(|| paths.iter().find(|it| matches(it.0)).map(|it| it.1))?;
        item.get(method.to_lowercase())
    }

    /// Checks query and body of a request; returns what is wrong.
    pub(crate) fn complaints(&self, asked: &Asked) -> Vec<String> {
        let line = asked.line();
        let Some(operation) = self.operation(&asked.method, &asked.path) else {
            return vec![format!("{line}: there is no such operation")];
        };
        let mut complaints = Vec::new();
        let declared: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| self.resolve(it)["name"].as_str())
            .collect();
        for (name, _) in url::form_urlencoded::parse(asked.query.as_bytes()) {
            if !declared.contains(&&*name) {
                complaints.push(format!("{line}: no parameter {name}"));
            }
        }
        let body = self.resolve(&operation["requestBody"]);
        let schema = &body["content"]["application/json"]["schema"];
        match (schema.is_null(), asked.body.is_null()) {
            (true, true) => {}
            (true, false) => complaints.push(format!("{line}: takes no body")),
            (false, _) => {
                let errors = self.validate(schema, &asked.body);
                complaints.extend(errors.into_iter().map(|error| format!("{line}: {error}")));
            }
        }
        complaints
    }

    fn validate(&self, schema: &Value, body: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::draft4::new(&whole).unwrap();
        validator.iter_errors(body).map(|error| error.to_string()).collect()
    }

    /// Returns the successful answers that the document shows for an operation, and one made of
    /// its schema's own examples.
    pub(crate) fn answers(&self, method: &str, path: &str) -> Vec<Value> {
        let operation = self.operation(method, path).unwrap_or_else(|| panic!("{method} {path}"));
        let mut answers = Vec::new();
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &self.resolve(response)["content"]["application/json"];
            if !status.starts_with('2') || content.is_null() {
                continue;
            }
            if let Some(example) = content.get("example") {
                answers.push(self.resolve(example).clone());
            }
            for example in content["examples"].as_object().into_iter().flat_map(Map::values) {
                answers.push(self.resolve(&self.resolve(example)["value"]).clone());
            }
            if let Some(made) = self.made_of(&content["schema"], 0) {
                answers.push(made);
            }
        }
        // The document wraps this one twice; its own schema says once.
        for answer in answers.iter_mut().filter(|it| it["tag"]["tag"].is_object()) {
            *answer = answer["tag"].take();
        }
        answers
    }

    /// Makes a value of the examples, defaults and first choices of a schema.
    fn made_of(&self, schema: &Value, depth: usize) -> Option<Value> {
        let schema = self.resolve(schema);
        if depth > 12 || schema.is_null() {
            return None;
        }
        if let Some(example) = schema.get("example").or_else(|| schema.get("default")) {
            return Some(example.clone());
        }
        if let Some(first) = schema["enum"].get(0) {
            return Some(first.clone());
        }
        let mut made = Map::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match self.made_of(part, depth + 1) {
                Some(Value::Object(part)) => made.extend(part),
                Some(other) => return Some(other),
                None => {}
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = self.made_of(property, depth + 1) {
                made.insert(name.clone(), value);
            }
        }
        if !made.is_empty() {
            return Some(made.into());
        }
        for choices in ["oneOf", "anyOf"] {
            let choices = schema[choices].as_array().into_iter().flatten();
            if let Some(made) = choices.rev().find_map(|it| self.made_of(it, depth + 1)) {
                return Some(made);
            }
        }
        match schema["type"].as_str()? {
            "array" => Some(json!([self.made_of(&schema["items"], depth + 1)?])),
            "string" => Some(json!("text")),
            "integer" => Some(json!(1)),
            "number" => Some(json!(1.5)),
            "boolean" => Some(json!(true)),
            _ => None,
        }
    }

    /// Returns the scopes that an operation wants.
    pub(crate) fn scopes(&self, method: &str, path: &str) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else { return Vec::new() };
        let security = operation["security"].as_array().into_iter().flatten();
        security
            .filter_map(|it| it.as_object()?.values().next()?.as_array())
            .flatten()
            .filter_map(|scope| scope.as_str().map(str::to_owned))
            .collect()
    }
}

#[test]
fn the_validator_can_say_no() {
    let Some(contract) = contract() else { return };
    let asked = |method: &str, path: &str, body: Value| Asked {
        method: method.into(),
        path: path.into(),
        query: String::new(),
        headers: std::collections::HashMap::new(),
        body,
    };
    let bad = asked("POST", "/v2/droplets", json!({ "name": "a b", "size": 7 }));
    assert!(!contract.complaints(&bad).is_empty());
    let unknown = asked("GET", "/v2/nothing", Value::Null);
    assert_eq!(contract.complaints(&unknown).len(), 1);
    let bodily = asked("GET", "/v2/account", json!({}));
    assert_eq!(contract.complaints(&bodily).len(), 1);
}
