//! Destroying a droplet with what belongs to it: addresses, volumes, snapshots.

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete as on_delete, get, post},
};
use serde_json::{Map, Value, json};

use super::{delete, list::found};
use crate::{
    clock,
    sim::{
        api::snapshots,
        http::{Answer, Body, Call, Refusal, Reply, iso},
        state::{State, Status, Work},
        world::World,
    },
};

const KINDS: [&str; 5] =
    ["reserved_ips", "floating_ips", "snapshots", "volumes", "volume_snapshots"];

pub(crate) fn router() -> Router<Arc<World>> {
    let base = "/v2/droplets/{droplet}/destroy_with_associated_resources";
    Router::new()
        .route(base, get(list))
        .route(&format!("{base}/selective"), on_delete(selective))
        .route(&format!("{base}/dangerous"), on_delete(dangerous))
        .route(&format!("{base}/status"), get(status))
        .route(&format!("{base}/retry"), post(retry))
}

async fn list(call: Call) -> Answer {
    let shown = call.world.read(|state| {
        let id = found(state, &call)?.id;
        let kinds = KINDS.map(|kind| (kind.to_owned(), Value::Array(of(state, id, kind))));
        Ok(Value::Object(kinds.into_iter().collect::<Map<_, _>>()))
    })?;
    Ok(Reply::ok(shown))
}

async fn selective(call: Call) -> Answer {
    let chosen = call.body.clone();
    destroy(&call, move |kind, id| chosen.texts(kind).iter().any(|one| one == id)).await
}

async fn dangerous(call: Call) -> Answer {
    let meant = call.headers.get("x-dangerous").and_then(|value| value.to_str().ok());
    if !meant.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(Refusal::bad_request("The X-Dangerous header must be set to true."));
    }
    destroy(&call, |_, _| true).await
}

async fn destroy(call: &Call, chosen: impl Fn(&str, &str) -> bool) -> Answer {
    let id = call.id("droplet")?;
    let (action, released, forgotten) = call.world.change(|state| {
        let doomed: Vec<(&str, Value)> = KINDS
            .iter()
            .flat_map(|kind| of(state, id, kind).into_iter().map(move |one| (*kind, one)))
            .collect();
        let action = delete::begin(&call.world, state, id)?;
        let (mut released, mut forgotten) = (Vec::new(), Vec::new());
        for (kind, one) in doomed {
            let one = Body(one);
            let (Some(key), Some(name)) = (one.text("id"), one.text("name")) else { continue };
            if !chosen(kind, &key) && !chosen(kind, &name) {
                continue;
            }
            match kind {
                "snapshots" => {
                    let image = key.parse().ok().and_then(|id: u64| state.images.remove(&id));
                    forgotten.extend(image.map(|image| image.id));
                }
                "volumes" => drop(state.volumes.remove(&key)),
                "volume_snapshots" => drop(state.volume_snapshots.remove(&key)),
                _ => {
                    if let Ok(ip) = name.parse()
                        && state.reserved.remove(&ip).is_some()
                    {
                        released.push(ip);
                    }
                }
            }
        }
        Ok((action, released, forgotten))
    })?;
    for ip in released {
        call.world.network.release(ip).await;
    }
    for image in forgotten {
        snapshots::forget(call, image).await;
    }
    call.world.launch([action]).await;
    Ok(Reply::accepted_empty())
}

async fn status(call: Call) -> Answer {
    let id = call.id("droplet")?;
    let action = call.world.read(|state| {
        let destroys = |work: &Work| matches!(work, Work::Destroy);
        let mut actions = state.actions.values().rev();
        actions.find(|action| action.droplet == Some(id) && destroys(&action.work)).cloned()
    });
    let action = action.ok_or_else(Refusal::not_found)?;
    let mut droplet = json!({"id": id.to_string(), "name": ""});
    if let (Some(at), Some(droplet)) = (action.completed, droplet.as_object_mut()) {
        droplet.insert("destroyed_at".into(), iso(at).into());
    }
    let resources: Map<String, Value> =
        KINDS.into_iter().map(|kind| (kind.to_owned(), json!([]))).collect();
    let mut shown = json!({
        "droplet": droplet,
        "resources": resources,
        "failures": usize::from(action.status == Status::Errored),
    });
    if let (true, Some(shown)) = (action.status != Status::InProgress, shown.as_object_mut()) {
        let at = action.completed.unwrap_or_else(clock::now);
        shown.insert("completed_at".into(), iso(at).into());
    }
    Ok(Reply::ok(shown))
}

async fn retry(call: Call) -> Answer {
    call.world.read(|state| found(state, &call).map(|_| ()))?;
    destroy(&call, |_, _| false).await.map_err(|refusal| Refusal::conflict(refusal.message()))
}

/// Lists what of a kind belongs to a droplet.
fn of(state: &State, id: u64, kind: &str) -> Vec<Value> {
    let entry = |id: &str, name: &str, cost: &str| json!({"id": id, "name": name, "cost": cost});
    match kind {
        "reserved_ips" | "floating_ips" => state
            .reserved
            .iter()
            .filter(|(_, reserved)| reserved.droplet == Some(id))
            .map(|(ip, _)| entry(&u32::from(*ip).to_string(), &ip.to_string(), "4.00"))
            .collect(),
        "snapshots" => state
            .images
            .values()
            .filter(|image| image.droplet == Some(id))
            .map(|image| entry(&image.id.to_string(), &image.name, "0.14"))
            .collect(),
        "volumes" => state
            .volumes
            .values()
            .filter(|volume| volume.droplet == Some(id))
            .map(|volume| entry(&volume.id, &volume.name, &format!("{}.00", volume.size / 10)))
            .collect(),
        _ => state
            .volume_snapshots
            .values()
            .filter(|snapshot| {
                let volume = state.volumes.get(&snapshot.volume);
                volume.is_some_and(|volume| volume.droplet == Some(id))
            })
            .map(|snapshot| entry(&snapshot.id, &snapshot.name, "0.05"))
            .collect(),
    }
}
