//! Looking at droplets, and at what belongs to one.

use serde_json::{Value, json};

use super::view;
use crate::{
    clock,
    sim::{
        api::firewalls,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{Droplet, Image, Power, State},
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let (tag, name) = (call.asked("tag_name"), call.asked("name"));
    if tag.is_some() && name.is_some() {
        return Err(Refusal::bad_request("name and tag_name cannot be used together"));
    }
    let gpus = call.asked("type") == Some("gpus");
    let now = clock::now();
    let ids: Vec<u64> = call.world.change(|state| {
        let ids: Vec<u64> = state
            .droplets
            .values()
            .filter(|droplet| !gpus && droplet.unlisted_until.is_none_or(|until| until <= now))
            .filter(|droplet| name.is_none_or(|name| droplet.name.eq_ignore_ascii_case(name)))
            .filter(|droplet| {
                tag.is_none_or(|tag| droplet.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            })
            .map(|droplet| droplet.id)
            .collect();
        for id in &ids {
            look(state, *id);
        }
        ids
    });
    call.world.read(|state| {
        call.page("droplets", &ids, |id| {
            state.droplets.get(id).map_or(Value::Null, |droplet| view(state, droplet))
        })
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let id = call.id("droplet")?;
    let now = clock::now();
    call.world.change(|state| {
        let droplet = state.droplets.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if droplet.absent_polls > 0 {
            droplet.absent_polls -= 1;
            return Err(Refusal::not_found());
        }
        if droplet.absent_until.is_some_and(|until| until > now) {
            return Err(Refusal::not_found());
        }
        look(state, id);
        let droplet = state.droplets.get(&id).ok_or_else(Refusal::not_found)?;
        Ok(Reply::ok(json!({"droplet": view(state, droplet)})))
    })
}

/// Counts a look at an active droplet whose addresses a fault hides for some looks.
fn look(state: &mut State, id: u64) {
    if let Some(droplet) = state.droplets.get_mut(&id)
        && droplet.power == Power::Active
        && droplet.blind_polls > 0
    {
        droplet.blind_polls -= 1;
    }
}

/// Finds the droplet that the path names.
pub(crate) fn found<'a>(state: &'a State, call: &Call) -> Result<&'a Droplet, Refusal> {
    state.droplets.get(&call.id("droplet")?).ok_or_else(Refusal::not_found)
}

pub(crate) async fn snapshots(call: Call) -> Answer {
    images_of(&call, "snapshots", "snapshot")
}

/// Answers with the images of one kind that were made of the droplet.
pub(crate) fn images_of(call: &Call, key: &str, kind: &str) -> Answer {
    let images: Vec<Image> = call.world.read(|state| {
        let id = found(state, call)?.id;
        let of_it = |image: &&Image| image.droplet == Some(id) && image.kind == kind;
        Ok(state.images.values().filter(of_it).cloned().collect())
    })?;
    call.page(key, &images, |image| {
        json!({
            "id": image.id,
            "name": image.name,
            "created_at": iso(image.created),
            "regions": image.regions,
            "min_disk_size": image.min_disk,
            "size_gigabytes": image.size,
            "type": image.kind,
        })
    })
}

pub(crate) async fn kernels(call: Call) -> Answer {
    call.world.read(|state| found(state, &call).map(|_| ()))?;
    let kernel = json!({
        "id": 7515,
        "name": "DigitalOcean GrubLoader v0.2 (20160714)",
        "version": "2016.07.13-DigitalOcean_loader_Ubuntu",
    });
    call.page("kernels", &[kernel], Value::clone)
}

pub(crate) async fn firewalls(call: Call) -> Answer {
    let shown: Vec<Value> = call.world.read(|state| {
        let droplet = found(state, &call)?;
        let over = state.firewalls.values().filter(|firewall| {
            firewall.droplets.contains(&droplet.id)
                || firewall.tags.iter().any(|tag| droplet.tags.contains(tag))
        });
        Ok(over.map(firewalls::view).collect())
    })?;
    call.page("firewalls", &shown, Value::clone)
}

pub(crate) async fn neighbors(call: Call) -> Answer {
    call.world.read(|state| found(state, &call).map(|_| ()))?;
    // every simulated droplet has a machine of its own
    Ok(Reply::ok(json!({"droplets": []})))
}

pub(crate) async fn no_neighbors() -> Answer {
    Ok(Reply::ok(json!({"neighbor_ids": []})))
}
