//! How long a plan may take, from the journals of earlier runs.

use std::{collections::BTreeMap, time::Duration};

use super::Plan;
use crate::run::{
    Deed as _,
    journal::{Entry, Record},
};

/// Returns the median duration of each step by its name, over these journals.
pub fn typical(journals: &[Vec<Record>]) -> BTreeMap<String, Duration> {
    let mut took: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in journals.iter().flatten() {
        if let Entry::Did { name, millis, .. } = &record.entry {
            took.entry(name.clone()).or_default().push(*millis);
        }
    }
    took.into_iter()
        .filter_map(|(name, mut all)| {
            all.sort_unstable();
            let median = all.get(all.len() / 2)?;
            Some((name, Duration::from_millis(*median)))
        })
        .collect()
}

/// Returns the length of the plan's longest chain of steps; `None` when no step of it was ever
/// timed.
pub fn estimate(plan: &Plan, typical: &BTreeMap<String, Duration>) -> Option<Duration> {
    let mut ends: Vec<Duration> = Vec::new();
    let mut known = false;
    for node in &plan.steps {
        let begin =
            node.needs.iter().filter_map(|need| ends.get(*need)).max().copied().unwrap_or_default();
        let took = typical.get(node.deed.name()).copied();
        known |= took.is_some();
        ends.push(begin + took.unwrap_or_default());
    }
    ends.into_iter().max().filter(|_| known)
}
