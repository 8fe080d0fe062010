//! `/v2/domains/{domain}/records`.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use crate::{
    retry,
    sim::{
        http::{Answer, Body, Call, Refusal, Reply},
        state::{Domain, DomainRecord},
        world,
    },
};

const KINDS: [&str; 9] = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "SRV", "TXT"];

/// Whose data is a host's whole name, sent with a dot at its end and shown without.
const DOTTED: [&str; 4] = ["CNAME", "MX", "NS", "SRV"];

pub(crate) async fn list(call: Call) -> Answer {
    let domain = call.part("domain").to_lowercase();
    let name = call.asked("name").map(str::to_lowercase);
    let kind = call.asked("type").map(str::to_uppercase);
    let records: Vec<(u64, DomainRecord)> = call.world.read(|state| {
        let entry = state.domains.get(&domain).ok_or_else(Refusal::not_found)?;
        let meant = entry.records.iter().filter(|(_, record)| {
            let whole = world::absolute(&record.name, &domain);
            name.as_ref().is_none_or(|name| name.trim_end_matches('.') == whole)
                && kind.as_ref().is_none_or(|kind| *kind == record.kind)
        });
        Ok(meant.map(|(id, record)| (*id, record.clone())).collect())
    })?;
    call.page("domain_records", &records, |(id, record)| view(*id, record))
}

pub(crate) async fn create(call: Call) -> Answer {
    let kind = call.body.need("type")?.to_uppercase();
    if !KINDS.contains(&kind.as_str()) || kind == "SOA" {
        return Err(Refusal::unprocessable("Record type is not included in the list"));
    }
    let domain = call.part("domain").to_lowercase();
    let fresh = DomainRecord {
        kind,
        name: "@".into(),
        data: call.body.need("data")?,
        priority: None,
        port: None,
        ttl: 1800,
        weight: None,
        flags: None,
        tag: None,
    };
    let record = written(&call.body, fresh, &domain)?;
    retry::sleep(call.world.draw("dns")).await;
    call.world.change(|state| {
        let id = state.id();
        let entry = state.domains.get_mut(&domain).ok_or_else(Refusal::not_found)?;
        refuse_alias(entry, id, &record)?;
        let shown = view(id, &record);
        entry.records.insert(id, record);
        Ok(Reply::created(json!({"domain_record": shown})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let (domain, id) = (call.part("domain").to_lowercase(), call.id("record")?);
    let shown = call.world.read(|state| {
        let record = state.domains.get(&domain).and_then(|entry| entry.records.get(&id));
        record.map(|record| view(id, record))
    });
    Ok(Reply::ok(json!({"domain_record": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (domain, id) = (call.part("domain").to_lowercase(), call.id("record")?);
    retry::sleep(call.world.draw("dns")).await;
    call.world.change(|state| {
        let entry = state.domains.get_mut(&domain).ok_or_else(Refusal::not_found)?;
        let old = entry.records.get(&id).ok_or_else(Refusal::not_found)?.clone();
        let kind = call.body.text("type").unwrap_or_else(|| old.kind.clone()).to_uppercase();
        if !KINDS.contains(&kind.as_str()) {
            return Err(Refusal::unprocessable("Record type is not included in the list"));
        }
        let record = written(&call.body, DomainRecord { kind, ..old }, &domain)?;
        refuse_alias(entry, id, &record)?;
        let shown = view(id, &record);
        entry.records.insert(id, record);
        Ok(Reply::ok(json!({"domain_record": shown})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    let (domain, id) = (call.part("domain").to_lowercase(), call.id("record")?);
    retry::sleep(call.world.draw("dns")).await;
    call.world.change(|state| {
        let entry = state.domains.get_mut(&domain).ok_or_else(Refusal::not_found)?;
        entry.records.remove(&id).ok_or_else(Refusal::not_found)?;
        Ok(Reply::gone())
    })
}

/// Writes what the body says over a record, and checks the result.
fn written(body: &Body, old: DomainRecord, domain: &str) -> Result<DomainRecord, Refusal> {
    let kind = old.kind.clone();
    let mut record = old;
    if let Some(name) = body.text("name") {
        record.name = relative(&name, domain);
    }
    if let Some(data) = body.text("data") {
        record.data = checked(&kind, &data)?;
    }
    if let Some(ttl) = body.small::<u32>("ttl")? {
        if ttl < 30 {
            return Err(Refusal::unprocessable("TTL must be at least 30 seconds"));
        }
        record.ttl = ttl;
    }
    record.priority = body.small("priority")?.or(record.priority);
    record.port = body.small("port")?.or(record.port);
    record.weight = body.small("weight")?.or(record.weight);
    record.flags = body.small("flags")?.or(record.flags);
    record.tag = body.text("tag").or(record.tag);
    match kind.as_str() {
        "MX" | "SRV" if record.priority.is_none() => {
            Err(Refusal::unprocessable("Priority can't be blank"))
        }
        "SRV" if record.port.is_none() || record.weight.is_none() => {
            Err(Refusal::unprocessable("Port and weight can't be blank"))
        }
        "CAA" if record.tag.is_none() => Err(Refusal::unprocessable("Tag can't be blank")),
        _ => Ok(record),
    }
}

fn checked(kind: &str, data: &str) -> Result<String, Refusal> {
    match kind {
        "A" if data.parse::<Ipv4Addr>().is_err() => {
            Err(Refusal::unprocessable("Data needs to be a valid IPv4 address"))
        }
        "AAAA" => data
            .parse::<Ipv6Addr>()
            .map(|address| address.to_string())
            .map_err(|_| Refusal::unprocessable("Data needs to be a valid IPv6 address")),
        kind if DOTTED.contains(&kind) && data != "@" => match data.strip_suffix('.') {
            Some(data) if !data.is_empty() => Ok(data.to_owned()),
            _ => Err(Refusal::unprocessable("Data needs to end with a dot (.)")),
        },
        "CAA" => Ok(data.trim_end_matches('.').to_owned()),
        _ => Ok(data.to_owned()),
    }
}

/// Returns a name relative to its domain.
fn relative(name: &str, domain: &str) -> String {
    let name = name.trim_end_matches('.').to_lowercase();
    if name == domain || name == "@" {
        return "@".to_owned();
    }
    match name.strip_suffix(domain).and_then(|head| head.strip_suffix('.')) {
        Some(head) => head.to_owned(),
        None => name,
    }
}

/// An alias stands alone at its name.
fn refuse_alias(entry: &Domain, id: u64, record: &DomainRecord) -> Result<(), Refusal> {
    let clash = entry.records.iter().any(|(other, existing)| {
        *other != id
            && existing.name == record.name
            && (existing.kind == "CNAME" || record.kind == "CNAME")
    });
    if clash {
        return Err(Refusal::unprocessable("CNAME records cannot share a name with other records"));
    }
    Ok(())
}

fn view(id: u64, record: &DomainRecord) -> Value {
    json!({
        "id": id,
        "type": record.kind,
        "name": record.name,
        "data": record.data,
        "priority": record.priority,
        "port": record.port,
        "ttl": record.ttl,
        "weight": record.weight,
        "flags": record.flags,
        "tag": record.tag,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_their_domain() {
        for (given, shown) in [
            ("@", "@"),
            ("example.com.", "@"),
            ("www", "www"),
            ("www.example.com", "www"),
            ("a.b.Example.com.", "a.b"),
            ("notexample.com", "notexample.com"),
        ] {
            assert_eq!(relative(given, "example.com"), shown);
        }
    }

    #[test]
    fn data_is_checked_by_kind() {
        assert!(checked("A", "1.2.3").is_err());
        assert_eq!(checked("AAAA", "2001:DB8::0:1").unwrap(), "2001:db8::1");
        assert!(checked("CNAME", "example.com").is_err());
        assert_eq!(checked("CNAME", "example.com.").unwrap(), "example.com");
        assert_eq!(checked("CNAME", "@").unwrap(), "@");
        assert!(checked("MX", ".").is_err());
    }
}
