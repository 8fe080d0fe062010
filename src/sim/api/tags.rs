//! `/v2/tags`, and what it means for everything else to be tagged.

use serde_json::{Map, Value, json};

use crate::sim::{
    http::{Answer, Body, Call, Refusal, Reply},
    state::{State, Tag},
};

pub(crate) async fn list(call: Call) -> Answer {
    let tags: Vec<String> = call.world.read(|state| state.tags.keys().cloned().collect());
    call.world.read(|state| {
        call.page("tags", &tags, |key| {
            state.tags.get(key).map_or(Value::Null, |tag| view(&call, state, tag))
        })
    })
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    let names = checked(vec![name])?;
    call.world.change(|state| {
        let name = names.first().map(|name| state.tag(name)).unwrap_or_default();
        let tag = state.tags.get(&name.to_lowercase()).ok_or_else(Refusal::not_found)?;
        Ok(Reply::created(json!({"tag": view(&call, state, tag)})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let key = call.part("tag").to_lowercase();
    let shown = call.world.read(|state| state.tags.get(&key).map(|tag| view(&call, state, tag)));
    Ok(Reply::ok(json!({"tag": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| {
        let key = call.part("tag").to_lowercase();
        let name = state.tags.remove(&key).ok_or_else(Refusal::not_found)?.name;
        for tags in all(state) {
            tags.retain(|tag| *tag != name);
        }
        Ok(Reply::gone())
    })
}

pub(crate) async fn attach(call: Call) -> Answer {
    change(&call, true)
}

pub(crate) async fn detach(call: Call) -> Answer {
    change(&call, false)
}

fn change(call: &Call, on: bool) -> Answer {
    call.world.change(|state| {
        let key = call.part("tag").to_lowercase();
        let name = state.tags.get(&key).ok_or_else(Refusal::not_found)?.name.clone();
        let resources: Vec<(String, String)> = call
            .body
            .list("resources")
            .into_iter()
            .map(Body)
            .map(|one| Ok((one.need("resource_id")?, one.need("resource_type")?)))
            .collect::<Result<_, Refusal>>()?;
        // all or nothing
        for (id, kind) in &resources {
            tags_of(state, id, kind)?;
        }
        for (id, kind) in &resources {
            let (tags, group) = tags_of(state, id, kind)?;
            tags.retain(|tag| *tag != name);
            if on {
                tags.push(name.clone());
                touch(state, &name, group, &format!("/v2/{group}/{id}"));
            }
        }
        Ok(Reply::gone())
    })
}

/// Finds the tags of a resource, and the group that it counts in.
fn tags_of<'a>(
    state: &'a mut State,
    id: &str,
    kind: &str,
) -> Result<(&'a mut Vec<String>, &'static str), Refusal> {
    let number = id.parse::<u64>().ok();
    let found = match kind {
        "droplet" => number
            .and_then(|id| state.droplets.get_mut(&id))
            .map(|droplet| (&mut droplet.tags, "droplets")),
        "image" => {
            number.and_then(|id| state.images.get_mut(&id)).map(|image| (&mut image.tags, "images"))
        }
        "volume" => state.volumes.get_mut(id).map(|volume| (&mut volume.tags, "volumes")),
        "volume_snapshot" => state
            .volume_snapshots
            .get_mut(id)
            .map(|snapshot| (&mut snapshot.tags, "volume_snapshots")),
        _ => return Err(Refusal::unprocessable(format!("{kind} cannot be tagged"))),
    };
    found.ok_or_else(Refusal::not_found)
}

fn all(state: &mut State) -> impl Iterator<Item = &mut Vec<String>> {
    let droplets = state.droplets.values_mut().map(|droplet| &mut droplet.tags);
    let images = state.images.values_mut().map(|image| &mut image.tags);
    let volumes = state.volumes.values_mut().map(|volume| &mut volume.tags);
    let snapshots = state.volume_snapshots.values_mut().map(|snapshot| &mut snapshot.tags);
    let firewalls = state.firewalls.values_mut().map(|firewall| &mut firewall.tags);
    droplets.chain(images).chain(volumes).chain(snapshots).chain(firewalls)
}

/// Remembers what was tagged last.
pub(crate) fn touch(state: &mut State, tag: &str, group: &str, path: &str) {
    if let Some(tag) = state.tags.get_mut(&tag.to_lowercase()) {
        tag.last.insert(group.to_owned(), path.to_owned());
        tag.last.insert("all".to_owned(), path.to_owned());
    }
}

/// Returns the names if all are names of tags.
pub(crate) fn checked(names: Vec<String>) -> Result<Vec<String>, Refusal> {
    match names.iter().find(|name| !valid(name)) {
        None => Ok(names),
        Some(name) => Err(Refusal::unprocessable(format!(
            "Tag names may only contain letters, numbers, colons, dashes, and underscores: {name}"
        ))),
    }
}

/// `^[a-zA-Z0-9_\-:]+$`, at most 255.
pub(crate) fn valid(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:".contains(&byte))
}

fn view(call: &Call, state: &State, tag: &Tag) -> Value {
    let has = |tags: &Vec<String>| tags.contains(&tag.name);
    let counts = [
        ("droplets", state.droplets.values().filter(|one| has(&one.tags)).count()),
        ("images", state.images.values().filter(|one| has(&one.tags)).count()),
        ("volumes", state.volumes.values().filter(|one| has(&one.tags)).count()),
        ("volume_snapshots", state.volume_snapshots.values().filter(|one| has(&one.tags)).count()),
        ("databases", 0),
    ];
    let counted = |group: &str, count: usize| {
        let mut shown = Map::new();
        shown.insert("count".into(), count.into());
        if let (true, Some(path)) = (count > 0, tag.last.get(group)) {
            shown.insert("last_tagged_uri".into(), call.link(path).into());
        }
        shown
    };
    let mut resources = counted("all", counts.iter().map(|(_, count)| count).sum());
    for (group, count) in counts {
        resources.insert(group.into(), Value::Object(counted(group, count)));
    }
    json!({"name": tag.name, "resources": resources})
}
