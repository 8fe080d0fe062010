//! `/v2/reserved_ips`: public IPv4 addresses that outlive droplets.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{actions, droplets};
use crate::sim::{
    catalog,
    http::{Answer, Call, Refusal, Reply},
    state::{Reserved, State, Work},
    world::Deed,
};

pub(crate) async fn list(call: Call) -> Answer {
    list_as(&call, "reserved_ips")
}

pub(crate) async fn create(call: Call) -> Answer {
    create_as(call, "reserved_ip").await
}

pub(crate) async fn show(call: Call) -> Answer {
    show_as(&call, "reserved_ip")
}

pub(crate) async fn act(call: Call) -> Answer {
    act_as(call, "reserved_ip").await
}

/// Answers with all addresses under `key`.
pub(crate) fn list_as(call: &Call, key: &str) -> Answer {
    let ips: Vec<Ipv4Addr> = call.world.read(|state| state.reserved.keys().copied().collect());
    call.world.read(|state| call.page(key, &ips, |ip| view(state, *ip)))
}

/// Answers with one address under `key`.
pub(crate) fn show_as(call: &Call, key: &str) -> Answer {
    let ip = ip(call)?;
    let shown = call.world.read(|state| state.reserved.get(&ip).map(|_| view(state, ip)));
    Ok(Reply::ok(json!({key: shown.ok_or_else(Refusal::not_found)?})))
}

/// Reserves an address, for a region or at once for a droplet.
pub(crate) async fn create_as(call: Call, key: &'static str) -> Answer {
    let (shown, links, begun) = call.world.change(|state| {
        let target = call.body.number("droplet_id");
        let region = match target {
            Some(id) => {
                let droplet = state
                    .droplets
                    .get(&id)
                    .ok_or_else(|| Refusal::unprocessable("The droplet could not be found."))?;
                droplet.region.clone()
            }
            None => call.body.need("region")?,
        };
        catalog::region(&region)
            .ok_or_else(|| Refusal::unprocessable("You specified an invalid region."))?;
        if let Some(id) = target {
            may_assign(state, id, &region, None)?;
        }
        let ip = state
            .address()
            .ok_or_else(|| Refusal::unprocessable("The simulator has no address left."))?;
        state.reserved.insert(ip, Reserved::new(&region));
        if let Some(project) = call.body.text("project_id")
            && state.projects.contains_key(&project)
        {
            super::projects::put(state, &format!("do:reservedip:{ip}"), &project);
        }
        let Some(id) = target else { return Ok((view(state, ip), json!({}), None)) };
        let action = call.world.begin(state, deed("assign_ip", key, ip, Some(id), &region));
        let href = call.link(&format!("/v2/droplets/{id}"));
        let links = json!({
            "droplets": [{"id": id, "rel": "droplet", "href": href}],
            "actions": [call.action_link(action, "assign_ip")],
        });
        Ok((view(state, ip), links, Some(action)))
    })?;
    call.world.launch(begun).await;
    Ok(Reply::accepted(json!({key: shown, "links": links})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let ip = ip(&call)?;
    call.world.change(|state| {
        if !state.reserved.contains_key(&ip) {
            return Err(Refusal::not_found());
        }
        if locked(state, ip) {
            return Err(Refusal::unprocessable("The reserved IP has a pending event."));
        }
        state.reserved.remove(&ip);
        state.assigned.remove(&format!("do:reservedip:{ip}"));
        Ok(())
    })?;
    call.world.network.release(ip).await;
    Ok(Reply::gone())
}

pub(crate) async fn actions(call: Call) -> Answer {
    let ip = known(&call)?;
    actions::list_of(&call, |action| action.ip == Some(ip))
}

pub(crate) async fn action(call: Call) -> Answer {
    let ip = known(&call)?;
    actions::one_of(&call, |action| action.ip == Some(ip))
}

/// Assigns or unassigns an address.
pub(crate) async fn act_as(call: Call, key: &'static str) -> Answer {
    let ip = ip(&call)?;
    let kind = call.body.need("type")?;
    let (action, shown) = call.world.change(|state| {
        let region = state.reserved.get(&ip).ok_or_else(Refusal::not_found)?.region.clone();
        let deed = match kind.as_str() {
            "assign" => {
                let id = call
                    .body
                    .number("droplet_id")
                    .ok_or_else(|| Refusal::unprocessable("droplet_id is required"))?;
                may_assign(state, id, &region, Some(ip))?;
                deed("assign_ip", key, ip, Some(id), &region)
            }
            "unassign" => deed("unassign_ip", key, ip, None, &region),
            _ => return Err(Refusal::unprocessable("The action type is not supported.")),
        };
        if locked(state, ip) {
            return Err(Refusal::unprocessable("The reserved IP has a pending event."));
        }
        let action = call.world.begin(state, deed);
        Ok((action, actions::view_of(state, action)))
    })?;
    call.world.launch([action]).await;
    let mut shown = shown;
    if let Some(shown) = shown.as_object_mut() {
        let urn = format!("do:reservedip:{ip}");
        let project = call.world.read(|state| state.project_of(&urn));
        shown.insert("project_id".into(), project.into());
    }
    Ok(Reply::created(json!({"action": shown})))
}

/// Checks that a droplet can take an address now.
fn may_assign(state: &State, id: u64, region: &str, ip: Option<Ipv4Addr>) -> Result<(), Refusal> {
    let droplet = state
        .droplets
        .get(&id)
        .ok_or_else(|| Refusal::unprocessable("The droplet could not be found."))?;
    if droplet.region != region {
        return Err(Refusal::unprocessable(
            "The reserved IP and the Droplet must be in the same region.",
        ));
    }
    if !droplet.public {
        return Err(Refusal::unprocessable("The Droplet has no public networking."));
    }
    if state.pending(id).is_some() {
        return Err(Refusal::pending());
    }
    let another =
        state.reserved.iter().any(|(own, entry)| entry.droplet == Some(id) && Some(*own) != ip);
    if another {
        return Err(Refusal::unprocessable("Droplet already has a reserved IP."));
    }
    Ok(())
}

fn deed(
    kind: &'static str,
    resource_type: &'static str,
    ip: Ipv4Addr,
    droplet: Option<u64>,
    region: &str,
) -> Deed {
    let work = if droplet.is_some() { Work::Assign { ip } } else { Work::Unassign { ip } };
    Deed {
        kind,
        work,
        resource_type,
        resource_id: Some(u64::from(u32::from(ip))),
        region: region.to_owned(),
        droplet,
        volume: None,
        ip: Some(ip),
    }
}

fn ip(call: &Call) -> Result<Ipv4Addr, Refusal> {
    call.part("ip").parse().map_err(|_| Refusal::not_found())
}

fn known(call: &Call) -> Result<Ipv4Addr, Refusal> {
    let ip = ip(call)?;
    let known = call.world.read(|state| state.reserved.contains_key(&ip));
    if known { Ok(ip) } else { Err(Refusal::not_found()) }
}

fn locked(state: &State, ip: Ipv4Addr) -> bool {
    state.open().any(|action| action.ip == Some(ip))
}

fn view(state: &State, ip: Ipv4Addr) -> Value {
    let Some(entry) = state.reserved.get(&ip) else { return Value::Null };
    let droplet = entry.droplet.and_then(|id| state.droplets.get(&id));
    json!({
        "ip": ip,
        "droplet": droplet.map(|droplet| droplets::view(state, droplet)),
        "region": catalog::region(&entry.region).map(catalog::Region::show),
        "locked": locked(state, ip),
        "project_id": state.project_of(&format!("do:reservedip:{ip}")),
    })
}
