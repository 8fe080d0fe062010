//! The JSON Schema of `droplets.yaml`, from the same types that it is read into.
//!
//! Adds what the types cannot say: `environments:` (the same shape with nothing required) and the
//! `x-` keys that are ignored.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::types::Spec;

/// The schema, made once.
static SCHEMA: LazyLock<Value> = LazyLock::new(make);

/// Returns the JSON Schema of `droplets.yaml`, for editors.
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// Returns the schema without a copy.
pub(super) fn shared() -> &'static Value {
    &SCHEMA
}

/// Follows a `$ref` and the `anyOf` of an optional value to the schema that says something.
pub(super) fn resolve(mut schema: &'static Value) -> (&'static Value, Option<&'static str>) {
    let mut name = None;
    // Two references in a row is the most that schemars writes; the bound is against a cycle.
    for _ in 0..8 {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            name = target.rsplit('/').next();
            let found = name.and_then(|name| shared().get("$defs")?.get(name));
            let Some(found) = found else { break };
            schema = found;
        } else if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            let real =
                any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null"));
            let Some(real) = real else { break };
            schema = real;
        } else {
            break;
        }
    }
    (schema, name)
}

fn make() -> Value {
    let mut schema = schemars::schema_for!(Spec).to_value();
    let mut overlays = Map::new();
    if let Some(defs) = schema.get("$defs").and_then(Value::as_object) {
        for (name, def) in defs {
            if def.get("properties").is_some() {
                overlays.insert(format!("{name}Overlay"), overlay(def));
            }
        }
    }
    let mut environment = overlay(&schema);
    if let Some(environment) = environment.as_object_mut() {
        environment.remove("$defs");
        environment.remove("$schema");
        environment.insert("title".into(), json!("Environment"));
        environment.insert("description".into(), json!("What differs in this environment."));
    }
    overlays.insert("Environment".into(), environment);
    if let Some(defs) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for def in defs.values_mut() {
            ignore_x(def);
        }
        defs.extend(overlays);
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "environments".into(),
            json!({
                "description": "What differs between environments: each is laid over the rest of this file; mappings merge, lists and scalars replace, null removes.",
                "type": "object",
                "additionalProperties": { "anyOf": [{ "$ref": "#/$defs/Environment" }, { "type": "null" }] },
            }),
        );
    }
    ignore_x(&mut schema);
    schema
}

/// Lets keys that begin with `x-` pass.
fn ignore_x(schema: &mut Value) {
    if schema.get("properties").is_some()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.insert("patternProperties".into(), json!({ "^x-": true }));
    }
}

/// Returns the schema of an overlay: nothing is required, everything may be removed with `null`,
/// and nested mappings are overlays, too. Lists replace, so their items are whole.
fn overlay(schema: &Value) -> Value {
    let mut overlay = schema.clone();
    if let Some(overlay) = overlay.as_object_mut() {
        overlay.remove("required");
    }
    if let Some(properties) = overlay.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            if let Some(property) = property.as_object_mut() {
                property.remove("default");
            }
            let nested =
                ["Droplet", "Ssh", "Stack", "Commands", "Cutover", "Retain", "Hooks", "Limits"];
            let text = property.to_string();
            for name in nested {
                let from = format!("\"#/$defs/{name}\"");
                if text.contains(&from) {
                    let to = format!("\"#/$defs/{name}Overlay\"");
                    if let Ok(renamed) = serde_json::from_str(&text.replace(&from, &to)) {
                        *property = renamed;
                    }
                }
            }
            *property = json!({ "anyOf": [property.take(), { "type": "null" }] });
        }
    }
    ignore_x(&mut overlay);
    overlay
}
