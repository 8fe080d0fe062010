//! Cloud firewalls. No two of an account have the same name: the API itself refuses the second.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        failure::{Class, Failure},
        request::Request,
    },
    error::Result,
    retry::Deadline,
};

/// What a rule of a firewall lets through: in from, or out to, any of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirewallRule {
    /// `tcp`, `udp` or `icmp`.
    pub protocol: String,
    /// `22`, `8000-9000`, or `0` for all; meaningless for `icmp`.
    pub ports: String,
    /// Addresses and networks in CIDR notation.
    pub addresses: Vec<String>,
    /// Droplets with these tags.
    pub tags: Vec<String>,
    /// Droplets with these numbers.
    pub droplet_ids: Vec<u64>,
    /// Load balancers with these identifiers.
    pub load_balancer_uids: Vec<String>,
}

impl FirewallRule {
    fn read(node: &Node<'_>, ends: &str) -> Self {
        let ends = node.get(ends);
        Self {
            protocol: node.get("protocol").maybe_text().unwrap_or_default(),
            ports: node.get("ports").maybe_name().unwrap_or_default(),
            addresses: ends.get("addresses").maybe_texts(),
            tags: ends.get("tags").maybe_texts(),
            droplet_ids: ends.get("droplet_ids").maybe_numbers(),
            load_balancer_uids: ends.get("load_balancer_uids").maybe_texts(),
        }
    }

    fn body(&self, ends: &str) -> Value {
        let mut at = Map::new();
        if !self.addresses.is_empty() {
            at.insert("addresses".into(), json!(self.addresses));
        }
        if !self.tags.is_empty() {
            at.insert("tags".into(), json!(self.tags));
        }
        if !self.droplet_ids.is_empty() {
            at.insert("droplet_ids".into(), json!(self.droplet_ids));
        }
        if !self.load_balancer_uids.is_empty() {
            at.insert("load_balancer_uids".into(), json!(self.load_balancer_uids));
        }
        json!({ "protocol": self.protocol, "ports": self.ports, ends: at })
    }
}

/// A firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// Its identifier.
    pub id: String,
    /// Its name, unique in the account.
    pub name: String,
    /// `waiting`, `succeeded` or `failed`.
    pub status: Option<String>,
    /// The tags of the droplets it guards.
    pub tags: Vec<String>,
    /// The droplets it guards.
    pub droplet_ids: Vec<u64>,
    /// What it lets in.
    pub inbound: Vec<FirewallRule>,
    /// What it lets out.
    pub outbound: Vec<FirewallRule>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// How many droplets do not follow it yet.
    pub pending_changes: usize,
}

impl Decode for Firewall {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let rules = |list: &str, ends: &str| {
            let items = node.get(list).maybe_items();
            items.iter().map(|rule| FirewallRule::read(rule, ends)).collect()
        };
        Ok(Self {
            id: node.get("id").text()?,
            name: node.get("name").text()?,
            status: node.get("status").maybe_text(),
            tags: node.get("tags").maybe_texts(),
            droplet_ids: node.get("droplet_ids").maybe_numbers(),
            inbound: rules("inbound_rules", "sources"),
            outbound: rules("outbound_rules", "destinations"),
            created_at: node.get("created_at").maybe_time(),
            pending_changes: node.get("pending_changes").maybe_items().len(),
        })
    }
}

/// A firewall to be created, or what one is to become.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFirewall {
    /// Its name: letters, digits, dots and dashes.
    pub name: String,
    /// What it lets in; it needs one rule at least, here or below.
    pub inbound: Vec<FirewallRule>,
    /// What it lets out.
    pub outbound: Vec<FirewallRule>,
    /// The tags of the droplets it guards.
    pub tags: Vec<String>,
    /// The droplets it guards.
    pub droplet_ids: Vec<u64>,
}

impl NewFirewall {
    /// Returns the body of the request.
    pub(crate) fn body(&self) -> Value {
        let rules = |rules: &[FirewallRule], ends: &str| -> Value {
            rules.iter().map(|rule| rule.body(ends)).collect()
        };
        json!({
            "name": self.name,
            "inbound_rules": rules(&self.inbound, "sources"),
            "outbound_rules": rules(&self.outbound, "destinations"),
            "droplet_ids": self.droplet_ids,
            "tags": self.tags,
        })
    }
}

/// What came of creating a firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateFirewall {
    /// It was created, by this call.
    Created(Firewall),
    /// Another one has the name.
    NameTaken,
}

impl Client {
    /// Lists the firewalls of the account.
    pub async fn firewalls(&self) -> Result<Vec<Firewall>> {
        Ok(self.list(Request::get(&["firewalls"]), "firewalls").await?)
    }

    /// Reads a firewall; none when there is no such firewall.
    pub async fn firewall(&self, id: &str) -> Result<Option<Firewall>> {
        Ok(self.find(&Request::get(&["firewalls", id]), "firewall").await?)
    }

    /// Creates a firewall, or learns that its name is taken: an atomic test-and-set.
    ///
    /// When the answer is lost, `is_mine` tells whether the firewall that has the name now is the
    /// one this call asked for; it must recognise something that no other caller would send.
    pub async fn create_firewall(
        &self,
        new: &NewFirewall,
        is_mine: &(dyn Fn(&Firewall) -> bool + Sync),
    ) -> Result<CreateFirewall> {
        /// Every resend is safe here, since the name can be taken only once.
        const SENDS: usize = 4;
        let request = Request::post(&["firewalls"], new.body());
        let window = Deadline::after(self.options().reconcile, "the firewall to appear");
        let mut pauses = self.pauses();
        let mut lost: Option<Failure> = None;
        for _ in 0..SENDS {
            let sent = self.send(&request).await;
            match sent.and_then(|answer| answer.one("firewall")) {
                Ok(firewall) => return Ok(CreateFirewall::Created(firewall)),
                Err(failure) if failure.is_ambiguous() => lost = Some(failure),
                Err(failure) if failure.class == Class::Conflict => {
                    if lost.is_none() {
                        return Ok(CreateFirewall::NameTaken);
                    }
                    // The name is taken for certain, perhaps by the request that was lost: the
                    // list shows sooner or later by whom.
                    loop {
                        if let Some(named) = self.firewall_named(&new.name).await? {
                            return Ok(theirs_or_mine(named, is_mine));
                        }
                        pauses.wait(&window).await?;
                    }
                }
                Err(failure) => return Err(failure.into()),
            }
            if let Some(named) = self.firewall_named(&new.name).await? {
                return Ok(theirs_or_mine(named, is_mine));
            }
            if pauses.wait(&window).await.is_err() {
                break;
            }
        }
        Err(lost.map_or_else(|| window.error(), Into::into))
    }

    async fn firewall_named(&self, name: &str) -> Result<Option<Firewall>> {
        Ok(self.firewalls().await?.into_iter().find(|it| it.name.eq_ignore_ascii_case(name)))
    }

    /// Replaces everything about a firewall; none when it is gone.
    pub async fn update_firewall(&self, id: &str, new: &NewFirewall) -> Result<Option<Firewall>> {
        Ok(self.find(&Request::put(&["firewalls", id], new.body()), "firewall").await?)
    }

    /// Deletes a firewall; one that is gone is fine.
    pub async fn delete_firewall(&self, id: &str) -> Result<()> {
        Ok(self.remove(&Request::delete(&["firewalls", id])).await?)
    }

    /// Adds droplets to those a firewall guards.
    pub async fn guard_droplets(&self, id: &str, droplets: &[u64]) -> Result<()> {
        let body = json!({ "droplet_ids": droplets });
        self.add_to_firewall(id, "droplets", body, |it| {
            droplets.iter().all(|droplet| it.droplet_ids.contains(droplet))
        })
        .await
    }

    /// Adds tags to those whose droplets a firewall guards.
    pub async fn guard_tags(&self, id: &str, tags: &[String]) -> Result<()> {
        let body = json!({ "tags": tags });
        self.add_to_firewall(id, "tags", body, |it| tags.iter().all(|tag| it.tags.contains(tag)))
            .await
    }

    async fn add_to_firewall(
        &self,
        id: &str,
        what: &str,
        body: Value,
        has: impl Fn(&Firewall) -> bool,
    ) -> Result<()> {
        let has = &has;
        let find = || async move { Ok(self.firewall(id).await?.filter(has).map(drop)) };
        let request = Request::post(&["firewalls", id, what], body).blind();
        let window = std::time::Duration::ZERO;
        self.create_once(&request, window, |_| Ok(()), find).await.map(drop)
    }
}

fn theirs_or_mine(named: Firewall, is_mine: &(dyn Fn(&Firewall) -> bool + Sync)) -> CreateFirewall {
    if is_mine(&named) { CreateFirewall::Created(named) } else { CreateFirewall::NameTaken }
}
