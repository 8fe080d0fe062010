//! Domains and their records.

use serde_json::{Map, Value, json};

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        failure::{Class, class_of},
        request::Request,
        wire::Answer,
    },
    error::Result,
};

/// A domain whose records the account keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// How long its answers may be kept, in seconds.
    pub ttl: Option<u32>,
    /// Its zone file.
    pub zone_file: Option<String>,
}

impl Decode for Domain {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            name: node.get("name").text()?,
            ttl: node.get("ttl").maybe_u32(),
            zone_file: node.get("zone_file").maybe_text(),
        })
    }
}

/// A record of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub id: u64,
    /// Its type, such as `A` or `AAAA`.
    pub kind: String,
    /// Its name within the domain; `@` is the domain itself.
    pub name: String,
    /// What it says.
    pub data: String,
    /// How long it may be kept, in seconds.
    pub ttl: Option<u32>,
    /// The priority of an MX or SRV record.
    pub priority: Option<u32>,
    /// The port of an SRV record.
    pub port: Option<u32>,
    /// The weight of an SRV record.
    pub weight: Option<u32>,
    /// The flags of a CAA record.
    pub flags: Option<u32>,
    /// The tag of a CAA record.
    pub tag: Option<String>,
}

impl Decode for Record {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").u64()?,
            kind: node.get("type").text()?,
            // SOA records have been seen without a name.
            name: node.get("name").maybe_text().unwrap_or_else(|| "@".into()),
            data: node.get("data").maybe_name().unwrap_or_default(),
            ttl: node.get("ttl").maybe_u32(),
            priority: node.get("priority").maybe_u32(),
            port: node.get("port").maybe_u32(),
            weight: node.get("weight").maybe_u32(),
            flags: node.get("flags").maybe_u32(),
            tag: node.get("tag").maybe_text(),
        })
    }
}

impl Record {
    /// Returns its full name, without a trailing dot.
    pub fn fqdn(&self, domain: &str) -> String {
        match self.name.trim_end_matches('.') {
            "@" | "" => domain.to_owned(),
            name if is_within(name, domain) => name.to_owned(),
            name => format!("{name}.{domain}"),
        }
    }
}

fn is_within(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name == domain || name.ends_with(&format!(".{domain}"))
}

/// A record to be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    /// Its type, such as `A`.
    pub kind: String,
    /// Its name within the domain; `@` is the domain itself.
    pub name: String,
    /// What it says.
    pub data: String,
    /// How long it may be kept, in seconds; 30 at least.
    pub ttl: Option<u32>,
    /// The priority of an MX or SRV record.
    pub priority: Option<u32>,
}

impl NewRecord {
    /// Returns the body of the request.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), json!(self.kind));
        body.insert("name".into(), json!(self.name));
        body.insert("data".into(), json!(self.data));
        if let Some(ttl) = self.ttl {
            body.insert("ttl".into(), json!(ttl));
        }
        if let Some(priority) = self.priority {
            body.insert("priority".into(), json!(priority));
        }
        Value::Object(body)
    }

    fn is(&self, record: &Record) -> bool {
        record.kind.eq_ignore_ascii_case(&self.kind) && record.data == self.data
    }
}

/// What is to become of a record; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordChange {
    /// Its type, which the API wants to be told again.
    pub kind: String,
    /// What it says from now on.
    pub data: Option<String>,
    /// How long it may be kept from now on, in seconds.
    pub ttl: Option<u32>,
}

impl RecordChange {
    /// Returns the body of the request.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), json!(self.kind));
        if let Some(data) = &self.data {
            body.insert("data".into(), json!(data));
        }
        if let Some(ttl) = self.ttl {
            body.insert("ttl".into(), json!(ttl));
        }
        Value::Object(body)
    }
}

impl Client {
    /// Reads a domain; none when the account does not keep it.
    pub async fn domain(&self, name: &str) -> Result<Option<Domain>> {
        Ok(self.find(&Request::get(&["domains", name]), "domain").await?)
    }

    /// Has the account keep a domain, or returns the one that it keeps already.
    pub async fn create_domain(&self, name: &str) -> Result<Domain> {
        let request = Request::post(&["domains"], serde_json::json!({ "name": name }));
        let find = || self.domain(name);
        let readable = |answer: &Answer| answer.one::<Domain>("domain").map(drop);
        match self.create_once(&request, self.options().reconcile, readable, find).await? {
            Outcome::Answered(answer) => Ok(answer.one("domain")?),
            Outcome::Found(domain) => Ok(domain),
        }
    }

    /// Lists the records of a domain, of one full name and of one type where these are given.
    pub async fn records(
        &self,
        domain: &str,
        fqdn: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Vec<Record>> {
        let mut request = Request::get(&["domains", domain, "records"]);
        let fqdn = fqdn.map(|name| name.trim_end_matches('.'));
        if let Some(fqdn) = fqdn {
            request = request.query("name", fqdn);
        }
        if let Some(kind) = kind {
            request = request.query("type", kind);
        }
        let mut records: Vec<Record> = self.list(request, "domain_records").await?;
        // The API filters too; but a record that is changed by mistake is an outage.
        records.retain(|record| {
            fqdn.is_none_or(|fqdn| record.fqdn(domain).eq_ignore_ascii_case(fqdn))
                && kind.is_none_or(|kind| record.kind.eq_ignore_ascii_case(kind))
        });
        Ok(records)
    }

    /// Creates a record, or returns the one of the same name, type and data where the API says that
    /// it exists or the answer was lost.
    pub async fn create_record(&self, domain: &str, new: &NewRecord) -> Result<Record> {
        let fqdn = match new.name.as_str() {
            "@" => domain.to_owned(),
            name => format!("{name}.{domain}"),
        };
        let fqdn = &fqdn;
        let find = || async move {
            let records = self.records(domain, Some(fqdn), Some(&new.kind)).await?;
            Ok(records.into_iter().find(|record| new.is(record)))
        };
        let request = Request::post(&["domains", domain, "records"], new.body());
        let readable = |answer: &Answer| answer.one::<Record>("domain_record").map(drop);
        match self.create_once(&request, self.options().reconcile, readable, find).await {
            Ok(Outcome::Answered(answer)) => Ok(answer.one("domain_record")?),
            Ok(Outcome::Found(record)) => Ok(record),
            Err(error) if class_of(&error) == Some(Class::Conflict) => find().await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Changes a record and returns what it is now.
    ///
    /// # Errors
    /// [`crate::error::Kind::NotFound`] when there is no such record.
    pub async fn update_record(
        &self,
        domain: &str,
        id: u64,
        change: &RecordChange,
    ) -> Result<Record> {
        let path = ["domains", domain, "records", &id.to_string()];
        Ok(self.send(&Request::patch(&path, change.body())).await?.one("domain_record")?)
    }

    /// Deletes a record; one that is gone is fine.
    pub async fn delete_record(&self, domain: &str, id: u64) -> Result<()> {
        let path = ["domains", domain, "records", &id.to_string()];
        Ok(self.remove(&Request::delete(&path)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names() {
        let named = |name: &str| {
            let value = json!({ "id": 1, "type": "A", "name": name, "data": "203.0.113.7" });
            Record::decode(&Node::root(&value)).unwrap().fqdn("example.com")
        };
        assert_eq!(named("@"), "example.com");
        assert_eq!(named("www"), "www.example.com");
        assert_eq!(named("a.b"), "a.b.example.com");
        assert_eq!(named("www.example.com."), "www.example.com");
    }
}
