//! Takes secrets out of everything that is printed.
//!
//! Secrets are kept out of messages where these are made; this is the second lock on the same door.
//! A secret shorter than four characters is not looked for: it would be found in ordinary words.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::forms::forms;
use crate::secret::{ExposeSecret as _, SecretString};

/// What stands where a secret stood.
const MARK: &str = "[redacted]";

/// Replacing can join pieces to a new secret; after so many rounds nothing of the text is shown.
const ROUNDS: usize = 8;

/// Knows secrets, and replaces each of their forms with `[redacted]`. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<SecretString>>>);

impl Redactor {
    /// Makes a redactor that knows these secrets.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let redactor = Self::default();
        for secret in secrets {
            redactor.hide(&secret);
        }
        redactor
    }

    /// Learns one more secret, from now on and for all clones.
    pub fn hide(&self, secret: &SecretString) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(secret.expose_secret()) {
            let new = !known.iter().any(|old| old.expose_secret() == form);
            // what the mark itself says is no secret any more
            if new && !MARK.contains(&form) {
                known.push(form.into());
            }
        }
        // the longest first: where one form begins another, the whole of it goes
        known.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
    }

    /// Returns the text without the secrets.
    pub fn text(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for _ in 0..ROUNDS {
            let found: Vec<&str> = known
                .iter()
                .map(SecretString::expose_secret)
                .filter(|form| text.contains(form))
                .collect();
            if found.is_empty() {
                return text;
            }
            text = replace(&text, &found);
        }
        MARK.to_owned()
    }

    /// Takes the secrets out of a text that keeps its escape sequences, as JSON does: one of them in
    /// the middle of a secret must not hide it.
    fn leaf(&self, text: &str) -> String {
        let shown = self.text(text);
        let bare = super::clean::block(&shown);
        let hidden = self.text(&bare);
        if hidden == bare { shown } else { hidden }
    }

    /// Takes the secrets out of every text of a JSON value, the keys among them. Numbers stay.
    pub fn json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.leaf(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (self.text(&key), self.json(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            plain => plain,
        }
    }
}

/// Replaces each of `forms`, longest first, at the leftmost place where one begins.
fn replace(text: &str, forms: &[&str]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let first = forms
            .iter()
            .filter_map(|form| rest.find(form).map(|at| (at, form.len())))
            .min_by_key(|(at, len)| (*at, std::cmp::Reverse(*len)));
        let Some((at, len)) = first else {
            shown.push_str(rest);
            return shown;
        };
        let (before, after) = rest.split_at(at);
        shown.push_str(before);
        if !shown.ends_with(MARK) {
            shown.push_str(MARK);
        }
        rest = after.get(len..).unwrap_or("");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_replaced_wherever_it_stands() {
        let redactor = Redactor::new(["hunter22".into(), "hunter22-and-more".into()]);
        assert_eq!(redactor.text("a hunter22-and-more b hunter22."), "a [redacted] b [redacted].");
        assert_eq!(redactor.text("Basic aHVudGVyMjI="), "Basic [redacted]");
        assert_eq!(redactor.text("hunter2"), "hunter2");
        let value = serde_json::json!({ "hunter22": ["x=hunter22", 1, null] });
        let shown = serde_json::json!({ "[redacted]": ["x=[redacted]", 1, null] });
        assert_eq!(redactor.json(value), shown);
    }

    #[test]
    fn a_secret_learned_later_is_known_to_clones() {
        let redactor = Redactor::default();
        let clone = redactor.clone();
        redactor.hide(&"later-secret".into());
        assert_eq!(clone.text("later-secret"), "[redacted]");
    }

    #[test]
    fn a_replacement_that_makes_a_secret_is_replaced_too() {
        let redactor = Redactor::new(["first".into(), "a[redacted]b".into()]);
        assert_eq!(redactor.text("afirstb"), "[redacted]");
        let redactor = Redactor::new(["d]xx".into(), "first".into(), "][re".into()]);
        let shown = redactor.text("firstxxxxxx firstfirst");
        assert!(!shown.contains("d]xx") && !shown.contains("first"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_form_of_a_secret_survives(
            secret in any::<String>().prop_filter("long enough", |secret| secret.len() >= 4),
            before in any::<String>(),
            after in any::<String>(),
        ) {
            let redactor = Redactor::new([secret.clone().into()]);
            for form in forms(&secret) {
                let shown = redactor.text(&format!("{before}{form}{after}"));
                for form in forms(&secret) {
                    prop_assert!(!shown.contains(&form) || MARK.contains(&form), "{form:?} in {shown:?}");
                }
            }
        }

        #[test]
        fn a_short_alphabet_finds_no_gap(secret in "[ab\\]d\\[]{4,7}", text in "[ab\\]d\\[]{0,60}") {
            let shown = Redactor::new([secret.clone().into()]).text(&text);
            prop_assert!(!shown.contains(&secret) || MARK.contains(&secret), "{shown}");
        }

        #[test]
        fn text_without_secrets_is_kept(text in "[a-m \n]{0,60}") {
            prop_assert_eq!(Redactor::new(["zzzz-zzzz".into()]).text(&text), text);
        }
    }
}
