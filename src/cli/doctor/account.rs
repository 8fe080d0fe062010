//! What the account must give: a token that works, an API that answers, room, a clock that agrees.

use std::time::{Duration, Instant};

use super::{
    super::{args::Global, session::trace, token},
    Check,
};
use crate::{
    cloud::{Class, Client, Options, class_of},
    error::{Kind, Result},
    size,
    ui::Ui,
};

/// How long a person who asks what is wrong waits for one answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How far this machine's clock may be off, in seconds.
const CLOCK: i64 = 60;
/// Requests in the hour that one release and its way back may need.
const FEW: u64 = 100;

/// Returns the checks, and a client where the token is accepted.
pub(super) async fn checks(global: &Global, ui: &Ui) -> (Option<Client>, Vec<Check>) {
    let mut checks = Vec::new();
    let cloud = client(global, ui, &mut checks);
    let Some(cloud) = cloud else {
        checks.extend(["api", "scopes"].map(|name| Check::skipped(name, "no client")));
        return (None, checks);
    };
    let started = Instant::now();
    let account = cloud.account().await;
    let took = size::duration(started.elapsed());
    let class = account.as_ref().err().and_then(class_of);
    match (&account, class) {
        (Err(error), Some(Class::Unauthorized)) => {
            checks.push(Check::error("token accepted", error));
            return (None, checks);
        }
        // a token may lack the scope for the account and be good enough for the rest
        (Err(_), Some(Class::Forbidden)) | (Ok(_), _) => {
            checks.push(Check::ok("api", format!("answers in {took}")));
        }
        (Err(error), _) => {
            checks.push(Check::error("api", error));
            return (None, checks);
        }
    }
    checks.push(clock(&cloud));
    // boxed: seven requests at once make a large future
    checks.push(Box::pin(scopes(&cloud)).await);
    if let Ok(account) = &account {
        checks.push(match account.status.as_deref() {
            None | Some("active") => Check::ok(
                "account",
                account.team.clone().or(account.email.clone()).unwrap_or_else(|| "active".into()),
            ),
            Some(status) => Check::fail("account", format!("it is {status}")).advice(
                account.status_message.clone().unwrap_or_else(|| "ask DigitalOcean".into()),
            ),
        });
        checks.push(room(&cloud, account.droplet_limit).await);
    }
    checks.push(rate(&cloud));
    (Some(cloud), checks)
}

fn client(global: &Global, ui: &Ui, checks: &mut Vec<Check>) -> Option<Client> {
    let found = match token::find(global.access_token.as_deref(), global.context.as_deref()) {
        Ok(found) => found,
        Err(error) => {
            checks.push(Check::error("token", &error));
            return None;
        }
    };
    ui.hide(&found.token);
    checks.push(Check::ok("token", format!("from {}, {}", found.source, found.tail())));
    let origin = match token::origin() {
        Ok(origin) => origin,
        Err(error) => {
            checks.push(Check::error("api", &error));
            return None;
        }
    };
    let trace = global.trace.then(|| trace(ui));
    let options = Options { on_call: trace, patience: PATIENCE, tries: 2, ..Options::default() };
    let plain = origin.scheme() == "http";
    match Client::new(&origin, found.token, options) {
        Ok(client) => {
            let found = if plain { "not needed: plain http to this machine" } else { "found" };
            checks.push(Check::ok("certificate roots", found));
            Some(client)
        }
        Err(error) => {
            let name = if error.kind() == Kind::Failed { "certificate roots" } else { "api" };
            checks.push(Check::error(name, &error));
            None
        }
    }
}

fn clock(cloud: &Client) -> Check {
    let name = "clock";
    let Some(theirs) = cloud.server_time() else {
        return Check::warn(name, "the API did not say what time it is");
    };
    let off = crate::clock::now().as_second() - theirs.as_second();
    if off.abs() > CLOCK {
        return Check::fail(name, format!("this machine's is {off} s off DigitalOcean's")).advice(
            "set it, such as with `timedatectl set-ntp true`: leases of the lock depend on it",
        );
    }
    Check::ok(name, format!("within {} s of DigitalOcean's", off.abs().max(1)))
}

/// Asks once for everything that a release reads. What it may write cannot be asked harmlessly.
async fn scopes(cloud: &Client) -> Check {
    let (droplets, firewalls, tags, ips, keys, sizes, domains) = tokio::join!(
        lacks(cloud.droplets_tagged("remuda-doctor")),
        lacks(cloud.firewalls()),
        lacks(cloud.tags()),
        lacks(cloud.reserved_ips()),
        lacks(cloud.ssh_keys()),
        lacks(cloud.sizes()),
        lacks(cloud.domain("remuda-doctor.invalid")),
    );
    let asked = [
        ("droplet:read", droplets),
        ("firewall:read", firewalls),
        ("tag:read", tags),
        ("reserved_ip:read", ips),
        ("ssh_key:read", keys),
        ("sizes:read", sizes),
        ("domain:read", domains),
    ];
    let missing: Vec<&str> =
        asked.iter().filter(|(_, lacks)| *lacks).map(|(scope, _)| *scope).collect();
    if missing.is_empty() {
        return Check::ok(
            "scopes",
            format!("may read all {} kinds of things that a release reads", asked.len()),
        );
    }
    Check::fail("scopes", format!("the token lacks {}", missing.join(", ")))
        .advice("give the token these scopes, and those to create, update and delete the same")
}

async fn lacks<T>(asked: impl Future<Output = Result<T>>) -> bool {
    asked.await.is_err_and(|error| class_of(&error) == Some(Class::Forbidden))
}

async fn room(cloud: &Client, limit: u64) -> Check {
    let name = "droplet room";
    match cloud.droplets().await {
        Err(error) => Check::error(name, &error),
        Ok(all) if (all.len() as u64) < limit => {
            Check::ok(name, format!("{} of {limit} droplets", all.len()))
        }
        Ok(all) => Check::fail(
            name,
            format!("{} of {limit} droplets: a release needs one more", all.len()),
        )
        .advice("free one with `remuda prune`, or ask DigitalOcean for a higher limit"),
    }
}

fn rate(cloud: &Client) -> Check {
    let name = "requests left";
    match cloud.rate() {
        None => Check::skipped(name, "the API does not say"),
        Some(rate) => {
            let found = format!("{} of {} in this hour", rate.remaining, rate.limit);
            if rate.remaining < FEW {
                Check::fail(name, found).advice("wait, or stop what else uses this token")
            } else {
                Check::ok(name, found)
            }
        }
    }
}
