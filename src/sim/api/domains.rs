//! `/v2/domains`.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::{
    retry,
    sim::{
        http::{Answer, Call, Refusal, Reply},
        state::{Domain, DomainRecord},
        world,
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let domains: Vec<(String, Domain)> =
        call.world.read(|state| state.domains.clone().into_iter().collect());
    call.page("domains", &domains, |(name, domain)| view(name, domain))
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?.trim_end_matches('.').to_lowercase();
    if !name.contains('.') || !super::droplets::hostname(&name) {
        return Err(Refusal::unprocessable("name is not a valid domain name"));
    }
    let address = call.body.text("ip_address");
    retry::sleep(call.world.draw("dns")).await;
    call.world.change(|state| {
        if state.domains.contains_key(&name) {
            return Err(Refusal::unprocessable("name already exists"));
        }
        let mut records = BTreeMap::new();
        records.insert(state.id(), record("SOA", "1800"));
        for server in ["ns1", "ns2", "ns3"] {
            records.insert(state.id(), record("NS", &format!("{server}.digitalocean.com")));
        }
        if let Some(address) = address {
            let kind = match address.parse() {
                Ok(std::net::IpAddr::V4(_)) => "A",
                Ok(std::net::IpAddr::V6(_)) => "AAAA",
                Err(_) => return Err(Refusal::unprocessable("ip_address is not an address")),
            };
            records.insert(state.id(), record(kind, &address));
        }
        state.domains.insert(name.clone(), Domain { ttl: 1800, records });
        // the zone is not made yet when this is answered
        Ok(Reply::created(json!({"domain": {"name": name, "ttl": null, "zone_file": null}})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let name = call.part("domain").to_lowercase();
    let shown = call.world.read(|state| state.domains.get(&name).map(|domain| view(&name, domain)));
    Ok(Reply::ok(json!({"domain": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let name = call.part("domain").to_lowercase();
    retry::sleep(call.world.draw("dns")).await;
    call.world.change(|state| {
        state.domains.remove(&name).ok_or_else(Refusal::not_found)?;
        state.assigned.remove(&format!("do:domain:{name}"));
        Ok(Reply::gone())
    })
}

fn record(kind: &str, data: &str) -> DomainRecord {
    DomainRecord {
        kind: kind.to_owned(),
        name: "@".to_owned(),
        data: data.to_owned(),
        priority: None,
        port: None,
        ttl: 1800,
        weight: None,
        flags: None,
        tag: None,
    }
}

fn view(name: &str, domain: &Domain) -> Value {
    json!({"name": name, "ttl": domain.ttl, "zone_file": zone_file(name, domain)})
}

fn zone_file(name: &str, domain: &Domain) -> String {
    let mut text = format!("$ORIGIN {name}.\n$TTL {}\n", domain.ttl);
    for record in domain.records.values() {
        let owner = world::absolute(&record.name, name);
        let dotted = |data: &str| if data == "@" { format!("{name}.") } else { format!("{data}.") };
        let data = match record.kind.as_str() {
            "SOA" => format!(
                "ns1.digitalocean.com. hostmaster.{name}. 1800000000 10800 3600 604800 1800"
            ),
            "TXT" => format!("{:?}", record.data),
            "CNAME" | "NS" => dotted(&record.data),
            "MX" => format!("{} {}", record.priority.unwrap_or(0), dotted(&record.data)),
            "SRV" => format!(
                "{} {} {} {}",
                record.priority.unwrap_or(0),
                record.weight.unwrap_or(0),
                record.port.unwrap_or(0),
                dotted(&record.data)
            ),
            _ => record.data.clone(),
        };
        // writing to a string does not fail
        let _ = writeln!(text, "{owner}. {} IN {} {data}", record.ttl, record.kind);
    }
    text
}
