//! The DigitalOcean API, as much of it as remuda uses: a client and one file per resource.
//!
//! What is promised here, and nowhere else in the crate has to be thought about again:
//!
//! - The token goes to the configured origin and to nobody else: redirects are refused, the next
//!   page is asked for by path and query only, and no message or log contains the token.
//! - A POST whose fate is unknown is never sent again blindly. Every creation has a natural key
//!   (a name, an address, a fingerprint) by which its result is looked for first.
//! - An action is believed only when the resource shows its effect.
//! - An answer may lack every field that remuda does not need. Whatever arrives, nothing panics.
//!
//! ```text
//! one file per resource   says what is asked, and when it is true
//! drive, create_once      how a change of state, or a creation, survives a lost answer
//! client                  retries, in its turn (rate), what may be retried (failure)
//! wire                    one request, one answer
//! ```

mod account;
mod actions;
mod await_active;
mod client;
mod create_droplet;
mod create_once;
mod decode;
mod dns;
mod drive;
mod droplet_actions;
mod droplets;
mod failure;
mod firewalls;
mod fresh;
mod fuzz;
mod images;
mod options;
mod origin;
mod paging;
mod pauses;
mod projects;
mod rate;
mod regions;
mod request;
mod reserved_ip;
mod reserved_ipv6;
mod retry;
mod said;
mod scopes;
mod sizes;
mod snapshots;
mod ssh_keys;
mod tags;
mod token;
mod volumes;
mod vpcs;
mod wire;

pub use account::Account;
pub use actions::{Action, ActionStatus};
pub use client::Client;
pub use create_droplet::{Created, NewDroplet};
pub use dns::{Domain, NewRecord, Record, RecordChange};
pub use droplets::{Droplet, DropletStatus};
pub use failure::{Class, Failure, class_of};
pub use firewalls::{CreateFirewall, Firewall, FirewallRule, NewFirewall};
#[doc(hidden)]
pub use fuzz::decode_fuzz;
pub use images::Image;
pub use options::{Call, OnCall, Options};
pub use projects::Project;
pub use rate::Rate;
pub use regions::Region;
pub use reserved_ip::ReservedIp;
pub use reserved_ipv6::ReservedIpv6;
pub use sizes::Size;
pub use snapshots::Snapshot;
pub use ssh_keys::SshKey;
pub use tags::{Tag, Target};
pub use volumes::{NewVolume, Volume};
pub use vpcs::Vpc;
