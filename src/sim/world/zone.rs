//! The account's domains as the DNS server answers for them.

use std::sync::{Arc, Weak};

use super::World;
use crate::sim::{
    net::{Record, Zone},
    state::Domain,
};

/// Makes the function that the DNS server asks; it knows nothing when the world has ended.
pub(crate) fn zone(world: &Weak<World>) -> Zone {
    let world = Weak::clone(world);
    Arc::new(move |name| {
        let world = world.upgrade()?;
        world.read(|state| {
            let name = name.trim_end_matches('.').to_lowercase();
            // the longest domain of the account that encloses the name
            let (domain, entry) = state
                .domains
                .iter()
                .filter(|(domain, _)| {
                    name == **domain
                        || name.strip_suffix(*domain).is_some_and(|head| head.ends_with('.'))
                })
                .max_by_key(|(domain, _)| domain.len())?;
            Some(records(domain, entry))
        })
    })
}

fn records(domain: &str, entry: &Domain) -> Vec<Record> {
    entry
        .records
        .values()
        // the server makes its own
        .filter(|record| record.kind != "SOA")
        .map(|record| Record {
            name: absolute(&record.name, domain),
            kind: record.kind.clone(),
            data: if record.data == "@" { domain.to_owned() } else { record.data.clone() },
            ttl: record.ttl,
            priority: record.priority,
            port: record.port,
            weight: record.weight,
        })
        .collect()
}

/// Returns a record's whole name.
pub(crate) fn absolute(name: &str, domain: &str) -> String {
    if name == "@" { domain.to_owned() } else { format!("{name}.{domain}").to_lowercase() }
}
