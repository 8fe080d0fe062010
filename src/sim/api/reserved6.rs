//! `/v2/reserved_ipv6`: public IPv6 addresses that outlive droplets. Only the account knows them:
//! they are of the range for documentation and lead nowhere.

use std::net::Ipv6Addr;

use serde_json::{Value, json};

use super::{actions, droplets};
use crate::{
    clock,
    sim::{
        catalog,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{Reserved6, State, Work},
        world::Deed,
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let ips: Vec<Ipv6Addr> = call.world.read(|state| state.reserved6.keys().copied().collect());
    call.world.read(|state| call.page("reserved_ipv6s", &ips, |ip| view(state, *ip)))
}

pub(crate) async fn create(call: Call) -> Answer {
    let region = match call.body.text("region_slug") {
        Some(region) => region,
        None => call.body.need("region")?,
    };
    catalog::region(&region)
        .ok_or_else(|| Refusal::unprocessable("You specified an invalid region."))?;
    call.world.change(|state| {
        let host = u128::from(state.id());
        let ip = Ipv6Addr::from((0x2001_0db8_0a1c_u128 << 80) | host);
        let entry = Reserved6 { region, droplet: None, created: clock::now() };
        state.reserved6.insert(ip, entry);
        Ok(Reply::created(json!({"reserved_ipv6": view(state, ip)})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let ip = ip(&call)?;
    let shown = call.world.read(|state| state.reserved6.get(&ip).map(|_| view(state, ip)));
    Ok(Reply::ok(json!({"reserved_ipv6": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let ip = ip(&call)?;
    call.world.change(|state| {
        let entry = state.reserved6.get(&ip).ok_or_else(Refusal::not_found)?;
        if entry.droplet.is_some() {
            return Err(Refusal::unprocessable("assigned FLIP cannot be released"));
        }
        state.reserved6.remove(&ip);
        Ok(Reply::gone())
    })
}

pub(crate) async fn act(call: Call) -> Answer {
    let ip = ip(&call)?;
    let kind = call.body.need("type")?;
    let (action, shown) = call.world.change(|state| {
        let region = state.reserved6.get(&ip).ok_or_else(Refusal::not_found)?.region.clone();
        let (kind, work, droplet) = match kind.as_str() {
            "assign" => {
                let id = call
                    .body
                    .number("droplet_id")
                    .ok_or_else(|| Refusal::unprocessable("droplet_id is required"))?;
                let droplet = state
                    .droplets
                    .get(&id)
                    .ok_or_else(|| Refusal::unprocessable("The droplet could not be found."))?;
                if droplet.region != region {
                    return Err(Refusal::unprocessable(
                        "The reserved IP and the Droplet must be in the same region.",
                    ));
                }
                if state.pending(id).is_some() {
                    return Err(Refusal::pending());
                }
                ("assign_ip", Work::Assign6 { ip }, Some(id))
            }
            "unassign" => ("unassign_ip", Work::Unassign6 { ip }, None),
            _ => return Err(Refusal::unprocessable("The action type is not supported.")),
        };
        let deed = Deed {
            kind,
            work,
            resource_type: "reserved_ipv6",
            // the address does not fit; the real thing shows a number too
            resource_id: Some(u64::from(u32::from_be_bytes(low(ip)))),
            region,
            droplet,
            volume: None,
            ip: None,
        };
        let action = call.world.begin(state, deed);
        Ok((action, actions::view_of(state, action)))
    })?;
    call.world.launch([action]).await;
    Ok(Reply::created(json!({"action": shown})))
}

fn low(ip: Ipv6Addr) -> [u8; 4] {
    let [.., a, b, c, d] = ip.octets();
    [a, b, c, d]
}

fn ip(call: &Call) -> Result<Ipv6Addr, Refusal> {
    call.part("ip").parse().map_err(|_| Refusal::not_found())
}

fn view(state: &State, ip: Ipv6Addr) -> Value {
    let Some(entry) = state.reserved6.get(&ip) else { return Value::Null };
    let droplet = entry.droplet.and_then(|id| state.droplets.get(&id));
    json!({
        "ip": ip,
        "region_slug": entry.region,
        "reserved_at": iso(entry.created),
        "droplet": droplet.map(|droplet| droplets::view(state, droplet)),
    })
}
