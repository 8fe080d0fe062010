//! The rules of a cloud firewall: read, checked, and brought into the form they are shown in.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::sim::{
    http::{Body, Refusal},
    state::State,
};

const MEMBERS: [&str; 5] =
    ["addresses", "droplet_ids", "load_balancer_uids", "kubernetes_ids", "tags"];

/// Reads the rules under `inbound_rules` or `outbound_rules`.
pub(crate) fn read(state: &State, body: &Body, key: &str) -> Result<Vec<Value>, Refusal> {
    let side = if key == "inbound_rules" { "sources" } else { "destinations" };
    body.list(key).into_iter().map(|rule| one(state, &Body(rule), side)).collect()
}

fn one(state: &State, rule: &Body, side: &str) -> Result<Value, Refusal> {
    let wrong = Refusal::unprocessable;
    let protocol = rule.need("protocol")?;
    if !["tcp", "udp", "icmp"].contains(&protocol.as_str()) {
        return Err(wrong(format!("invalid protocol: {protocol}")));
    }
    let ports = match rule.text("ports").unwrap_or_default().as_str() {
        "" | "all" | "0" | "1-65535" => "0".to_owned(),
        _ if protocol == "icmp" => "0".to_owned(),
        ports if range(ports) => ports.to_owned(),
        ports => return Err(wrong(format!("invalid ports: {ports}"))),
    };
    let peers = Body(rule.get(side).cloned().unwrap_or_else(|| json!({})));
    for address in peers.texts("addresses") {
        if !network(&address) {
            return Err(wrong(format!("invalid address: {address}")));
        }
    }
    for tag in peers.texts("tags") {
        if !state.tags.contains_key(&tag.to_lowercase()) {
            return Err(wrong(format!("tag does not exist: {tag}")));
        }
    }
    for id in peers.numbers("droplet_ids") {
        if !state.droplets.contains_key(&id) {
            return Err(wrong(format!("droplet does not exist: {id}")));
        }
    }
    let mut shown = Map::new();
    for member in MEMBERS {
        let list = peers.list(member);
        if !list.is_empty() {
            shown.insert(member.into(), Value::Array(list));
        }
    }
    Ok(json!({"protocol": protocol, "ports": ports, side: shown}))
}

/// `22` or `8000-9000`.
fn range(text: &str) -> bool {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match text.split_once('-') {
        None => port(text).is_some(),
        Some((from, to)) => matches!((port(from), port(to)), (Some(from), Some(to)) if from <= to),
    }
}

/// An address, or one with the length of its prefix.
fn network(text: &str) -> bool {
    let (address, prefix) = match text.split_once('/') {
        None => (text, None),
        Some((address, prefix)) => (address, Some(prefix)),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|prefix| prefix <= longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_networks_are_checked() {
        for right in ["22", "8000-9000", "1-65534"] {
            assert!(range(right), "{right}");
        }
        for wrong in ["", "0", "70000", "9-8", "a", "1-"] {
            assert!(!range(wrong), "{wrong}");
        }
        for right in ["0.0.0.0/0", "::/0", "2001:db8::/32", "10.0.0.1"] {
            assert!(network(right), "{right}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "example.com", "10.0.0/8"] {
            assert!(!network(wrong), "{wrong}");
        }
    }
}
