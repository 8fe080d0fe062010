//! What the account holds: one plain record per kind of resource.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock;

/// An SSH key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// The MD5 of the key's blob, in pairs of hex digits.
    pub(crate) fingerprint: String,
    /// As it was sent, in OpenSSH form.
    pub(crate) line: String,
}

/// A private image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// `snapshot`, `backup` or `custom`.
    pub(crate) kind: String,
    pub(crate) distribution: String,
    pub(crate) description: String,
    pub(crate) regions: Vec<String>,
    pub(crate) created: Timestamp,
    /// GiB.
    pub(crate) min_disk: u64,
    /// GiB.
    pub(crate) size: f64,
    pub(crate) tags: Vec<String>,
    /// The droplet it was made of.
    pub(crate) droplet: Option<u64>,
    /// Whether it can be used yet.
    pub(crate) ready: bool,
}

/// Whether a droplet runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Power {
    /// Being created.
    New,
    /// Running.
    Active,
    /// Stopped.
    Off,
}

impl Power {
    /// Returns the word the API uses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Off => "off",
        }
    }
}

/// A droplet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Droplet {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) size: String,
    /// GiB; grows when it is resized with its disk.
    pub(crate) disk: u64,
    /// A slug, or the number of an image.
    pub(crate) image: String,
    pub(crate) power: Power,
    /// Whether the host was made.
    pub(crate) born: bool,
    pub(crate) created: Timestamp,
    /// From when on the API shows its addresses.
    pub(crate) visible: Timestamp,
    /// How long the host is made after the droplet is called active, milliseconds.
    pub(crate) boot_ms: u64,
    /// How often it is still shown without addresses.
    pub(crate) blind_polls: u64,
    /// How often it is still not found.
    pub(crate) absent_polls: u64,
    /// Until when it is not found.
    pub(crate) absent_until: Option<Timestamp>,
    /// Until when lists lack it.
    pub(crate) unlisted_until: Option<Timestamp>,
    pub(crate) public_ip: Ipv4Addr,
    /// False when it was asked for without a public network.
    pub(crate) public: bool,
    pub(crate) private_ip: Option<Ipv4Addr>,
    pub(crate) ipv6: Option<Ipv6Addr>,
    pub(crate) vpc: String,
    pub(crate) tags: Vec<String>,
    pub(crate) features: Vec<String>,
    /// The policy as it was sent.
    pub(crate) backup_policy: Option<Value>,
    /// Public keys in OpenSSH form.
    pub(crate) ssh_keys: Vec<String>,
    pub(crate) user_data: String,
}

/// A reserved IPv4 address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reserved {
    pub(crate) region: String,
    pub(crate) droplet: Option<u64>,
    pub(crate) created: Timestamp,
}

impl Reserved {
    /// Makes one that points nowhere.
    pub(crate) fn new(region: &str) -> Self {
        Self { region: region.to_owned(), droplet: None, created: clock::now() }
    }
}

/// A reserved IPv6 address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reserved6 {
    pub(crate) region: String,
    pub(crate) droplet: Option<u64>,
    pub(crate) created: Timestamp,
}

/// A domain and its records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Domain {
    pub(crate) ttl: u32,
    pub(crate) records: BTreeMap<u64, DomainRecord>,
}

/// One record of a domain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DomainRecord {
    pub(crate) kind: String,
    /// Relative to the domain, `@` for the domain itself.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) priority: Option<u16>,
    pub(crate) port: Option<u16>,
    pub(crate) ttl: u32,
    pub(crate) weight: Option<u16>,
    pub(crate) flags: Option<u8>,
    pub(crate) tag: Option<String>,
}

/// A block volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) region: String,
    /// GiB.
    pub(crate) size: u64,
    pub(crate) description: String,
    pub(crate) filesystem_type: String,
    pub(crate) filesystem_label: String,
    pub(crate) tags: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) droplet: Option<u64>,
}

/// A snapshot of a volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VolumeSnapshot {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) volume: String,
    pub(crate) region: String,
    /// GiB.
    pub(crate) size: u64,
    pub(crate) tags: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) filesystem_type: String,
    pub(crate) filesystem_label: String,
}

/// A tag.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tag {
    /// As it was first spelled.
    pub(crate) name: String,
    /// The path of what was tagged last, by kind.
    pub(crate) last: BTreeMap<String, String>,
}

/// A cloud firewall.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Firewall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// When its latest change has reached the droplets.
    pub(crate) settled: Timestamp,
    pub(crate) inbound: Vec<Value>,
    pub(crate) outbound: Vec<Value>,
    pub(crate) droplets: Vec<u64>,
    pub(crate) tags: Vec<String>,
}

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) purpose: String,
    pub(crate) environment: String,
    pub(crate) is_default: bool,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Project {
    /// Makes the project that every account has.
    pub(crate) fn first() -> Self {
        let now = clock::now();
        Self {
            id: super::uuid(),
            name: "first-project".into(),
            description: "Update your project information under Settings".into(),
            purpose: "Just trying out DigitalOcean".into(),
            environment: "Development".into(),
            is_default: true,
            created: now,
            updated: now,
        }
    }
}

/// What was put into a project by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) project: String,
    pub(crate) at: Timestamp,
}

/// A private network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) region: String,
    pub(crate) ip_range: String,
    pub(crate) default: bool,
    pub(crate) created: Timestamp,
}

impl Vpc {
    /// Makes the network that a region's droplets are born into.
    pub(crate) fn default_of(region: &str, index: usize) -> Self {
        Self {
            id: super::uuid(),
            name: format!("default-{region}"),
            description: String::new(),
            region: region.to_owned(),
            ip_range: format!("10.{}.0.0/20", 100 + index % 100),
            default: true,
            created: clock::now(),
        }
    }

    /// Returns its first address as a number.
    pub(crate) fn base(&self) -> u32 {
        self.ip_range
            .split('/')
            .next()
            .and_then(|address| address.parse::<Ipv4Addr>().ok())
            .map_or(0x0a00_0000, u32::from)
    }
}
