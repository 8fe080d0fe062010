//! Droplets: what the account says of them, and how they are destroyed.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        failure::{Class, Failure},
        request::Request,
    },
    error::Result,
    retry::{Deadline, LATENESS},
};

/// What a droplet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropletStatus {
    /// It is being created.
    New,
    /// It is powered on; that says nothing of its services yet.
    Active,
    /// It is powered off.
    Off,
    /// It is archived.
    Archive,
    /// Something this version does not know, or nothing was said.
    Other,
}

impl DropletStatus {
    fn read(word: Option<&str>) -> Self {
        match word {
            Some("new") => Self::New,
            Some("active") => Self::Active,
            Some("off") => Self::Off,
            Some("archive") => Self::Archive,
            _ => Self::Other,
        }
    }

    /// Returns the API's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Off => "off",
            Self::Archive => "archive",
            Self::Other => "unknown",
        }
    }
}

/// A droplet.
#[derive(Debug, Clone, PartialEq)]
pub struct Droplet {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it does.
    pub status: DropletStatus,
    /// Whether an action keeps others from being started.
    pub locked: bool,
    /// Its tags; they appear a moment after the droplet, and only for tokens that may read tags.
    pub tags: Vec<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The word of its region.
    pub region: Option<String>,
    /// The word of its size.
    pub size_slug: Option<String>,
    /// The word of its image; none for one made from a snapshot.
    pub image_slug: Option<String>,
    /// The number of its image.
    pub image_id: Option<u64>,
    /// Its own public address; none before it is active.
    pub public_ipv4: Option<Ipv4Addr>,
    /// Its address in the private network.
    pub private_ipv4: Option<Ipv4Addr>,
    /// Its public IPv6 address.
    pub public_ipv6: Option<Ipv6Addr>,
    /// The private network it is in.
    pub vpc_uuid: Option<String>,
    /// The volumes attached to it.
    pub volume_ids: Vec<String>,
    /// The snapshots taken of it.
    pub snapshot_ids: Vec<u64>,
    /// What it costs a month, in US dollars.
    pub price_monthly: Option<f64>,
    /// What it costs an hour, in US dollars.
    pub price_hourly: Option<f64>,
}

impl Decode for Droplet {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let (networks, size, image) = (node.get("networks"), node.get("size"), node.get("image"));
        let address = |version: &str, kind: &str| {
            let items = networks.get(version).maybe_items();
            items
                .into_iter()
                .find(|item| item.get("type").maybe_text().as_deref() == Some(kind))
                .map(|item| item.get("ip_address"))
        };
        let ipv4 = |kind| address("v4", kind).and_then(|ip| ip.maybe_parsed::<Ipv4Addr>());
        Ok(Self {
            id: node.get("id").u64()?,
            name: node.get("name").text()?,
            status: DropletStatus::read(node.get("status").maybe_text().as_deref()),
            locked: node.get("locked").maybe_bool().unwrap_or(false),
            tags: node.get("tags").maybe_texts(),
            created_at: node.get("created_at").maybe_time(),
            region: node.get("region").get("slug").maybe_text(),
            size_slug: node.get("size_slug").maybe_text().or_else(|| size.get("slug").maybe_text()),
            image_slug: image.get("slug").maybe_text(),
            image_id: image.get("id").maybe_u64(),
            public_ipv4: ipv4("public"),
            private_ipv4: ipv4("private"),
            public_ipv6: address("v6", "public").and_then(|ip| ip.maybe_parsed()),
            vpc_uuid: node.get("vpc_uuid").maybe_text(),
            volume_ids: node.get("volume_ids").maybe_texts(),
            snapshot_ids: node.get("snapshot_ids").maybe_numbers(),
            price_monthly: size.get("price_monthly").maybe_f64(),
            price_hourly: size.get("price_hourly").maybe_f64(),
        })
    }
}

/// Returns the request for one droplet.
pub(crate) fn one(id: u64) -> Request {
    Request::get(&["droplets", &id.to_string()])
}

impl Client {
    /// Lists all droplets of the account.
    pub async fn droplets(&self) -> Result<Vec<Droplet>> {
        Ok(self.list(Request::get(&["droplets"]), "droplets").await?)
    }

    /// Lists the droplets with a tag.
    pub async fn droplets_tagged(&self, tag: &str) -> Result<Vec<Droplet>> {
        let request = Request::get(&["droplets"]).query("tag_name", tag);
        let mut droplets: Vec<Droplet> = self.list(request, "droplets").await?;
        // Should the filter ever be ignored, strangers must not join the herd. Tags that may not
        // be read are absent, so that an untagged droplet is taken at the API's word.
        droplets.retain(|droplet| {
            droplet.tags.is_empty() || droplet.tags.iter().any(|it| it.eq_ignore_ascii_case(tag))
        });
        Ok(droplets)
    }

    /// Lists the droplets of exactly this name.
    pub async fn droplets_named(&self, name: &str) -> Result<Vec<Droplet>> {
        let request = Request::get(&["droplets"]).query("name", name);
        let mut droplets: Vec<Droplet> = self.list(request, "droplets").await?;
        droplets.retain(|droplet| droplet.name == name);
        Ok(droplets)
    }

    /// Reads a droplet; none when there is no such droplet, or not yet.
    pub async fn droplet(&self, id: u64) -> Result<Option<Droplet>> {
        Ok(self.seen(&one(id), id).await?)
    }

    /// Reads a droplet, and remembers that it has been seen.
    pub(crate) async fn seen(
        &self,
        request: &Request,
        id: u64,
    ) -> Result<Option<Droplet>, Failure> {
        let droplet: Option<Droplet> = self.find(request, "droplet").await?;
        if droplet.is_some() {
            self.saw(id);
        }
        Ok(droplet)
    }

    /// Destroys a droplet by its number and waits until it is gone. One that is gone is fine.
    ///
    /// Waits for other actions of the droplet to end. A droplet that this client created a moment
    /// ago and that cannot be seen yet is waited for, so that it is not left behind.
    ///
    /// # Errors
    /// [`crate::error::Kind::TimedOut`] when it is still there at the deadline.
    pub async fn destroy_droplet(&self, id: u64, deadline: &Deadline) -> Result<()> {
        let request = Request::delete(&["droplets", &id.to_string()]).by(deadline);
        let mut pauses = self.pauses();
        loop {
            match self.send(&request).await {
                Ok(_) => {
                    self.saw(id);
                    if self.await_gone(id, deadline).await? {
                        return Ok(());
                    }
                }
                Err(failure) if failure.class == Class::NotFound => {
                    if !self.may_be_late(id) {
                        return Ok(());
                    }
                }
                Err(failure) if matches!(failure.class, Class::Pending | Class::TryAgain) => {
                    self.await_idle(id, deadline).await?;
                }
                Err(failure) => return Err(failure.into()),
            }
            pauses.wait(deadline).await?;
        }
    }

    /// Polls until the droplet is gone; false when it seems to have been forgotten, so that it has
    /// to be asked for again.
    async fn await_gone(&self, id: u64, deadline: &Deadline) -> Result<bool> {
        /// A droplet is gone within seconds, or it has been forgotten.
        const LONG: Duration = Duration::from_secs(30);
        /// Nothing waits for it that would hurry.
        const USUAL: Duration = Duration::from_secs(15);
        let (mut pauses, end) =
            (self.pauses_expecting(USUAL, LATENESS), Deadline::after(LONG, "it to go"));
        while !end.passed() {
            if self.seen(&one(id).by(deadline), id).await?.is_none() {
                return Ok(true);
            }
            pauses.wait(deadline).await?;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn number_and_name_are_enough() {
        let bare = json!({ "id": 412, "name": "blog-1", "networks": null, "size": null,
            "image": null, "region": null, "tags": null, "volume_ids": null });
        let droplet = Droplet::decode(&Node::root(&bare)).unwrap();
        assert_eq!((droplet.id, droplet.status), (412, DropletStatus::Other));
        assert!(Droplet::decode(&Node::root(&json!({ "name": "blog-1" }))).is_err());
    }

    #[test]
    fn public_and_private_addresses_are_told_apart() {
        let answer = json!({ "id": 1, "name": "a", "status": "active", "networks": {
            "v4": [
                { "ip_address": "10.1.2.3", "gateway": "nil", "type": "private" },
                { "ip_address": "203.0.113.7", "gateway": null, "type": "public" },
            ],
            "v6": [{ "ip_address": "2001:db8::7", "type": "public" }],
        } });
        let droplet = Droplet::decode(&Node::root(&answer)).unwrap();
        assert_eq!(droplet.public_ipv4.unwrap().to_string(), "203.0.113.7");
        assert_eq!(droplet.private_ipv4.unwrap().to_string(), "10.1.2.3");
        assert_eq!(droplet.public_ipv6.unwrap().to_string(), "2001:db8::7");
    }
}
