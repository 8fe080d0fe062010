//! What a release and a rollback cost in requests to the API: printed, and bounded.

use std::collections::BTreeMap;

use crate::world::{Make, World, can_run};

/// The most requests of one release beside a live one, where nothing has to be waited for.
const RELEASE: usize = 25;
/// The same where a droplet that is not kept any longer is destroyed at the end.
const WITH_PRUNE: usize = 31;
/// The most requests of one rollback.
const ROLLBACK: usize = 17;

/// Prints the requests of a command by method and path; returns how many there were.
fn tally(what: &str, world: &World) -> usize {
    let requests = world.requests();
    let mut by_path = BTreeMap::<&str, usize>::new();
    for request in &requests {
        *by_path.entry(request).or_default() += 1;
    }
    eprintln!("{what}: {} requests", requests.len());
    for (request, count) in by_path {
        eprintln!("{count:>5} {request}");
    }
    requests.len()
}

/// Returns what the last record of the newest journal says of the requests.
fn journalled(world: &World) -> Option<u64> {
    let runs = world.dir().join("project/.remuda/runs");
    let newest = remuda::run::journal::list(&runs).pop()?;
    let records = remuda::run::journal::read(&newest).ok()?;
    records.iter().find_map(|record| match &record.entry {
        remuda::run::journal::Entry::Closed(closing) => Some(closing.api_calls),
        _ => None,
    })
}

#[test]
fn a_release_and_a_rollback_keep_to_their_budgets() {
    if !can_run("a_release_and_a_rollback_keep_to_their_budgets") {
        return;
    }
    let world = World::new(&Make { watch: "500ms", ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    for (what, args, bound) in [
        ("release v2 beside a live v1", &["release", "v2"][..], RELEASE),
        ("release v3, which retires v1", &["release", "v3"][..], WITH_PRUNE),
        ("rollback to v2", &["rollback"][..], ROLLBACK),
    ] {
        world.forget_requests();
        drop(world.remuda(args).ended(0));
        let count = tally(what, &world);
        // the lock is given back, in two requests, after the journal is closed
        assert_eq!(journalled(&world), Some(count as u64 - 2), "{what}: what the journal says");
        assert!(count <= bound, "{what}: {count} requests, and {bound} are allowed");
    }
}
