//! The book of rules: which strikes now, how often each has struck, and who waits for a clearing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::rule::{Act, Fault, Rule};

/// Says when the rules were cleared.
pub(crate) type Released = watch::Receiver<u64>;

/// What strikes one request.
#[derive(Debug)]
pub(crate) struct Strike {
    /// What happens.
    pub(crate) act: Act,
    /// Changes when the rules are cleared.
    pub(crate) released: Released,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    rule: Rule,
    struck: u64,
}

/// All rules, the oldest first.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Mutex<(u64, Vec<Entry>)>,
    clearings: watch::Sender<u64>,
}

impl Default for Book {
    fn default() -> Self {
        Self { entries: Mutex::default(), clearings: watch::Sender::new(0) }
    }
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Entry>)> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule and returns its number.
    pub(crate) fn add(&self, rule: Rule) -> u64 {
        let mut entries = self.lock();
        entries.0 += 1;
        let id = entries.0;
        entries.1.push(Entry { id, rule, struck: 0 });
        id
    }

    /// Removes all rules, or the one of this number; lets go of all requests that are held.
    pub(crate) fn clear(&self, only: Option<u64>) {
        self.lock().1.retain(|entry| only.is_some_and(|id| id != entry.id));
        self.clearings.send_modify(|count| *count += 1);
    }

    /// Returns what strikes a request; the first rule that matches wins.
    pub(crate) fn strike(&self, verb: &str, path: &str, kind: Option<&str>) -> Option<Strike> {
        let released = self.clearings.subscribe();
        self.take(kind, |fault| match fault {
            Fault::Request { on, act } if on.matches(verb, path) => Some(act.clone()),
            _ => None,
        })
        .map(|act| Strike { act, released })
    }

    /// Returns whether an action of this type is to end errored.
    pub(crate) fn dooms(&self, action: &str) -> bool {
        self.take(None, |fault| {
            matches!(fault, Fault::Errored(kind) if kind == "*" || kind == action).then_some(())
        })
        .is_some()
    }

    /// Takes what a fault about droplets says, where one stands.
    pub(crate) fn about<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.take(None, pick)
    }

    fn take<T>(&self, kind: Option<&str>, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut entries = self.lock();
        for entry in &mut entries.1 {
            let rule = &mut entry.rule;
            if rule.left == Some(0) || (rule.kind.is_some() && rule.kind.as_deref() != kind) {
                continue;
            }
            let Some(picked) = pick(&rule.fault) else { continue };
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.left = rule.left.map(|left| left - 1);
            entry.struck += 1;
            return Some(picked);
        }
        None
    }

    /// Returns all rules as the control path shows them.
    pub(crate) fn show(&self) -> Value {
        let rules: Vec<Value> = self
            .lock()
            .1
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id,
                    "rule": entry.rule.text,
                    "struck": entry.struck,
                    "left": entry.rule.left,
                    "skip": entry.rule.skip,
                })
            })
            .collect();
        Value::Array(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(rules: &[&str]) -> Book {
        let book = Book::default();
        for rule in rules {
            book.add(Rule::parse(rule).unwrap());
        }
        book
    }

    #[test]
    fn a_rule_passes_strikes_and_is_spent() {
        let book = book(&["lost:POST /v2/droplets:2:after=1"]);
        let struck: Vec<bool> =
            (0..5).map(|_| book.strike("POST", "/v2/droplets", None).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn a_type_must_be_the_bodys() {
        let book = book(&["lost:POST /v2/droplets/*/actions:*:type=snapshot"]);
        let strikes = |kind| book.strike("POST", "/v2/droplets/1/actions", kind).is_some();
        assert!(!strikes(Some("power_on")));
        assert!(!strikes(None));
        assert!(strikes(Some("snapshot")));
    }

    #[test]
    fn actions_are_doomed_by_type_or_all() {
        let book = book(&["errored:create", "errored:*"]);
        assert!(book.dooms("create"));
        assert!(book.dooms("assign_ip"));
        assert!(!book.dooms("create"));
    }

    #[test]
    fn clearing_lets_go() {
        let book = book(&["hold:GET /v2/account"]);
        let strike = book.strike("GET", "/v2/account", None).unwrap();
        assert!(!strike.released.has_changed().unwrap());
        book.clear(None);
        assert!(strike.released.has_changed().unwrap());
        assert_eq!(book.show(), json!([]));
    }
}
