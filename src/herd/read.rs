//! Reading a herd from the account, and the questions that are asked of it.

use std::{cmp::Reverse, net::Ipv4Addr};

use super::{
    member::{Member, Role},
    names::{Scope, Version},
};
use crate::{
    cloud::{Client, Droplet, Record},
    error::{Error, Kind, Result},
    spec::{Cutover, DnsName},
};

/// An environment as the account shows it at one moment.
#[derive(Debug, Clone)]
pub struct Herd {
    /// The app and environment.
    pub scope: Scope,
    /// Its droplets, newest generation first, then the youngest.
    pub members: Vec<Member>,
    /// The reserved IP, where the spec names one.
    pub address: Option<Address>,
    /// The DNS names of the spec, with the records that they have now; see [`Herd::read_again`].
    pub names: Vec<Name>,
    /// How many droplets the whole account has.
    pub droplets_in_account: usize,
}

/// The reserved IP of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// The region that it belongs to.
    pub region: Option<String>,
    /// The droplet that holds it.
    pub droplet: Option<u64>,
}

/// A DNS name of the spec with its A and AAAA records.
#[derive(Debug, Clone)]
pub struct Name {
    /// What the spec says of it.
    pub name: DnsName,
    /// Its A and AAAA records.
    pub records: Vec<Record>,
}

impl Herd {
    /// Reads the herd of `scope`: one list of droplets, the reserved IP, the records.
    ///
    /// # Errors
    /// When the API refuses, or the reserved IP or a domain of the spec does not exist.
    pub async fn read(cloud: &Client, scope: &Scope, cutover: &Cutover) -> Result<Self> {
        let (droplets, address, names) = tokio::try_join!(
            cloud.droplets(),
            read_address(cloud, cutover),
            read_names(cloud, cutover),
        )?;
        Ok(Self::of(scope.clone(), &droplets, address, names))
    }

    /// Reads it as [`Herd::read`] does, but the records only where there is no reserved IP, since
    /// then they say who is live. Who changes records reads them anyway just before.
    ///
    /// # Errors
    /// See [`Herd::read`].
    pub async fn read_again(cloud: &Client, scope: &Scope, cutover: &Cutover) -> Result<Self> {
        if cutover.reserved_ip.is_none() {
            return Self::read(cloud, scope, cutover).await;
        }
        let (droplets, address) = tokio::try_join!(cloud.droplets(), read_address(cloud, cutover))?;
        Ok(Self::of(scope.clone(), &droplets, address, Vec::new()))
    }

    /// Builds the herd from what the account showed.
    pub fn of(
        scope: Scope,
        droplets: &[Droplet],
        address: Option<Address>,
        names: Vec<Name>,
    ) -> Self {
        let mut members: Vec<Member> =
            droplets.iter().filter_map(|droplet| Member::read(&scope, droplet)).collect();
        members.sort_by_key(|member| Reverse((member.generation, member.created_at, member.id)));
        Self { scope, members, address, names, droplets_in_account: droplets.len() }
    }

    /// Returns the member with this droplet id.
    pub fn member(&self, id: u64) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// Returns the member that takes the traffic: it holds the reserved IP or, in an environment
    /// without one, the first DNS name's A record leads to it.
    pub fn live(&self) -> Option<&Member> {
        if let Some(address) = &self.address {
            return address.droplet.and_then(|id| self.member(id));
        }
        let name = self.names.first()?;
        let leads_to = |member: &&Member| {
            member.ipv4.is_some_and(|ip| {
                name.records.iter().any(|r| r.kind == "A" && r.data == ip.to_string())
            })
        };
        self.members.iter().find(leads_to)
    }

    /// Returns the droplet that holds the reserved IP although it is not of this herd.
    pub fn stranger(&self) -> Option<u64> {
        let id = self.address.as_ref()?.droplet?;
        self.member(id).is_none().then_some(id)
    }

    /// Returns the highest generation in the herd, 0 when there is none.
    pub fn highest_generation(&self) -> u64 {
        self.members.iter().filter_map(|member| member.generation).max().unwrap_or(0)
    }

    /// Returns whether the live member's cutover has been completed by a promotion.
    ///
    /// A run that died between moving traffic and promoting leaves it incomplete.
    pub fn is_settled(&self) -> bool {
        self.live().is_none_or(|live| {
            live.generation.is_some_and(|number| number == self.highest_generation())
        })
    }

    /// Returns where a rollback goes: the member with the highest generation besides the live
    /// one that has not itself been rolled back from, and has not failed.
    pub fn rollback_target(&self) -> Option<&Member> {
        let live = self.live()?;
        self.members.iter().find(|member| {
            member.id != live.id
                && member.generation.is_some()
                && member.left.is_none()
                && member.quarantined.is_none()
        })
    }

    /// Returns the role of a member.
    pub fn role(&self, member: &Member) -> Role {
        if self.live().is_some_and(|live| live.id == member.id) {
            Role::Live
        } else if member.quarantined.is_some() {
            Role::Quarantined
        } else if member.generation.is_none() {
            Role::Candidate
        } else if self.rollback_target().is_some_and(|target| target.id == member.id) {
            Role::Previous
        } else {
            Role::Retired
        }
    }

    /// Returns the members of a version that a run may go on with: not live, not quarantined,
    /// never promoted.
    pub fn candidates<'a>(&'a self, version: &'a Version) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| {
            member.version.as_ref() == Some(version) && self.role(member) == Role::Candidate
        })
    }

    /// Says where traffic is, for people.
    pub fn traffic(&self) -> String {
        match (self.live(), self.stranger()) {
            (Some(live), _) => format!("on {} ({})", live.version_text(), live.name),
            (None, Some(id)) => format!("on droplet {id}, which is not of {}", self.scope),
            (None, None) => "nowhere: no droplet is live".into(),
        }
    }
}

async fn read_address(cloud: &Client, cutover: &Cutover) -> Result<Option<Address>> {
    let Some(ip) = cutover.reserved_ip else { return Ok(None) };
    let Some(found) = cloud.reserved_ip(ip).await? else {
        return Err(Error::new(Kind::NotFound, "the account has no such reserved IP")
            .at("reserved IP", ip)
            .hint("reserve one with `doctl compute reserved-ip create --region REGION` and name it in cutover.reserved_ip"));
    };
    Ok(Some(Address { ip, region: found.region, droplet: found.droplet_id }))
}

async fn read_names(cloud: &Client, cutover: &Cutover) -> Result<Vec<Name>> {
    let read = cutover.dns.iter().map(async |name| {
        let all = cloud.records(&name.domain, Some(&name.fqdn()), None).await?;
        let ours = |record: &Record| record.kind == "A" || record.kind == "AAAA";
        let records = all.into_iter().filter(ours).collect();
        Ok::<_, Error>(Name { name: name.clone(), records })
    });
    futures_util::future::try_join_all(read).await
}
