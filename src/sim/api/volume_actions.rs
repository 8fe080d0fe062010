//! Attaching, detaching and growing volumes, by number or by name.

use serde_json::json;

use super::actions;
use crate::sim::{
    http::{Answer, Call, Refusal, Reply},
    state::{State, Volume, Work},
    world::Deed,
};

/// How many volumes a droplet can have.
const PER_DROPLET: usize = 15;

pub(crate) async fn list(call: Call) -> Answer {
    let volume = known(&call)?;
    actions::list_of(&call, |action| action.volume.as_ref() == Some(&volume))
}

pub(crate) async fn show(call: Call) -> Answer {
    let volume = known(&call)?;
    actions::one_of(&call, |action| action.volume.as_ref() == Some(&volume))
}

pub(crate) async fn act(call: Call) -> Answer {
    let volume = known(&call)?;
    begin(&call, &volume).await
}

pub(crate) async fn act_named(call: Call) -> Answer {
    let name = call.body.need("volume_name")?;
    let volume = call.world.read(|state| {
        // with a droplet the region is its own
        let droplet = call.body.number("droplet_id").and_then(|id| state.droplets.get(&id));
        let region = call.body.text("region").or(droplet.map(|droplet| droplet.region.clone()));
        region.and_then(|region| state.volume_named(&name, &region))
    });
    begin(&call, &volume.ok_or_else(Refusal::not_found)?).await
}

async fn begin(call: &Call, volume: &str) -> Answer {
    let kind = call.body.need("type")?;
    let (action, shown) = call.world.change(|state| {
        let volume = state.volumes.get(volume).ok_or_else(Refusal::not_found)?.clone();
        let busy = state.open().any(|action| action.volume.as_ref() == Some(&volume.id));
        if busy {
            return Err(Refusal::unprocessable("The volume has a pending event."));
        }
        let deed = deed(call, state, &volume, &kind)?;
        let action = call.world.begin(state, deed);
        Ok((action, actions::view_of(state, action)))
    })?;
    call.world.launch([action]).await;
    Ok(Reply::accepted(json!({"action": shown})))
}

fn deed(call: &Call, state: &State, volume: &Volume, kind: &str) -> Result<Deed, Refusal> {
    let id = volume.id.clone();
    let (kind, work, droplet) = match kind {
        "attach" => {
            let droplet = target(call, state)?;
            if volume.droplet.is_some() {
                return Err(Refusal::unprocessable("This volume is already attached"));
            }
            let held = state.volumes.values().filter(|other| other.droplet == Some(droplet));
            if held.count() >= PER_DROPLET {
                return Err(Refusal::unprocessable(format!(
                    "cannot attach more than {PER_DROPLET} volumes to a single Droplet"
                )));
            }
            if state.droplets.get(&droplet).is_some_and(|found| found.region != volume.region) {
                return Err(Refusal::unprocessable(
                    "The volume and the Droplet must be in the same region.",
                ));
            }
            ("attach_volume", Work::Attach { volume: id }, Some(droplet))
        }
        "detach" => {
            let droplet = match call.body.number("droplet_id") {
                Some(droplet) => Some(droplet),
                None => volume.droplet,
            };
            if volume.droplet.is_none() || volume.droplet != droplet {
                return Err(Refusal::unprocessable("Attachment not found"));
            }
            if droplet.is_some_and(|droplet| state.pending(droplet).is_some()) {
                return Err(Refusal::pending());
            }
            ("detach_volume", Work::Detach { volume: id }, droplet)
        }
        "resize" => {
            let size = call.body.number("size_gigabytes");
            let size =
                size.filter(|size| (volume.size..=16_384).contains(size)).ok_or_else(|| {
                    Refusal::unprocessable("size_gigabytes must be greater than the current size")
                })?;
            ("resize", Work::Grow { volume: id, size }, None)
        }
        _ => return Err(Refusal::unprocessable("The action type is not supported.")),
    };
    Ok(Deed {
        kind,
        work,
        resource_type: "volume",
        resource_id: None,
        region: volume.region.clone(),
        droplet,
        volume: Some(volume.id.clone()),
        ip: None,
    })
}

fn target(call: &Call, state: &State) -> Result<u64, Refusal> {
    let droplet = call
        .body
        .number("droplet_id")
        .ok_or_else(|| Refusal::unprocessable("droplet_id is required"))?;
    if !state.droplets.contains_key(&droplet) {
        return Err(Refusal::not_found());
    }
    if state.pending(droplet).is_some() {
        return Err(Refusal::pending());
    }
    Ok(droplet)
}

fn known(call: &Call) -> Result<String, Refusal> {
    let id = call.part("volume");
    let known = call.world.read(|state| state.volumes.contains_key(id));
    if known { Ok(id.to_owned()) } else { Err(Refusal::not_found()) }
}
