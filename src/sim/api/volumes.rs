//! `/v2/volumes`: block storage, as the account sees it.

use serde_json::{Value, json};

use crate::{
    clock,
    sim::{
        api::tags,
        catalog,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{State, Volume, uuid},
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let (name, region) = (call.asked("name"), call.asked("region"));
    let volumes: Vec<Volume> = call.world.read(|state| {
        let meant = state.volumes.values().filter(|volume| {
            name.is_none_or(|name| volume.name == name)
                && region.is_none_or(|region| volume.region == region)
        });
        meant.cloned().collect()
    });
    call.page("volumes", &volumes, view)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = &call.body;
    let name = body.need("name")?;
    if !valid(&name) {
        return Err(Refusal::unprocessable(
            "name must be lowercase and alphanumeric, with dashes, and start with a letter",
        ));
    }
    let tags = tags::checked(body.texts("tags"))?;
    call.world.change(|state| {
        let source = body.text("snapshot_id");
        let source = match &source {
            None => None,
            Some(id) => {
                let snapshot = state.volume_snapshots.get(id);
                Some(snapshot.ok_or_else(|| Refusal::unprocessable("invalid snapshot_id"))?.clone())
            }
        };
        let region = body
            .text("region")
            .or_else(|| source.as_ref().map(|snapshot| snapshot.region.clone()))
            .ok_or_else(|| Refusal::unprocessable("region is required"))?;
        catalog::region(&region).ok_or_else(|| Refusal::unprocessable("invalid region"))?;
        let size = body.number("size_gigabytes").or(source.as_ref().map(|source| source.size));
        let size = size
            .filter(|size| (1..=16_384).contains(size))
            .ok_or_else(|| Refusal::unprocessable("size_gigabytes must be between 1 and 16384"))?;
        if source.as_ref().is_some_and(|source| size < source.size) {
            return Err(Refusal::unprocessable("size_gigabytes is smaller than the snapshot"));
        }
        if state.volume_named(&name, &region).is_some() {
            return Err(Refusal::conflict("a volume with that name already exists"));
        }
        let text = |key: &str, of: Option<String>| body.text(key).or(of).unwrap_or_default();
        let own = |pick: fn(&crate::sim::state::VolumeSnapshot) -> &String| {
            source.as_ref().map(|source| pick(source).clone())
        };
        let id = uuid();
        let volume = Volume {
            id: id.clone(),
            name,
            region,
            size,
            description: text("description", None),
            filesystem_type: text("filesystem_type", own(|source| &source.filesystem_type)),
            filesystem_label: text("filesystem_label", own(|source| &source.filesystem_label)),
            tags: tags.iter().map(|tag| state.tag(tag)).collect(),
            created: clock::now(),
            droplet: None,
        };
        for tag in &volume.tags {
            tags::touch(state, tag, "volumes", &format!("/v2/volumes/{id}"));
        }
        let shown = view(&volume);
        state.volumes.insert(id, volume);
        Ok(Reply::created(json!({"volume": shown})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let shown = call.world.read(|state| state.volumes.get(call.part("volume")).map(view));
    Ok(Reply::ok(json!({"volume": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| remove(state, call.part("volume")))
}

pub(crate) async fn delete_named(call: Call) -> Answer {
    let (Some(name), Some(region)) = (call.asked("name"), call.asked("region")) else {
        return Err(Refusal::unprocessable("name and region are required"));
    };
    call.world.change(|state| {
        let id = state.volume_named(name, region).ok_or_else(Refusal::not_found)?;
        remove(state, &id)
    })
}

fn remove(state: &mut State, id: &str) -> Answer {
    let volume = state.volumes.get(id).ok_or_else(Refusal::not_found)?;
    if volume.droplet.is_some() {
        return Err(Refusal::conflict("cannot delete volume while it is attached to a Droplet"));
    }
    state.volumes.remove(id);
    state.assigned.remove(&format!("do:volume:{id}"));
    Ok(Reply::gone())
}

/// `^[a-z][a-z0-9-]{0,63}$`
fn valid(name: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let bytes = name.as_bytes();
    bytes.len() <= 64
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(plain)
}

fn view(volume: &Volume) -> Value {
    json!({
        "id": volume.id,
        "name": volume.name,
        "created_at": iso(volume.created),
        "description": volume.description,
        "droplet_ids": volume.droplet.iter().collect::<Vec<_>>(),
        "region": catalog::region(&volume.region).map(catalog::Region::show),
        "size_gigabytes": volume.size,
        "filesystem_type": volume.filesystem_type,
        "filesystem_label": volume.filesystem_label,
        "tags": volume.tags,
    })
}
