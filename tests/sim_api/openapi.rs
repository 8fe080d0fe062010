//! DigitalOcean's own description of its API, as far as answers are checked against it.

use std::{collections::BTreeMap, path::PathBuf, sync::Mutex};

use serde_json::{Map, Value, json};

/// The document, and the validators that were made of it.
pub(crate) struct Document {
    root: Value,
    validators: Mutex<BTreeMap<String, jsonschema::Validator>>,
}

impl Document {
    /// Reads the document from `REMUDA_CONTRACT`, or from beside the repository.
    #[expect(clippy::print_stderr, reason = "what was not run must be seen")]
    #[expect(clippy::disallowed_methods, reason = "the variable names the document")]
    pub(crate) fn find() -> Option<Self> {
        let path = std::env::var("REMUDA_CONTRACT").map_or_else(
            |_| {
                PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/contract/do-openapi.json")
            },
            PathBuf::from,
        );
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("not run: DigitalOcean's OpenAPI document is not at {}", path.display());
            return None;
        };
        let root = serde_json::from_slice(&bytes).unwrap();
        Some(Self { root, validators: Mutex::default() })
    }

    /// Returns the template of a path, the most literal one first.
    fn template(&self, path: &str) -> Option<&str> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let own: Vec<&str> = template.split('/').collect();
            own.len() == parts.len()
                && own.iter().zip(&parts).all(|(own, part)| own.starts_with('{') || own == part)
        };
        let paths = self.root["paths"].as_object()?;
        paths
            .keys()
            .filter(fits)
            .min_by_key(|template| template.matches('{').count())
            .map(String::as_str)
    }

    /// Checks an answer; says what is wrong with it.
    pub(crate) fn check(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &str,
    ) -> Result<String, String> {
        let path = path.split('?').next().unwrap_or(path);
        let template =
            self.template(path).ok_or_else(|| format!("{path} is not in the document"))?.to_owned();
        let operation = &self.root["paths"][&template][method.to_lowercase()];
        if operation.is_null() {
            return Err(format!("{method} {template} is not in the document"));
        }
        let name = format!("{method} {template} {status}");
        let responses = operation["responses"].as_object().ok_or("no responses")?;
        let response = responses
            .get(&status.to_string())
            .or_else(|| responses.get("default"))
            .ok_or_else(|| format!("{name} is not in the document"))?;
        let response = self.resolve(response);
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            return if body.is_empty() { Ok(name) } else { Err(format!("{name} has no body")) };
        }
        let body: Value =
            serde_json::from_str(body).map_err(|error| format!("{name} is no JSON: {error}"))?;
        let mut validators = self.validators.lock().unwrap();
        let validator = validators
            .entry(name.clone())
            .or_insert_with(|| jsonschema::validator_for(&self.expand(schema, 0)).unwrap());
        let wrong: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| {
                let text: String = error.to_string().chars().take(300).collect();
                format!("{}: {text}", error.instance_path())
            })
            .collect();
        if wrong.is_empty() { Ok(name) } else { Err(format!("{name}: {}", wrong.join("\n  "))) }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(pointer) => {
                let target = self.root.pointer(pointer.trim_start_matches('#'));
                self.resolve(target.unwrap_or_else(|| panic!("{pointer} leads nowhere")))
            }
            None => value,
        }
    }

    /// Returns a schema without references, and with `nullable` in the words of JSON Schema.
    fn expand(&self, schema: &Value, depth: usize) -> Value {
        assert!(depth < 60, "the document goes round in circles");
        let schema = self.resolve(schema);
        let Some(fields) = schema.as_object() else {
            return match schema {
                Value::Array(items) => {
                    items.iter().map(|item| self.expand(item, depth + 1)).collect()
                }
                other => other.clone(),
            };
        };
        let mut expanded = Map::new();
        for (key, value) in fields {
            // notes for people may hold anything, references too
            if ["example", "examples", "description", "nullable", "xml"].contains(&key.as_str())
                && !value.is_object()
            {
                continue;
            }
            if key == "example" || key == "examples" {
                continue;
            }
            expanded.insert(key.clone(), self.expand(value, depth + 1));
        }
        if fields.get("nullable") == Some(&Value::Bool(true)) {
            return json!({"anyOf": [expanded, {"type": "null"}]});
        }
        Value::Object(expanded)
    }
}
