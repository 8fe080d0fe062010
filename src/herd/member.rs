//! One droplet of a herd: what its tags say, and the role that follows from them.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;

use super::names::{Mark, Scope, Version};
use crate::cloud::{Droplet, DropletStatus};

/// A droplet of this app and environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The droplet's id.
    pub id: u64,
    /// The droplet's name.
    pub name: String,
    /// The version that it runs; `None` when somebody removed the tag.
    pub version: Option<Version>,
    /// The number of the cutover that brought it live last; `None` when none did.
    pub generation: Option<u64>,
    /// The injected host key's hex, while it has not been replaced.
    pub born_key: Option<String>,
    /// The pinned host key's hex.
    pub pinned_key: Option<String>,
    /// The digest of the spec that it was created from.
    pub spec: Option<String>,
    /// Since when it is quarantined, as a Unix second.
    pub quarantined: Option<i64>,
    /// When a rollback left it, as a Unix second.
    pub left: Option<i64>,
    /// Whether it is running, off, or being made.
    pub status: DropletStatus,
    /// Its public IPv4 address, once it has one.
    pub ipv4: Option<Ipv4Addr>,
    /// Its public IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Dollars a month.
    pub price_monthly: Option<f64>,
    /// All its tags.
    pub tags: Vec<String>,
}

/// What a droplet is to its herd; derived on every read, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes the traffic.
    Live,
    /// It is where `rollback` goes.
    Previous,
    /// It was live once; kept for a while.
    Retired,
    /// It has never been live: being prepared, or left over from a run that died.
    Candidate,
    /// It failed and is kept for a look.
    Quarantined,
}

impl Role {
    /// Returns the word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Previous => "previous",
            Self::Retired => "retired",
            Self::Candidate => "candidate",
            Self::Quarantined => "quarantined",
        }
    }
}

impl Member {
    /// Reads a droplet; `None` when it does not carry the herd's tag.
    ///
    /// Tags are compared without regard to case, as DigitalOcean does.
    pub fn read(scope: &Scope, droplet: &Droplet) -> Option<Self> {
        let ours = scope.tag();
        if !droplet.tags.iter().any(|tag| tag.eq_ignore_ascii_case(&ours)) {
            return None;
        }
        let mut member = Self {
            id: droplet.id,
            name: droplet.name.clone(),
            version: None,
            generation: None,
            born_key: None,
            pinned_key: None,
            spec: None,
            quarantined: None,
            left: None,
            status: droplet.status,
            ipv4: droplet.public_ipv4,
            ipv6: droplet.public_ipv6,
            created_at: droplet.created_at,
            price_monthly: droplet.price_monthly,
            tags: droplet.tags.clone(),
        };
        for mark in droplet.tags.iter().filter_map(|tag| Mark::parse(tag)) {
            match mark {
                Mark::Version(version) => member.version = Some(version),
                // a promotion that was cut short leaves two: the later cutover counts
                Mark::Generation(number) => {
                    member.generation = member.generation.max(Some(number));
                }
                Mark::BornKey(hex) => member.born_key = Some(hex),
                Mark::PinnedKey(hex) => member.pinned_key = Some(hex),
                Mark::Spec(digest) => member.spec = Some(digest),
                Mark::Quarantined(since) => member.quarantined = Some(since),
                Mark::Left(at) => member.left = Some(at),
            }
        }
        Some(member)
    }

    /// Returns the tags that go when the droplet goes, because no other carries them.
    pub fn unique_tags(&self) -> Vec<String> {
        let unique = |tag: &&String| Mark::parse(tag).is_some_and(|mark| mark.is_unique());
        self.tags.iter().filter(unique).cloned().collect()
    }

    /// Returns the version for people, `?` when its tag is gone.
    pub fn version_text(&self) -> &str {
        self.version.as_ref().map_or("?", Version::as_str)
    }
}
