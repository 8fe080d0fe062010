//! Moves the DNS records, A and AAAA together; an existing record keeps its TTL.

use super::world::{Subject, World};
use crate::{
    cloud::{NewRecord, Record, RecordChange},
    error::Result,
    herd::Name,
    run::Done,
    spec::DnsName,
};

pub(super) async fn run(world: &World) -> Result<Done> {
    let subject = world.subject()?;
    let moves = world.spec.spec.cutover.dns.iter().map(|name| lead(world, name, &subject));
    let changed: usize = futures_util::future::try_join_all(moves).await?.into_iter().sum();
    Ok(Done::saying(match changed {
        0 => "the records lead there already".into(),
        1 => "1 record moved".into(),
        many => format!("{many} records moved"),
    }))
}

/// Leads a name to the subject; returns how many records had to change.
async fn lead(world: &World, name: &DnsName, subject: &Subject) -> Result<usize> {
    let records = addresses(world, name).await?;
    // before the first change, since an undo may come at any moment
    world.keep_records(Name { name: name.clone(), records: records.clone() });
    let v4 = world.spec.spec.cutover.reserved_ip.or(subject.ipv4).map(|ip| ip.to_string());
    let v6 = subject.ipv6.map(|ip| ip.to_string());
    let (a, aaaa) = tokio::try_join!(
        point(world, name, &records, "A", v4),
        point(world, name, &records, "AAAA", v6),
    )?;
    Ok(usize::from(a) + usize::from(aaaa))
}

/// Reads the A and AAAA records of a name, in one request.
async fn addresses(world: &World, name: &DnsName) -> Result<Vec<Record>> {
    let all = world.cloud.urgent().records(&name.domain, Some(&name.fqdn()), None).await?;
    Ok(all.into_iter().filter(|record| record.kind == "A" || record.kind == "AAAA").collect())
}

/// Makes the record of one kind say `data`; one that leads to a droplet without such an address
/// goes, since it would lead visitors to the old host.
async fn point(
    world: &World,
    name: &DnsName,
    records: &[Record],
    kind: &str,
    data: Option<String>,
) -> Result<bool> {
    let cloud = world.cloud.urgent();
    let domain = &name.domain;
    match (records.iter().find(|record| record.kind == kind), data) {
        (Some(record), Some(data)) if record.data == data => Ok(false),
        (Some(record), Some(data)) => {
            cloud.update_record(domain, record.id, &change(record, data)).await?;
            Ok(true)
        }
        (Some(record), None) => {
            cloud.delete_record(domain, record.id).await?;
            Ok(true)
        }
        (None, Some(data)) => {
            let wanted = NewRecord {
                kind: kind.into(),
                name: name.name.clone(),
                data,
                ttl: Some(name.ttl),
                priority: None,
            };
            cloud.create_record(domain, &wanted).await?;
            Ok(true)
        }
        (None, None) => Ok(false),
    }
}

fn change(record: &Record, data: String) -> RecordChange {
    RecordChange { kind: record.kind.clone(), data: Some(data), ttl: record.ttl }
}

/// Puts the records back as they were before this run moved them.
pub(super) async fn undo(world: &World) -> Result<Done> {
    let cloud = world.cloud.urgent();
    let mut changed = 0;
    for name in &world.records_before() {
        let domain = &name.name.domain;
        let now = addresses(world, &name.name).await?;
        for record in &now {
            match name.records.iter().find(|before| before.id == record.id) {
                Some(before) if before.data == record.data => {}
                Some(before) => {
                    let back = change(before, before.data.clone());
                    cloud.update_record(domain, record.id, &back).await?;
                    changed += 1;
                }
                None => {
                    cloud.delete_record(domain, record.id).await?;
                    changed += 1;
                }
            }
        }
        for before in &name.records {
            if !now.iter().any(|record| record.id == before.id) {
                let wanted = NewRecord {
                    kind: before.kind.clone(),
                    name: name.name.name.clone(),
                    data: before.data.clone(),
                    ttl: before.ttl,
                    priority: None,
                };
                cloud.create_record(domain, &wanted).await?;
                changed += 1;
            }
        }
    }
    Ok(Done::saying(format!("{changed} records put back")))
}
