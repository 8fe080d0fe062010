//! How the environment stands: who holds the address and the lock, what runs that died have left.

use super::{super::gc, Check};
use crate::{
    cloud::Client,
    error::Kind,
    herd::{Herd, Lock, Scope},
    spec::Loaded,
};

/// Returns the checks; all skipped where there is no client or no spec.
pub(super) async fn checks(cloud: Option<&Client>, spec: Option<&Loaded>) -> Vec<Check> {
    let names = ["traffic", "lock", "leftovers"];
    let (cloud, spec) = match (cloud, spec) {
        (Some(cloud), Some(spec)) => (cloud, spec),
        (None, _) => return names.map(|name| Check::skipped(name, "no access")).into(),
        (_, None) => return names.map(|name| Check::skipped(name, "no spec")).into(),
    };
    let scope = Scope { app: spec.spec.app.clone(), env: spec.env.clone() };
    let mut checks = Vec::new();
    match Herd::read(cloud, &scope, &spec.spec.cutover).await {
        Err(error) => {
            checks.push(Check::error("traffic", &error));
            checks.push(Check::skipped("leftovers", "the herd cannot be read"));
        }
        Ok(herd) => {
            checks.push(traffic(&herd));
            checks.push(leftovers(&herd));
        }
    }
    checks.push(lock(cloud, &scope).await);
    checks
}

fn traffic(herd: &Herd) -> Check {
    let name = "traffic";
    let through = herd.address.as_ref().map_or_else(
        || herd.names.first().map_or_else(|| "no name".into(), |name| name.name.fqdn()),
        |address| address.ip.to_string(),
    );
    let found = format!("{through} is {}", herd.traffic());
    if herd.stranger().is_some() {
        return Check::fail(name, found).advice(format!(
            "give that droplet the tag `{}` to adopt it, or unassign the address",
            herd.scope.tag()
        ));
    }
    if !herd.is_settled() {
        return Check::fail(name, format!("{found}: a run moved it and died"))
            .advice("finish it with `remuda resume`, or undo it with `remuda abort`");
    }
    Check::ok(
        name,
        if herd.live().is_some() { found } else { format!("{through} leads nowhere yet") },
    )
}

fn leftovers(herd: &Herd) -> Check {
    let name = "leftovers";
    let strays: Vec<String> = gc::strays(herd).into_iter().map(|(_, name)| name).collect();
    if strays.is_empty() {
        return Check::ok(name, "no droplet is left over from a run that died");
    }
    Check::warn(name, strays.join(", "))
        .advice("go on with `remuda resume`, or clear them away with `remuda abort` or `remuda gc`")
}

async fn lock(cloud: &Client, scope: &Scope) -> Check {
    let name = "lock";
    match Lock::look(cloud, scope).await {
        Err(error) if error.kind() == Kind::Refused => {
            Check::skipped(name, "the token may not read firewalls")
        }
        Err(error) => Check::error(name, &error),
        Ok(None) => Check::ok(name, "free"),
        Ok(Some(seen)) if seen.is_stale(cloud.server_time().unwrap_or_else(crate::clock::now)) => {
            Check::warn(name, format!("left behind by {}", seen.describe()))
                .advice("the next run breaks it; `remuda gc` does so now")
        }
        Ok(Some(seen)) => Check::warn(name, format!("held by {}", seen.describe()))
            .advice("wait for it with `--lock-wait 10m`"),
    }
}
