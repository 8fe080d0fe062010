//! Reserved IPv4 addresses: the switch of traffic. Only the address itself says where it points.

use std::{collections::HashSet, net::Ipv4Addr, time::Duration};

use serde_json::json;

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        drive::{Drive, Reading},
        failure::{Class, Failure},
        request::Request,
    },
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// A reserved IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedIp {
    /// The address.
    pub ip: Ipv4Addr,
    /// The word of its region.
    pub region: Option<String>,
    /// The droplet it points to.
    pub droplet_id: Option<u64>,
    /// Whether an action of it is running.
    pub locked: bool,
    /// The project it belongs to.
    pub project_id: Option<String>,
}

impl Decode for ReservedIp {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            ip: node.get("ip").parsed("an IPv4 address")?,
            region: node.get("region").get("slug").maybe_text(),
            droplet_id: holder(node)?,
            locked: node.get("locked").maybe_bool().unwrap_or(false),
            project_id: node.get("project_id").maybe_text(),
        })
    }
}

/// Reads which droplet an address points to. A droplet without a number is not "none": an address
/// that points somewhere must never pass for a free one.
pub(crate) fn holder(node: &Node<'_>) -> Result<Option<u64>, Shape> {
    let droplet = node.get("droplet");
    if droplet.is_null() { Ok(None) } else { droplet.get("id").u64().map(Some) }
}

/// Where an address is to point.
struct Pointing<'a> {
    ip: Ipv4Addr,
    target: Option<u64>,
    elsewhere: bool,
    deadline: &'a Deadline,
}

fn one(ip: Ipv4Addr) -> Request {
    Request::get(&["reserved_ips", &ip.to_string()])
}

impl Client {
    /// Reads a reserved address; none when the account has no such address.
    pub async fn reserved_ip(&self, ip: Ipv4Addr) -> Result<Option<ReservedIp>> {
        Ok(self.find(&one(ip), "reserved_ip").await?)
    }

    /// Lists the reserved addresses.
    pub async fn reserved_ips(&self) -> Result<Vec<ReservedIp>> {
        let mut ips: Vec<ReservedIp> =
            self.list(Request::get(&["reserved_ips"]), "reserved_ips").await?;
        // They have no `id` by which an item on two pages could be told.
        let mut seen = HashSet::new();
        ips.retain(|ip| seen.insert(ip.ip));
        Ok(ips)
    }

    /// Reserves an address in a region. It has no natural key: when the answer is lost, it is told
    /// by not having been there before, so that nobody else should reserve at the same moment.
    pub async fn create_reserved_ip(&self, region: &str) -> Result<ReservedIp> {
        let before: HashSet<Ipv4Addr> =
            self.reserved_ips().await?.iter().map(|reserved| reserved.ip).collect();
        let before = &before;
        let find = || async move {
            let mut added = self.reserved_ips().await?;
            added.retain(|it| {
                !before.contains(&it.ip)
                    && it.droplet_id.is_none()
                    && it.region.as_deref().is_none_or(|it| it == region)
            });
            if added.len() > 1 {
                let ips: Vec<_> = added.iter().map(|it| it.ip.to_string()).collect();
                return Err(Error::new(Kind::Failed, "cannot tell which reserved IP is ours")
                    .at("reserved IPs", ips.join(" "))
                    .hint("release those that nobody needs, then run the command again"));
            }
            Ok(added.pop())
        };
        let request = Request::post(&["reserved_ips"], json!({ "region": region }));
        let readable =
            |answer: &crate::cloud::wire::Answer| answer.one::<ReservedIp>("reserved_ip").map(drop);
        match self.create_once(&request, self.options().reconcile, readable, find).await? {
            Outcome::Answered(answer) => Ok(answer.one("reserved_ip")?),
            Outcome::Found(reserved) => Ok(reserved),
        }
    }

    /// Gives an address back; one that is gone is fine. The API refuses while it is assigned.
    pub async fn delete_reserved_ip(&self, ip: Ipv4Addr) -> Result<()> {
        Ok(self.remove(&Request::delete(&["reserved_ips", &ip.to_string()])).await?)
    }

    /// Points an address at a droplet, straight from wherever it points now, and waits until the
    /// address itself says so. One that already points there is left alone.
    ///
    /// # Errors
    /// [`Kind::NotFound`] without such an address; [`Class::Errored`] when the move failed and the
    /// address does not point there; [`Kind::TimedOut`] at the deadline.
    pub async fn assign_reserved_ip(
        &self,
        ip: Ipv4Addr,
        droplet: u64,
        deadline: &Deadline,
    ) -> Result<ReservedIp> {
        self.point(Pointing { ip, target: Some(droplet), elsewhere: false, deadline }).await
    }

    /// Does the same for an address that pointed elsewhere when the caller looked, a moment ago:
    /// nothing is asked before the move, so that it begins one request sooner.
    ///
    /// # Errors
    /// See [`Client::assign_reserved_ip`].
    pub async fn move_reserved_ip(
        &self,
        ip: Ipv4Addr,
        droplet: u64,
        deadline: &Deadline,
    ) -> Result<ReservedIp> {
        self.point(Pointing { ip, target: Some(droplet), elsewhere: true, deadline }).await
    }

    /// Points an address at nothing and waits until the address itself says so.
    pub async fn unassign_reserved_ip(
        &self,
        ip: Ipv4Addr,
        deadline: &Deadline,
    ) -> Result<ReservedIp> {
        self.point(Pointing { ip, target: None, elsewhere: false, deadline }).await
    }

    async fn point(&self, pointing: Pointing<'_>) -> Result<ReservedIp> {
        let Pointing { ip, target, elsewhere, deadline } = pointing;
        let body = match target {
            Some(droplet) => json!({ "type": "assign", "droplet_id": droplet }),
            None => json!({ "type": "unassign" }),
        };
        let droplets = target.as_slice();
        let request = Request::post(&["reserved_ips", &ip.to_string(), "actions"], body);
        let get = one(ip).by(deadline);
        let get = &get;
        let read = || async move {
            let reserved: Option<ReservedIp> = self.find(get, "reserved_ip").await?;
            match reserved {
                None => Err(gone(&get.path()).into()),
                Some(it) if it.droplet_id == target => Ok(Reading::There(it)),
                Some(it) if it.locked => Ok(Reading::Busy),
                Some(_) => Ok(Reading::NotThere),
            }
        };
        // Assigning twice has the effect of assigning once: no window is waited.
        let drive = Drive { request, droplets, window: Duration::ZERO, elsewhere, deadline };
        self.drive(drive, read).await
    }
}

/// Returns the failure of an address that the account does not have.
pub(crate) fn gone(path: &str) -> Failure {
    Failure::new(Class::NotFound, "GET", path, "the account has no such reserved address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_never_passes_for_a_free_one() {
        let read = |value| ReservedIp::decode(&Node::root(&value));
        let free = read(json!({ "ip": "203.0.113.10", "droplet": null })).unwrap();
        assert_eq!(free.droplet_id, None);
        let taken = read(json!({ "ip": "203.0.113.10", "droplet": { "id": "412" } })).unwrap();
        assert_eq!(taken.droplet_id, Some(412));
        assert!(read(json!({ "ip": "203.0.113.10", "droplet": {} })).is_err());
        assert!(read(json!({ "ip": "203.0.113.10", "droplet": "412" })).is_err());
        assert!(read(json!({ "ip": "2001:db8::1" })).is_err());
    }
}
