//! DNS records: as the simulator's API has them, as the wire has them, and which answer a question.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use hickory_proto::rr::{
    Name, RData, Record as Wire, RecordType,
    rdata::{A, AAAA, CAA, CNAME, MX, NS, SOA, SRV, TXT},
};

/// One record as the DNS server answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The whole name without a trailing dot, lower-case.
    pub name: String,
    /// `A`, `AAAA`, `CNAME`, `MX`, `TXT`, `NS`, `SRV` or `CAA`.
    pub kind: String,
    /// The data as the API shows it; of a CAA record `FLAGS TAG VALUE`, or the issuer alone.
    pub data: String,
    /// Seconds.
    pub ttl: u32,
    /// For MX and SRV.
    pub priority: Option<u16>,
    /// For SRV.
    pub port: Option<u16>,
    /// For SRV.
    pub weight: Option<u16>,
}

/// Answers for one domain: `None` when the domain is not of this account.
pub type Zone = Arc<dyn Fn(&str) -> Option<Vec<Record>> + Send + Sync>;

/// The longest chain of CNAMEs that is followed.
const CHAIN: usize = 8;

/// What is known of a name and a type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// The name is of no zone of this account.
    Foreign,
    /// These records answer; when there are none, the zone's SOA says for how long that holds.
    Known {
        /// The answers, CNAMEs first.
        answers: Vec<Wire>,
        /// The start of authority, where the last name has nothing of the type.
        authority: Option<Box<Wire>>,
        /// Whether the last name exists at all.
        exists: bool,
    },
}

/// Looks a name up, following CNAMEs within this account.
pub(super) fn look_up(zone: &Zone, name: &str, kind: RecordType) -> Found {
    let mut answers: Vec<Wire> = Vec::new();
    let mut name = name.trim_end_matches('.').to_ascii_lowercase();
    for hop in 0..CHAIN {
        let Some(records) = zone(&name) else {
            // What a CNAME leads out to is for others to answer.
            return if hop == 0 { Found::Foreign } else { known(answers, None, true) };
        };
        let apex = apex(&records, &name);
        let soa = authority(&records, &apex);
        if name == apex && kind == RecordType::SOA {
            answers.extend(soa);
            return known(answers, None, true);
        }
        let (here, exists) = at(&records, &name);
        let fits = |record: &&Record| {
            kind == RecordType::ANY || record.kind.eq_ignore_ascii_case(&kind.to_string())
        };
        let found: Vec<Wire> =
            here.iter().copied().filter(fits).filter_map(|r| wire(r, &name, &apex)).collect();
        if !found.is_empty() {
            answers.extend(found);
            return known(answers, None, true);
        }
        let alias = here.iter().find(|record| record.kind.eq_ignore_ascii_case("CNAME"));
        let Some(alias) = alias.and_then(|alias| wire(alias, &name, &apex)) else {
            return known(answers, soa, exists);
        };
        let RData::CNAME(CNAME(target)) = &alias.data else {
            return known(answers, soa, exists);
        };
        name = target.to_ascii().trim_end_matches('.').to_ascii_lowercase();
        answers.push(alias);
    }
    known(answers, None, true)
}

fn known(answers: Vec<Wire>, authority: Option<Wire>, exists: bool) -> Found {
    Found::Known { answers, authority: authority.map(Box::new), exists }
}

/// Returns the records at a name, those of a wildcard where there are none, and whether it exists.
fn at<'a>(records: &'a [Record], name: &str) -> (Vec<&'a Record>, bool) {
    let named = |wanted: &str| -> Vec<&'a Record> {
        records.iter().filter(|record| record.name.eq_ignore_ascii_case(wanted)).collect()
    };
    let here = named(name);
    if !here.is_empty() {
        return (here, true);
    }
    let below = format!(".{name}");
    if records.iter().any(|record| record.name.to_ascii_lowercase().ends_with(&below)) {
        return (Vec::new(), true);
    }
    let mut rest = name;
    while let Some((_, parent)) = rest.split_once('.') {
        let wild = named(&format!("*.{parent}"));
        if !wild.is_empty() {
            return (wild, true);
        }
        rest = parent;
    }
    (Vec::new(), false)
}

/// Returns the name of the zone: where its SOA or NS records are, else the name all records share.
fn apex(records: &[Record], name: &str) -> String {
    let shortest = |kind: &str| {
        records
            .iter()
            .filter(|record| record.kind.eq_ignore_ascii_case(kind))
            .map(|record| record.name.to_ascii_lowercase())
            .min_by_key(String::len)
    };
    shortest("SOA").or_else(|| shortest("NS")).unwrap_or_else(|| {
        let mut shared = name.to_owned();
        for record in records {
            let other = record.name.to_ascii_lowercase();
            while other != shared && !other.ends_with(&format!(".{shared}")) {
                match shared.split_once('.') {
                    Some((_, parent)) => shared = parent.to_owned(),
                    None => return name.to_owned(),
                }
            }
        }
        shared
    })
}

fn authority(records: &[Record], apex: &str) -> Option<Wire> {
    let ns = records
        .iter()
        .find(|record| record.kind.eq_ignore_ascii_case("NS"))
        .map_or("ns1.digitalocean.com", |record| record.data.as_str());
    let soa = SOA::new(
        absolute(ns, apex)?,
        absolute(&format!("hostmaster.{apex}"), apex)?,
        1,
        10_800,
        3600,
        604_800,
        60,
    );
    Some(Wire::from_rdata(absolute(apex, apex)?, 1800, RData::SOA(soa)))
}

/// Returns a record as it goes over the wire, `None` where its data is not of its kind.
fn wire(record: &Record, owner: &str, apex: &str) -> Option<Wire> {
    let data = record.data.trim();
    let target = || absolute(data, apex);
    let rdata = match record.kind.to_ascii_uppercase().as_str() {
        "A" => RData::A(A(data.parse::<Ipv4Addr>().ok()?)),
        "AAAA" => RData::AAAA(AAAA(data.parse::<Ipv6Addr>().ok()?)),
        "CNAME" => RData::CNAME(CNAME(target()?)),
        "NS" => RData::NS(NS(target()?)),
        "MX" => RData::MX(MX::new(record.priority.unwrap_or(0), target()?)),
        "SRV" => RData::SRV(SRV::new(
            record.priority.unwrap_or(0),
            record.weight.unwrap_or(0),
            record.port.unwrap_or(0),
            target()?,
        )),
        // A string of the wire has at most 255 bytes; a text may have several.
        "TXT" => RData::TXT(TXT::from_bytes(record.data.as_bytes().chunks(255).collect())),
        "CAA" => RData::CAA(caa(data)),
        _ => return None,
    };
    Some(Wire::from_rdata(absolute(owner, apex)?, record.ttl, rdata))
}

fn caa(data: &str) -> CAA {
    let mut caa = CAA::new_issue(false, None, Vec::new());
    let mut words = data.splitn(3, ' ');
    let whole =
        (words.next().and_then(|flags| flags.parse::<u8>().ok()), words.next(), words.next());
    let (flags, tag, value) = match whole {
        (Some(flags), Some(tag), Some(value)) => (flags, tag, value),
        _ => (0, "issue", data),
    };
    caa.issuer_critical = flags & 0x80 != 0;
    caa.reserved_flags = flags & 0x7f;
    tag.clone_into(&mut caa.tag);
    caa.value = value.trim_matches('"').trim_end_matches('.').as_bytes().to_vec();
    caa
}

/// Reads a name as the API shows it: `@` is the zone itself, everything else is whole.
fn absolute(name: &str, apex: &str) -> Option<Name> {
    let name = if name == "@" { apex } else { name };
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, kind: &str, data: &str) -> Record {
        Record {
            name: name.to_owned(),
            kind: kind.to_owned(),
            data: data.to_owned(),
            ttl: 60,
            priority: Some(10),
            port: Some(5060),
            weight: Some(5),
        }
    }

    fn zone() -> Zone {
        Arc::new(|name: &str| {
            (name == "example.com" || name.ends_with(".example.com")).then(|| {
                vec![
                    record("example.com", "NS", "ns1.digitalocean.com"),
                    record("example.com", "A", "127.0.0.9"),
                    record("www.example.com", "CNAME", "@"),
                    record("out.example.com", "CNAME", "example.org."),
                    record("loop.example.com", "CNAME", "loop.example.com"),
                    record("a.deep.example.com", "AAAA", "::1"),
                    record("*.wild.example.com", "TXT", &"x".repeat(300)),
                    record("bad.example.com", "A", "not an address"),
                    record("example.com", "MX", "mail.example.com."),
                    record("example.com", "CAA", "128 issuewild \"letsencrypt.org\""),
                    record("_sip._tcp.example.com", "SRV", "sip.example.com"),
                ]
            })
        })
    }

    fn told(name: &str, kind: RecordType) -> Option<(Vec<String>, bool, bool)> {
        match look_up(&zone(), name, kind) {
            Found::Foreign => None,
            Found::Known { answers, authority, exists } => {
                let lines = answers.iter().map(|r| format!("{} {}", r.name, r.data)).collect();
                Some((lines, authority.is_some(), exists))
            }
        }
    }

    #[test]
    fn answers_are_those_of_an_authoritative_server() {
        let one = |line: &str| Some((vec![line.to_owned()], false, true));
        assert_eq!(told("EXAMPLE.com.", RecordType::A), one("example.com. 127.0.0.9"));
        assert_eq!(
            told("www.example.com", RecordType::A),
            Some((
                vec!["www.example.com. example.com.".into(), "example.com. 127.0.0.9".into()],
                false,
                true
            ))
        );
        assert_eq!(told("out.example.com", RecordType::A), one("out.example.com. example.org."));
        assert_eq!(told("example.com", RecordType::MX), one("example.com. 10 mail.example.com."));
        assert_eq!(
            told("_sip._tcp.example.com", RecordType::SRV),
            one("_sip._tcp.example.com. 10 5 5060 sip.example.com.")
        );
        assert_eq!(told("example.com", RecordType::SOA).map(|told| told.0.len()), Some(1));
        assert_eq!(told("x.wild.example.com", RecordType::TXT).map(|told| told.0.len()), Some(1));
        assert_eq!(
            told("loop.example.com", RecordType::A).map(|told| told.0.len()),
            Some(CHAIN),
            "a loop ends"
        );
    }

    #[test]
    fn nothing_here_is_told_from_nothing_of_this_kind_and_from_not_ours() {
        let nothing = |exists| Some((Vec::new(), true, exists));
        assert_eq!(told("no.example.com", RecordType::A), nothing(false));
        assert_eq!(told("example.com", RecordType::AAAA), nothing(true));
        assert_eq!(told("deep.example.com", RecordType::A), nothing(true), "an empty non-terminal");
        assert_eq!(told("bad.example.com", RecordType::A), nothing(true));
        assert_eq!(told("example.org", RecordType::A), None);
    }

    #[test]
    fn caa_is_read_in_both_forms() {
        assert_eq!(caa("128 issuewild \"ca.org\"").tag, "issuewild");
        assert!(caa("128 issuewild \"ca.org\"").issuer_critical);
        assert_eq!(
            (caa("ca.org").tag.as_str(), caa("ca.org.").value.as_slice()),
            ("issue", &b"ca.org"[..])
        );
    }
}
