//! `/v2/snapshots`: of droplets and of volumes, side by side; and making one of a volume.

use serde_json::{Value, json};

use crate::{
    clock,
    sim::{
        api::tags,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{Image, VolumeSnapshot, uuid},
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let kind = call.asked("resource_type");
    let shown: Vec<Value> = call.world.read(|state| {
        let mut shown = Vec::new();
        if kind != Some("volume") {
            shown.extend(state.images.values().filter(|image| of_droplet(image)).map(view_image));
        }
        if kind != Some("droplet") {
            shown.extend(state.volume_snapshots.values().map(view));
        }
        shown
    });
    call.page("snapshots", &shown, Value::clone)
}

pub(crate) async fn show(call: Call) -> Answer {
    let which = call.part("snapshot");
    let shown = call.world.read(|state| {
        let image = which.parse().ok().and_then(|id: u64| state.images.get(&id));
        match image {
            Some(image) => Some(view_image(image)),
            None => state.volume_snapshots.get(which).map(view),
        }
    });
    Ok(Reply::ok(json!({"snapshot": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let which = call.part("snapshot");
    let image = call.world.change(|state| {
        if let Ok(id) = which.parse::<u64>() {
            return state.images.remove(&id).map(|_| Some(id)).ok_or_else(Refusal::not_found);
        }
        state.volume_snapshots.remove(which).map(|_| None).ok_or_else(Refusal::not_found)
    })?;
    if let Some(id) = image {
        forget(&call, id).await;
    }
    Ok(Reply::gone())
}

/// Destroys the copy of a disk that an image was; it is kept beside the hosts.
pub(crate) async fn forget(call: &Call, image: u64) {
    if let Err(error) = call.world.hosts.delete_snapshot(image).await {
        call.world.report(&format!("cannot destroy the disk of image {image}: {error}"));
    }
}

pub(crate) async fn of_volume(call: Call) -> Answer {
    let volume = call.part("volume");
    let shown: Vec<Value> = call.world.read(|state| {
        if !state.volumes.contains_key(volume) {
            return Err(Refusal::not_found());
        }
        let of_it = state.volume_snapshots.values().filter(|snapshot| snapshot.volume == volume);
        Ok(of_it.map(view).collect())
    })?;
    call.page("snapshots", &shown, Value::clone)
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    let tags = tags::checked(call.body.texts("tags"))?;
    call.world.change(|state| {
        let volume = state.volumes.get(call.part("volume")).ok_or_else(Refusal::not_found)?.clone();
        let id = uuid();
        let snapshot = VolumeSnapshot {
            id: id.clone(),
            name,
            volume: volume.id,
            region: volume.region,
            size: volume.size,
            tags: tags.iter().map(|tag| state.tag(tag)).collect(),
            created: clock::now(),
            filesystem_type: volume.filesystem_type,
            filesystem_label: volume.filesystem_label,
        };
        let shown = view(&snapshot);
        state.volume_snapshots.insert(id, snapshot);
        Ok(Reply::created(json!({"snapshot": shown})))
    })
}

fn of_droplet(image: &Image) -> bool {
    image.droplet.is_some()
}

fn view_image(image: &Image) -> Value {
    json!({
        "id": image.id.to_string(),
        "name": image.name,
        "created_at": iso(image.created),
        "regions": image.regions,
        "resource_id": image.droplet.unwrap_or_default().to_string(),
        "resource_type": "droplet",
        "min_disk_size": image.min_disk,
        "size_gigabytes": image.size,
        "tags": image.tags,
    })
}

fn view(snapshot: &VolumeSnapshot) -> Value {
    json!({
        "id": snapshot.id,
        "name": snapshot.name,
        "created_at": iso(snapshot.created),
        "regions": [snapshot.region],
        "resource_id": snapshot.volume,
        "resource_type": "volume",
        "min_disk_size": snapshot.size,
        "size_gigabytes": 0.1,
        "tags": snapshot.tags,
    })
}
