//! What a request's body says, read as leniently as real clients need it: null is absent, a
//! number may come as text.

use serde_json::Value;

use super::Refusal;

/// A JSON body, or part of one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body(pub Value);

impl Body {
    /// Returns a member that is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Returns whether a member is there, even as null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    /// Returns a member as text; numbers are written out, empty text is absent.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(as_text).filter(|text| !text.is_empty())
    }

    /// Returns a member as text, or a refusal that names it.
    pub(crate) fn need(&self, key: &str) -> Result<String, Refusal> {
        self.text(key).ok_or_else(|| Refusal::unprocessable(format!("{key} is required")))
    }

    /// Returns a member as a number, which may come as text.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(as_number)
    }

    /// Returns a member as a number within what `T` holds, or a refusal that names it.
    pub(crate) fn small<T: TryFrom<u64>>(&self, key: &str) -> Result<Option<T>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        as_number(value)
            .and_then(|number| T::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| Refusal::unprocessable(format!("{key} is out of range")))
    }

    /// Returns a member as a truth value; absent is false.
    pub(crate) fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// Returns a member's elements; absent is none of them.
    pub(crate) fn list(&self, key: &str) -> Vec<Value> {
        self.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// Returns a member's elements as texts.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).iter().filter_map(as_text).filter(|text| !text.is_empty()).collect()
    }

    /// Returns a member's elements as numbers.
    pub(crate) fn numbers(&self, key: &str) -> Vec<u64> {
        self.list(key).iter().filter_map(as_number).collect()
    }
}

/// Reads a value as text.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn real_clients_are_understood() {
        let body =
            Body(json!({"ssh_keys": null, "droplet_id": "400000001", "region": "", "ttl": 70000}));
        assert!(body.list("ssh_keys").is_empty());
        assert_eq!(body.number("droplet_id"), Some(400_000_001));
        assert_eq!(body.text("region"), None);
        assert!(body.small::<u16>("ttl").is_err());
        assert_eq!(Body(json!("text")).text("x"), None);
    }
}
