//! How a droplet is shown.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::{
    clock,
    sim::{
        api::images,
        catalog,
        http::iso,
        state::{Droplet, State},
    },
};

/// Shows a droplet as it is at this moment.
pub(crate) fn view(state: &State, droplet: &Droplet) -> Value {
    let size = catalog::size(&droplet.size);
    let backups = of_kind(state, droplet.id, "backup");
    let snapshots = of_kind(state, droplet.id, "snapshot");
    let volumes: Vec<&str> = state
        .volumes
        .values()
        .filter(|volume| volume.droplet == Some(droplet.id))
        .map(|volume| volume.id.as_str())
        .collect();
    json!({
        "id": droplet.id,
        "name": droplet.name,
        "memory": size.map_or(0, |size| size.memory),
        "vcpus": size.map_or(0, |size| size.vcpus),
        "disk": droplet.disk,
        "disk_info": [{"type": "local", "size": {"amount": droplet.disk, "unit": "gib"}}],
        "locked": state.pending(droplet.id).is_some() && droplet.born,
        "status": droplet.power.word(),
        "kernel": null,
        "created_at": iso(droplet.created),
        "features": droplet.features,
        "backup_ids": backups,
        "next_backup_window": null,
        "snapshot_ids": snapshots,
        "image": image(state, &droplet.image),
        "volume_ids": volumes,
        "size": size.map(catalog::Size::show),
        "size_slug": droplet.size,
        "networks": networks(droplet),
        "region": catalog::region(&droplet.region).map(catalog::Region::show),
        "tags": droplet.tags,
        "vpc_uuid": droplet.vpc,
    })
}

fn of_kind(state: &State, droplet: u64, kind: &str) -> Vec<u64> {
    state
        .images
        .values()
        .filter(|image| image.droplet == Some(droplet) && image.kind == kind)
        .map(|image| image.id)
        .collect()
}

fn image(state: &State, which: &str) -> Value {
    if let Some(public) = catalog::image_by_slug(which) {
        return public.show();
    }
    which.parse().ok().and_then(|id| state.images.get(&id)).map_or_else(
        // the snapshot it was made of is no more
        || {
            json!({"id": which.parse().unwrap_or(0_u64), "name": "deleted", "slug": null,
            "distribution": "Unknown", "public": false, "regions": [], "type": "snapshot",
            "created_at": "1970-01-01T00:00:00Z", "min_disk_size": 10, "size_gigabytes": 0,
            "description": "", "tags": [], "status": "deleted", "error_message": ""})
        },
        images::view,
    )
}

/// Shows the networks; empty while the addresses are not known yet.
fn networks(droplet: &Droplet) -> Value {
    if droplet.visible > clock::now() || droplet.blind_polls > 0 {
        return json!({"v4": [], "v6": []});
    }
    let mut v4 = Vec::new();
    if droplet.public {
        v4.push(json!({
            "ip_address": droplet.public_ip,
            "netmask": "255.255.240.0",
            "gateway": gateway(droplet.public_ip),
            "type": "public",
        }));
    }
    if let Some(private) = droplet.private_ip {
        v4.push(json!({
            "ip_address": private,
            "netmask": "255.255.240.0",
            "gateway": gateway(private),
            "type": "private",
        }));
    }
    let v6: Vec<Value> = droplet
        .ipv6
        .iter()
        .map(|address| {
            json!({
                "ip_address": address,
                "netmask": 64,
                "gateway": "2001:db8:a1b::1",
                "type": "public",
            })
        })
        .collect();
    json!({"v4": v4, "v6": v6})
}

fn gateway(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(address) & 0xffff_f000) | 1)
}
