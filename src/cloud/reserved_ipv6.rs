//! Reserved IPv6 addresses. Unlike IPv4 ones they are never moved directly: DigitalOcean gets stuck.

use std::{collections::HashSet, net::Ipv6Addr, time::Duration};

use serde_json::{Value, json};

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        drive::{Drive, Reading},
        request::Request,
        reserved_ip::{gone, holder},
        wire::Answer,
    },
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// A reserved IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedIpv6 {
    /// The address.
    pub ip: Ipv6Addr,
    /// The word of its region.
    pub region: Option<String>,
    /// The droplet it points to.
    pub droplet_id: Option<u64>,
}

impl Decode for ReservedIpv6 {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let region = node.get("region_slug").maybe_text();
        Ok(Self {
            ip: node.get("ip").parsed("an IPv6 address")?,
            region: region.or_else(|| node.get("region").get("slug").maybe_text()),
            droplet_id: holder(node)?,
        })
    }
}

fn one(ip: Ipv6Addr) -> Request {
    Request::get(&["reserved_ipv6", &ip.to_string()])
}

impl Client {
    /// Reads a reserved address; none when the account has no such address.
    pub async fn reserved_ipv6(&self, ip: Ipv6Addr) -> Result<Option<ReservedIpv6>> {
        Ok(self.find(&one(ip), "reserved_ipv6").await?)
    }

    /// Lists the reserved addresses.
    pub async fn reserved_ipv6s(&self) -> Result<Vec<ReservedIpv6>> {
        let mut ips: Vec<ReservedIpv6> =
            self.list(Request::get(&["reserved_ipv6"]), "reserved_ipv6s").await?;
        let mut seen = HashSet::new();
        ips.retain(|ip| seen.insert(ip.ip));
        Ok(ips)
    }

    /// Reserves an address in a region; see [`Client::create_reserved_ip`] for lost answers.
    pub async fn create_reserved_ipv6(&self, region: &str) -> Result<ReservedIpv6> {
        let before: HashSet<Ipv6Addr> =
            self.reserved_ipv6s().await?.iter().map(|reserved| reserved.ip).collect();
        let before = &before;
        let find = || async move {
            let mut added = self.reserved_ipv6s().await?;
            added.retain(|it| {
                !before.contains(&it.ip)
                    && it.droplet_id.is_none()
                    && it.region.as_deref().is_none_or(|it| it == region)
            });
            if added.len() > 1 {
                let ips: Vec<_> = added.iter().map(|it| it.ip.to_string()).collect();
                return Err(Error::new(Kind::Failed, "cannot tell which reserved IPv6 is ours")
                    .at("reserved IPs", ips.join(" "))
                    .hint("release those that nobody needs, then run the command again"));
            }
            Ok(added.pop())
        };
        let request = Request::post(&["reserved_ipv6"], json!({ "region_slug": region }));
        let readable = |answer: &Answer| answer.one::<ReservedIpv6>("reserved_ipv6").map(drop);
        match self.create_once(&request, self.options().reconcile, readable, find).await? {
            Outcome::Answered(answer) => Ok(answer.one("reserved_ipv6")?),
            Outcome::Found(reserved) => Ok(reserved),
        }
    }

    /// Gives an address back; one that is gone is fine. The API refuses while it is assigned.
    pub async fn delete_reserved_ipv6(&self, ip: Ipv6Addr) -> Result<()> {
        Ok(self.remove(&Request::delete(&["reserved_ipv6", &ip.to_string()])).await?)
    }

    /// Points an address at a droplet and waits until the address itself says so. One that points
    /// elsewhere is unassigned first, and unreachable for that moment.
    pub async fn assign_reserved_ipv6(
        &self,
        ip: Ipv6Addr,
        droplet: u64,
        deadline: &Deadline,
    ) -> Result<ReservedIpv6> {
        let get = one(ip).by(deadline);
        let now: Option<ReservedIpv6> = self.find(&get, "reserved_ipv6").await?;
        let Some(now) = now else { return Err(gone(&get.path()).into()) };
        match now.droplet_id {
            Some(holder) if holder == droplet => return Ok(now),
            Some(holder) => {
                let body = json!({ "type": "unassign" });
                self.point_v6(ip, None, body, &[holder], deadline).await?;
            }
            None => {}
        }
        let body = json!({ "type": "assign", "droplet_id": droplet });
        self.point_v6(ip, Some(droplet), body, &[droplet], deadline).await
    }

    /// Points an address at nothing and waits until the address itself says so.
    pub async fn unassign_reserved_ipv6(
        &self,
        ip: Ipv6Addr,
        deadline: &Deadline,
    ) -> Result<ReservedIpv6> {
        self.point_v6(ip, None, json!({ "type": "unassign" }), &[], deadline).await
    }

    async fn point_v6(
        &self,
        ip: Ipv6Addr,
        target: Option<u64>,
        body: Value,
        droplets: &[u64],
        deadline: &Deadline,
    ) -> Result<ReservedIpv6> {
        let request = Request::post(&["reserved_ipv6", &ip.to_string(), "actions"], body);
        let get = one(ip).by(deadline);
        let get = &get;
        let read = || async move {
            let reserved: Option<ReservedIpv6> = self.find(get, "reserved_ipv6").await?;
            match reserved {
                None => Err(gone(&get.path()).into()),
                Some(it) if it.droplet_id == target => Ok(Reading::There(it)),
                Some(_) => Ok(Reading::NotThere),
            }
        };
        let drive = Drive { request, droplets, window: Duration::ZERO, elsewhere: false, deadline };
        self.drive(drive, read).await
    }
}
