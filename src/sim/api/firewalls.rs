//! `/v2/firewalls`: kept and shown, with unique names; no packet is ever filtered.

use serde_json::{Value, json};

use super::firewall_rules as rules;
use crate::{
    clock,
    sim::{
        http::{Answer, Body, Call, Refusal, Reply, iso},
        state::{Firewall, State, uuid},
        world,
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let firewalls: Vec<Firewall> =
        call.world.read(|state| state.firewalls.values().cloned().collect());
    call.page("firewalls", &firewalls, view)
}

pub(crate) async fn create(call: Call) -> Answer {
    call.world.change(|state| {
        let firewall = read(state, &call, uuid())?;
        let mut shown = view(&firewall);
        set(&mut shown, "status", json!("waiting"));
        state.firewalls.insert(firewall.id.clone(), firewall);
        Ok(Reply::accepted(json!({"firewall": shown})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let shown = call.world.read(|state| state.firewalls.get(call.part("firewall")).map(view));
    Ok(Reply::ok(json!({"firewall": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn replace(call: Call) -> Answer {
    call.world.change(|state| {
        let old = state.firewalls.get(call.part("firewall")).ok_or_else(Refusal::not_found)?;
        let (id, created) = (old.id.clone(), old.created);
        let firewall = Firewall { created, ..read(state, &call, id)? };
        let mut shown = view(&firewall);
        set(&mut shown, "status", json!("waiting"));
        state.firewalls.insert(firewall.id.clone(), firewall);
        Ok(Reply::ok(json!({"firewall": shown})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| {
        state.firewalls.remove(call.part("firewall")).ok_or_else(Refusal::not_found)?;
        Ok(Reply::gone())
    })
}

pub(crate) async fn add_droplets(call: Call) -> Answer {
    let ids = call.body.numbers("droplet_ids");
    alter(&call, |state, firewall| {
        known_droplets(state, &ids)?;
        firewall.droplets.retain(|id| !ids.contains(id));
        firewall.droplets.extend(&ids);
        Ok(())
    })
}

pub(crate) async fn remove_droplets(call: Call) -> Answer {
    let ids = call.body.numbers("droplet_ids");
    alter(&call, |_, firewall| {
        firewall.droplets.retain(|id| !ids.contains(id));
        Ok(())
    })
}

pub(crate) async fn add_tags(call: Call) -> Answer {
    let tags = call.body.texts("tags");
    alter(&call, |state, firewall| {
        let tags = known_tags(state, &tags)?;
        firewall.tags.retain(|tag| !tags.contains(tag));
        firewall.tags.extend(tags);
        Ok(())
    })
}

pub(crate) async fn remove_tags(call: Call) -> Answer {
    let tags = call.body.texts("tags");
    alter(&call, |_, firewall| {
        firewall.tags.retain(|tag| !tags.iter().any(|gone| gone.eq_ignore_ascii_case(tag)));
        Ok(())
    })
}

pub(crate) async fn add_rules(call: Call) -> Answer {
    let body = call.body.clone();
    alter(&call, |state, firewall| {
        for (key, own) in
            [("inbound_rules", &mut firewall.inbound), ("outbound_rules", &mut firewall.outbound)]
        {
            let more = rules::read(state, &body, key)?;
            own.retain(|rule| !more.contains(rule));
            own.extend(more);
        }
        Ok(())
    })
}

pub(crate) async fn remove_rules(call: Call) -> Answer {
    let body = call.body.clone();
    alter(&call, |state, firewall| {
        for (key, own) in
            [("inbound_rules", &mut firewall.inbound), ("outbound_rules", &mut firewall.outbound)]
        {
            let less = rules::read(state, &body, key)?;
            own.retain(|rule| !less.contains(rule));
        }
        Ok(())
    })
}

/// Changes a copy, and keeps it if that went well.
fn alter(call: &Call, change: impl FnOnce(&State, &mut Firewall) -> Result<(), Refusal>) -> Answer {
    call.world.change(|state| {
        let mut firewall =
            state.firewalls.get(call.part("firewall")).ok_or_else(Refusal::not_found)?.clone();
        change(state, &mut firewall)?;
        firewall.settled = world::after(clock::now(), call.world.draw("firewall"));
        state.firewalls.insert(firewall.id.clone(), firewall);
        Ok(Reply::gone())
    })
}

fn read(state: &State, call: &Call, id: String) -> Result<Firewall, Refusal> {
    let body: &Body = &call.body;
    let name = body.need("name")?;
    if !valid(&name) {
        return Err(Refusal::unprocessable(
            "name may only contain letters, numbers, dashes and periods",
        ));
    }
    let taken = state.firewalls.values().any(|other| other.name == name && other.id != id);
    if taken {
        return Err(Refusal::conflict("duplicate name"));
    }
    let inbound = rules::read(state, body, "inbound_rules")?;
    let outbound = rules::read(state, body, "outbound_rules")?;
    if inbound.is_empty() && outbound.is_empty() {
        return Err(Refusal::unprocessable("firewall must have at least one rule"));
    }
    let droplets = body.numbers("droplet_ids");
    known_droplets(state, &droplets)?;
    let now = clock::now();
    Ok(Firewall {
        id,
        name,
        created: now,
        settled: world::after(now, call.world.draw("firewall")),
        inbound,
        outbound,
        droplets,
        tags: known_tags(state, &body.texts("tags"))?,
    })
}

fn known_droplets(state: &State, ids: &[u64]) -> Result<(), Refusal> {
    match ids.iter().find(|id| !state.droplets.contains_key(id)) {
        None => Ok(()),
        Some(id) => Err(Refusal::unprocessable(format!("droplet does not exist: {id}"))),
    }
}

fn known_tags(state: &State, tags: &[String]) -> Result<Vec<String>, Refusal> {
    tags.iter()
        .map(|tag| {
            let known = state.tags.get(&tag.to_lowercase());
            known
                .map(|tag| tag.name.clone())
                .ok_or_else(|| Refusal::unprocessable(format!("tag does not exist: {tag}")))
        })
        .collect()
}

/// `^[a-zA-Z0-9][a-zA-Z0-9\.-]+$`
fn valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    (2..=255).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
}

fn set(shown: &mut Value, key: &str, value: Value) {
    if let Some(shown) = shown.as_object_mut() {
        shown.insert(key.to_owned(), value);
    }
}

/// Shows a firewall as it is at this moment.
pub(crate) fn view(firewall: &Firewall) -> Value {
    let waiting = firewall.settled > clock::now();
    let changes: Vec<Value> = firewall
        .droplets
        .iter()
        .filter(|_| waiting)
        .map(|id| json!({"droplet_id": id, "removing": false, "status": "waiting"}))
        .collect();
    json!({
        "id": firewall.id,
        "name": firewall.name,
        "status": if waiting { "waiting" } else { "succeeded" },
        "inbound_rules": firewall.inbound,
        "outbound_rules": firewall.outbound,
        "created_at": iso(firewall.created),
        "droplet_ids": firewall.droplets,
        "tags": firewall.tags,
        "pending_changes": changes,
    })
}
