//! What `droplets.yaml` says, once it has been read, merged and found good.
//!
//! Types only: reading is in `load`, judgement in `findings`. The JSON Schema comes from here.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A droplet of this app: the whole of `droplets.yaml` for one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The version of this format: 1.
    pub version: u32,
    /// The app's name: lower-case letters, digits and hyphens, at most 32.
    pub app: String,
    /// The droplet that each release stands up.
    pub droplet: Droplet,
    /// How to log in.
    #[serde(default)]
    pub ssh: Ssh,
    /// What runs on the droplet.
    #[serde(default)]
    pub stack: Stack,
    /// When the app is well.
    #[serde(default)]
    pub health: Vec<Check>,
    /// How traffic moves.
    pub cutover: Cutover,
    /// What is kept for a rollback.
    #[serde(default)]
    pub retain: Retain,
    /// Commands that run on the candidate at given moments.
    #[serde(default)]
    pub hooks: Hooks,
    /// How long each phase may take.
    #[serde(default)]
    pub limits: Limits,
}

/// The droplet that each release stands up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Droplet {
    /// A region slug, such as `nyc3`.
    pub region: String,
    /// A size slug, such as `s-1vcpu-2gb`.
    pub size: String,
    /// An image slug such as `debian-13-x64`, or a snapshot's id.
    pub image: String,
    /// The cloud-init template, relative to this file.
    pub cloud_init: String,
    /// SSH keys of the account, by name or fingerprint; root of the droplet accepts them.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// More tags for the droplet.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it gets an IPv6 address.
    #[serde(default)]
    pub ipv6: bool,
    /// Whether it gets `DigitalOcean`'s monitoring agent.
    #[serde(default)]
    pub monitoring: bool,
    /// The VPC's UUID; the region's default VPC when absent.
    #[serde(default)]
    pub vpc_uuid: Option<String>,
    /// Values for the cloud-init template, as `vars.NAME`.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// The user, `root` when absent.
    pub user: String,
    /// The private key's file; the agent's and `~/.ssh/config`'s keys when absent.
    pub identity: Option<String>,
    /// The port on the droplet.
    pub port: u16,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { user: "root".into(), identity: None, port: 22 }
    }
}

/// What runs on the droplet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stack {
    /// Files and directories to deliver, relative to this file.
    pub files: Vec<String>,
    /// The commands that start and stop the app.
    pub commands: Option<Commands>,
}

/// Shell commands that start and stop the app; they run in the delivered files' directory, and
/// template values in them are quoted for the shell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commands {
    /// Starts the app; safe to repeat; returns when it has been started.
    pub up: String,
    /// Stops the app gracefully; safe to repeat.
    #[serde(default)]
    pub down: Option<String>,
    /// Prints the app's recent log, for `remuda logs` and evidence.
    #[serde(default)]
    pub logs: Option<String>,
}

/// One way to see that the app is well; exactly one of `http`, `tcp` and `run` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A URL as visitors type it; it is asked of the candidate's own address, with this Host and SNI.
    #[serde(default)]
    pub http: Option<String>,
    /// A TCP port that must accept a connection.
    #[serde(default)]
    pub tcp: Option<u16>,
    /// A shell command on the candidate that must end with status 0.
    #[serde(default)]
    pub run: Option<String>,
    /// The expected HTTP status.
    #[serde(default = "Check::default_status")]
    pub status: u16,
    /// Headers that the answer must carry, with their values.
    #[serde(default)]
    pub header: BTreeMap<String, String>,
    /// Text that the body must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// The time by which it must be well.
    #[serde(default = "Check::default_within")]
    pub within: Span,
    /// How many times in a row it must be well.
    #[serde(default = "Check::default_consecutive")]
    pub consecutive: u32,
    /// The time that one try may take.
    #[serde(default = "Check::default_timeout")]
    pub timeout: Span,
    /// Whether a certificate that nobody known has signed is accepted (self-signed in staging).
    #[serde(default)]
    pub insecure: bool,
}

impl Check {
    /// Makes the plainest question over HTTP: status 200, within the defaults.
    pub fn http(url: String) -> Self {
        Self {
            http: Some(url),
            tcp: None,
            run: None,
            status: Self::default_status(),
            header: BTreeMap::new(),
            contains: None,
            within: Self::default_within(),
            consecutive: Self::default_consecutive(),
            timeout: Self::default_timeout(),
            insecure: false,
        }
    }
    const fn default_status() -> u16 {
        200
    }
    const fn default_within() -> Span {
        Span(Duration::from_secs(90))
    }
    const fn default_consecutive() -> u32 {
        3
    }
    const fn default_timeout() -> Span {
        Span(Duration::from_secs(5))
    }
}

/// How traffic moves to the candidate: by a reserved IP, by DNS records, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cutover {
    /// The reserved IPv4 address of the environment.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub reserved_ip: Option<Ipv4Addr>,
    /// The records that lead visitors here.
    #[serde(default)]
    pub dns: Vec<DnsName>,
    /// How long the public address is watched after the cutover.
    #[serde(default = "Cutover::default_watch")]
    pub watch: Span,
    /// The longest outage that a healthy release may show at the cutover; more goes back. A single
    /// request that fails between two that do not is none: it was cut with its connection.
    #[serde(default = "Cutover::default_max_downtime")]
    pub max_downtime: Span,
    /// What the probe asks through the public address; the first `http` health check when absent.
    #[serde(default)]
    pub probe: Option<String>,
}

impl Cutover {
    const fn default_max_downtime() -> Span {
        Span(Duration::from_secs(5))
    }
    const fn default_watch() -> Span {
        Span(Duration::from_mins(2))
    }
}

/// A name in a domain of the account; its A record (and AAAA, where the droplet has IPv6) moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsName {
    /// The domain, such as `example.com`.
    pub domain: String,
    /// The name inside it, `@` for the domain itself.
    pub name: String,
    /// The TTL in seconds of a record that does not exist yet; an existing record keeps its own.
    #[serde(default = "DnsName::default_ttl")]
    pub ttl: u32,
}

impl DnsName {
    const fn default_ttl() -> u32 {
        60
    }
    /// Returns the whole name, such as `blog.example.com`.
    pub fn fqdn(&self) -> String {
        if self.name == "@" {
            self.domain.clone()
        } else {
            format!("{}.{}", self.name, self.domain)
        }
    }
}

/// What is kept for a rollback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retain {
    /// How many earlier droplets stay.
    pub previous: u32,
    /// After this time the earlier droplets beyond the rollback target go, too.
    #[serde(rename = "for")]
    pub at_most: Span,
    /// How many failed candidates stay, for a look.
    pub quarantined: u32,
}

impl Default for Retain {
    fn default() -> Self {
        Self { previous: 1, at_most: Span(Duration::from_hours(7 * 24)), quarantined: 1 }
    }
}

/// Shell commands that run on the candidate at given moments; a failing one fails the release,
/// except in `after_cutover` and `on_failure`, where it warns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Before the app starts: migrations.
    pub before_start: Vec<String>,
    /// After the app has been started, before health.
    pub after_start: Vec<String>,
    /// After health, before traffic moves.
    pub before_cutover: Vec<String>,
    /// After traffic has moved.
    pub after_cutover: Vec<String>,
    /// After a failure, before the candidate is quarantined.
    pub on_failure: Vec<String>,
}

/// How long each phase may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// From the create request to an active droplet with a public address.
    pub create: Span,
    /// From the address to the first login.
    pub boot: Span,
    /// From the first login to cloud-init's end.
    pub provision: Span,
    /// One command: `up`, `down`, a hook.
    pub command: Span,
    /// Moving the reserved IP.
    pub cutover: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            create: Span(Duration::from_mins(5)),
            boot: Span(Duration::from_mins(3)),
            provision: Span(Duration::from_mins(15)),
            command: Span(Duration::from_mins(10)),
            cutover: Span(Duration::from_mins(2)),
        }
    }
}

/// A length of time, written `30s`, `10m`, `1h30m` or `7d`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) {
            serializer.collect_str(&format_args!("{}s", millis / 1000))
        } else {
            serializer.collect_str(&format_args!("{millis}ms"))
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::size::parse_duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "30s, 10m, 1h30m or 7d",
            "pattern": "^([0-9]+(ms|s|m|h|d))+$"
        })
    }
}
