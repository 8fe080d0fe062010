//! Everything the account holds, as it is kept on disk: plain data, and the numbers handed out.
//!
//! Knows nothing of HTTP, of time passing, or of hosts; nothing here waits.

mod action;
mod records;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, Ipv6Addr},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use action::{Action, Status, Work};
pub(crate) use records::{
    Assignment, Domain, DomainRecord, Droplet, Firewall, Image, Key, Power, Project, Reserved,
    Reserved6, Tag, Volume, VolumeSnapshot, Vpc,
};
pub(crate) use store::{Store, write_beside};

/// The version of the file; a file of another version is refused, never guessed at.
pub(crate) const VERSION: u32 = 1;

/// How many actions are remembered; older finished ones are forgotten.
const ACTIONS: usize = 5000;

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// [`VERSION`] when it was written.
    pub(crate) version: u32,
    /// The first address of this simulator's own block of loopback addresses.
    pub(crate) block: Ipv4Addr,
    /// The account's uuid.
    pub(crate) account: String,
    next_id: u64,
    next_host: u32,
    /// SSH keys by id.
    pub(crate) keys: BTreeMap<u64, Key>,
    /// Private images (snapshots of droplets, custom images) by id.
    pub(crate) images: BTreeMap<u64, Image>,
    /// Droplets by id.
    pub(crate) droplets: BTreeMap<u64, Droplet>,
    /// Actions by id.
    pub(crate) actions: BTreeMap<u64, Action>,
    /// The actions that are not done yet.
    open: BTreeSet<u64>,
    /// Reserved IPv4 addresses.
    pub(crate) reserved: BTreeMap<Ipv4Addr, Reserved>,
    /// Reserved IPv6 addresses.
    pub(crate) reserved6: BTreeMap<Ipv6Addr, Reserved6>,
    /// Domains by name.
    pub(crate) domains: BTreeMap<String, Domain>,
    /// Volumes by uuid.
    pub(crate) volumes: BTreeMap<String, Volume>,
    /// Snapshots of volumes by uuid.
    pub(crate) volume_snapshots: BTreeMap<String, VolumeSnapshot>,
    /// Tags by their lower-case name.
    pub(crate) tags: BTreeMap<String, Tag>,
    /// Firewalls by uuid.
    pub(crate) firewalls: BTreeMap<String, Firewall>,
    /// Projects by uuid.
    pub(crate) projects: BTreeMap<String, Project>,
    /// What was put into a project by hand, by URN; all else is in the default project.
    pub(crate) assigned: BTreeMap<String, Assignment>,
    /// Private networks by uuid.
    pub(crate) vpcs: BTreeMap<String, Vpc>,
}

/// How many addresses a block has.
pub(crate) const BLOCK: u32 = 4096;

impl State {
    /// Makes an empty account whose addresses come from `block`.
    pub(crate) fn new(block: Ipv4Addr) -> Self {
        let mut state = Self {
            version: VERSION,
            block,
            account: uuid(),
            next_id: 400_000_000 + rand::random_range(0..100_000_000),
            next_host: 0,
            keys: BTreeMap::new(),
            images: BTreeMap::new(),
            droplets: BTreeMap::new(),
            actions: BTreeMap::new(),
            open: BTreeSet::new(),
            reserved: BTreeMap::new(),
            reserved6: BTreeMap::new(),
            domains: BTreeMap::new(),
            volumes: BTreeMap::new(),
            volume_snapshots: BTreeMap::new(),
            tags: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            projects: BTreeMap::new(),
            assigned: BTreeMap::new(),
            vpcs: BTreeMap::new(),
        };
        let project = Project::first();
        state.projects.insert(project.id.clone(), project);
        for (index, region) in super::catalog::regions().iter().enumerate() {
            let vpc = Vpc::default_of(region.slug, index);
            state.vpcs.insert(vpc.id.clone(), vpc);
        }
        state
    }

    /// Hands out the next number; droplets, actions, images, keys and records share one series.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Hands out a public address that nothing uses, or nothing when the block is full.
    pub(crate) fn address(&mut self) -> Option<Ipv4Addr> {
        // the first address is the claim on the block, the second its gateway, the last a broadcast
        for _ in 0..BLOCK {
            self.next_host = (self.next_host + 1).max(2) % (BLOCK - 1);
            if self.next_host < 2 {
                continue;
            }
            let address = Ipv4Addr::from(u32::from(self.block).wrapping_add(self.next_host));
            let taken = self.reserved.contains_key(&address)
                || self.droplets.values().any(|droplet| droplet.public_ip == address);
            if !taken {
                return Some(address);
            }
        }
        None
    }

    /// Hands out a private address in the network `vpc`.
    pub(crate) fn private_address(&self, vpc: &str) -> Ipv4Addr {
        let base = self.vpcs.get(vpc).map_or(0x0a00_0000, Vpc::base);
        let used: BTreeSet<Ipv4Addr> =
            self.droplets.values().filter_map(|droplet| droplet.private_ip).collect();
        (2..0xffff_u32)
            .map(|host| Ipv4Addr::from(base.wrapping_add(host)))
            .find(|address| !used.contains(address))
            .unwrap_or(Ipv4Addr::from(base))
    }

    /// Returns the private network that a region's droplets are born into.
    pub(crate) fn default_vpc(&self, region: &str) -> Option<&Vpc> {
        self.vpcs.values().find(|vpc| vpc.default && vpc.region == region)
    }

    /// Returns the project into which everything goes that is not put elsewhere.
    pub(crate) fn default_project(&self) -> String {
        self.projects
            .values()
            .find(|project| project.is_default)
            .map(|project| project.id.clone())
            .unwrap_or_default()
    }

    /// Returns the project that holds `urn`.
    pub(crate) fn project_of(&self, urn: &str) -> String {
        self.assigned
            .get(urn)
            .map_or_else(|| self.default_project(), |assignment| assignment.project.clone())
    }

    /// Returns the actions that are not done yet.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Action> {
        self.open.iter().filter_map(|id| self.actions.get(id))
    }

    /// Returns the action that keeps a droplet from another one, if there is one.
    pub(crate) fn pending(&self, droplet: u64) -> Option<u64> {
        self.open().find(|action| action.droplet == Some(droplet)).map(|action| action.id)
    }

    /// Ends an action.
    pub(crate) fn close(&mut self, id: u64, status: Status, at: Timestamp) {
        self.open.remove(&id);
        if let Some(action) = self.actions.get_mut(&id) {
            action.status = status;
            action.completed = Some(at);
        }
    }

    /// Remembers an action, and forgets the oldest finished ones beyond the bound.
    pub(crate) fn remember(&mut self, action: Action) {
        self.open.insert(action.id);
        self.actions.insert(action.id, action);
        while self.actions.len() > ACTIONS {
            let Some(oldest) = self
                .actions
                .iter()
                .find(|(_, action)| action.status != Status::InProgress)
                .map(|(id, _)| *id)
            else {
                break;
            };
            self.actions.remove(&oldest);
        }
    }

    /// Makes sure that a tag exists, and returns its name as it was first spelled.
    pub(crate) fn tag(&mut self, name: &str) -> String {
        self.tags
            .entry(name.to_lowercase())
            .or_insert_with(|| Tag { name: name.to_owned(), last: BTreeMap::new() })
            .name
            .clone()
    }

    /// Returns a volume's id by its name in a region.
    pub(crate) fn volume_named(&self, name: &str, region: &str) -> Option<String> {
        self.volumes
            .values()
            .find(|volume| volume.name == name && volume.region == region)
            .map(|volume| volume.id.clone())
    }
}

/// Makes a random identifier in the form of a version 4 UUID.
pub(crate) fn uuid() -> String {
    let value: u128 = rand::random();
    let value = (value & !(0xf << 76) & !(0x3 << 62)) | (4 << 76) | (2 << 62);
    let hex = format!("{value:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    parts.map(|(from, to)| hex.get(from..to).unwrap_or_default().to_owned()).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_four() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(uuid(), id);
    }

    #[test]
    fn addresses_come_from_the_block_and_differ() {
        let mut state = State::new(Ipv4Addr::new(127, 9, 16, 0));
        let mut seen = BTreeSet::new();
        for _ in 0..600 {
            let address = state.address().unwrap();
            assert_eq!(address.octets()[..2], [127, 9]);
            assert_ne!(address, state.block);
            assert!(seen.insert(address));
            state.reserved.insert(address, Reserved::new("nyc3"));
        }
    }

    #[test]
    fn a_full_block_hands_out_nothing() {
        let mut state = State::new(Ipv4Addr::new(127, 9, 16, 0));
        while let Some(address) = state.address() {
            state.reserved.insert(address, Reserved::new("nyc3"));
            assert!(state.reserved.len() < BLOCK as usize);
        }
        assert_eq!(state.reserved.len(), BLOCK as usize - 3);
    }

    #[test]
    fn a_tag_keeps_its_first_spelling() {
        let mut state = State::new(Ipv4Addr::new(127, 9, 16, 0));
        assert_eq!(state.tag("Web"), "Web");
        assert_eq!(state.tag("web"), "Web");
    }
}
