//! What actions change in the account, when hosts and addresses have followed.

use std::{net::Ipv4Addr, time::Duration};

use crate::{
    clock,
    sim::{
        catalog,
        state::{Droplet, Image, Power, State, Work},
    },
};

/// What is left to do when the account has changed.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    /// Addresses that no longer exist.
    pub(super) released: Vec<Ipv4Addr>,
    /// Addresses that lead nowhere now.
    pub(super) unassigned: Vec<Ipv4Addr>,
    /// A droplet whose host is to be destroyed.
    pub(super) destroyed: Option<u64>,
    /// A droplet whose host is to be made later.
    pub(super) boots: Option<(u64, Duration)>,
}

pub(super) fn power(state: &mut State, id: u64, power: Power) {
    if let Some(droplet) = state.droplets.get_mut(&id) {
        droplet.power = power;
    }
}

pub(super) fn apply(state: &mut State, id: u64, work: &Work) {
    match work {
        Work::Assign { ip } => {
            if let Some(entry) = state.reserved.get_mut(ip) {
                entry.droplet = Some(id);
            }
        }
        Work::Unassign { ip } => {
            if let Some(entry) = state.reserved.get_mut(ip) {
                entry.droplet = None;
            }
        }
        Work::Assign6 { ip } => {
            if let Some(entry) = state.reserved6.get_mut(ip) {
                entry.droplet = Some(id);
            }
        }
        Work::Unassign6 { ip } => {
            if let Some(entry) = state.reserved6.get_mut(ip) {
                entry.droplet = None;
            }
        }
        Work::Attach { volume } => {
            if let Some(volume) = state.volumes.get_mut(volume) {
                volume.droplet = Some(id);
            }
        }
        Work::Detach { volume } => {
            if let Some(volume) = state.volumes.get_mut(volume) {
                volume.droplet = None;
            }
        }
        Work::Grow { volume, size } => {
            if let Some(volume) = state.volumes.get_mut(volume) {
                volume.size = *size;
            }
        }
        work => {
            if let Some(droplet) = state.droplets.get_mut(&id) {
                alter(droplet, work);
            }
        }
    }
}

fn alter(droplet: &mut Droplet, work: &Work) {
    let feature = |features: &mut Vec<String>, name: &str, on: bool| {
        features.retain(|feature| feature != name);
        if on {
            features.push(name.to_owned());
        }
    };
    match work {
        Work::Rename { name } => droplet.name.clone_from(name),
        Work::Resize { size, disk } => {
            droplet.size.clone_from(size);
            if *disk {
                droplet.disk = catalog::size(size).map_or(droplet.disk, |size| size.disk);
            }
        }
        Work::Rebuild { image } => {
            droplet.image.clone_from(image);
            droplet.power = Power::Active;
            droplet.born = true;
        }
        Work::EnableIpv6 => {
            droplet.ipv6 = droplet.ipv6.or(Some(super::claim::ipv6(droplet.id)));
            feature(&mut droplet.features, "ipv6", true);
        }
        Work::Backups { on } => feature(&mut droplet.features, "backups", *on),
        _ => {}
    }
}

pub(super) fn keep_snapshot(state: &mut State, id: u64, image: u64, name: &str) {
    let Some(droplet) = state.droplets.get(&id) else { return };
    let distribution = catalog::image_by_slug(&droplet.image)
        .map_or_else(|| "Debian".to_owned(), |image| image.distribution.to_owned());
    let snapshot = Image {
        id: image,
        name: name.to_owned(),
        kind: "snapshot".into(),
        distribution,
        description: String::new(),
        regions: vec![droplet.region.clone()],
        created: clock::now(),
        min_disk: droplet.disk,
        size: 2.34,
        tags: Vec::new(),
        droplet: Some(id),
        ready: true,
    };
    state.images.insert(image, snapshot);
}

/// Takes a droplet out of the account, and from everything that names it.
pub(super) fn remove(state: &mut State, id: u64) -> Aftermath {
    let Some(droplet) = state.droplets.remove(&id) else { return Aftermath::default() };
    let mut aftermath =
        Aftermath { destroyed: Some(id), released: vec![droplet.public_ip], ..Default::default() };
    for (ip, entry) in &mut state.reserved {
        if entry.droplet == Some(id) {
            entry.droplet = None;
            aftermath.unassigned.push(*ip);
        }
    }
    for entry in state.reserved6.values_mut().filter(|entry| entry.droplet == Some(id)) {
        entry.droplet = None;
    }
    for volume in state.volumes.values_mut().filter(|volume| volume.droplet == Some(id)) {
        volume.droplet = None;
    }
    for firewall in state.firewalls.values_mut() {
        firewall.droplets.retain(|droplet| *droplet != id);
    }
    state.assigned.remove(&format!("do:droplet:{id}"));
    aftermath
}
