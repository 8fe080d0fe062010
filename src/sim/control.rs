//! The control path `/sim/...`: status, faults, the log of requests, reset, stop.
//!
//! It needs the same token as the API, is not counted by the rate limit and not spoiled by faults.

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};
use serde_json::{Value, json};

use super::{
    fault::Rule,
    hosts,
    http::{Answer, Call, Refusal, Reply},
    world::{Claim, World},
};

/// Returns the router of the control path.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/sim/status", get(status))
        .route("/sim/stop", post(stop))
        .route("/sim/reset", post(reset))
        .route("/sim/faults", get(list).post(add).delete(clear))
        .route("/sim/faults/{fault}", delete(clear_one))
        .route("/sim/requests", get(requests))
        .route("/sim/requests/reset", post(reset_requests))
        .route("/sim/actions", get(actions))
}

async fn status(call: Call) -> Answer {
    let world = &call.world;
    let hosts = match world.hosts.kind() {
        hosts::Kind::None => "none",
        hosts::Kind::Namespace => "namespace",
    };
    let counts = world.read(|state| {
        json!({
            "block": Claim::words(state.block),
            "droplets": state.droplets.len(),
            "reserved_ips": state.reserved.len(),
            "volumes": state.volumes.len(),
            "domains": state.domains.len(),
            "firewalls": state.firewalls.len(),
            "images": state.images.len(),
        })
    });
    Ok(Reply::ok(json!({
        "pid": std::process::id(),
        "url": format!("http://{}", world.address),
        "hosts": hosts,
        "latency": world.profile(),
        "requests": world.log.count(),
        "account": counts,
        "faults": world.faults.show(),
    })))
}

async fn stop(call: Call) -> Answer {
    call.world.asked_to_stop.send_replace(true);
    Ok(Reply::accepted_empty())
}

async fn reset(call: Call) -> Answer {
    call.world.reset().await;
    call.world.store.flush().await.map_err(|error| {
        call.world.report(&format!("cannot keep the state: {error}"));
        Refusal::server_error()
    })?;
    Ok(Reply::gone())
}

async fn list(call: Call) -> Answer {
    Ok(Reply::ok(json!({"faults": call.world.faults.show()})))
}

async fn add(call: Call) -> Answer {
    let rule = Rule::parse(&call.body.need("rule")?).map_err(Refusal::unprocessable)?;
    let id = call.world.faults.add(rule);
    Ok(Reply::created(json!({"id": id})))
}

async fn clear(call: Call) -> Answer {
    call.world.faults.clear(None);
    Ok(Reply::gone())
}

async fn clear_one(call: Call) -> Answer {
    call.world.faults.clear(Some(call.id("fault")?));
    Ok(Reply::gone())
}

async fn requests(call: Call) -> Answer {
    Ok(Reply::ok(call.world.log.show()))
}

async fn reset_requests(call: Call) -> Answer {
    call.world.log.reset();
    call.world.forget_rates();
    Ok(Reply::gone())
}

/// Shows what the actions took: as the profile drew it, and until they had ended.
async fn actions(call: Call) -> Answer {
    let actions: Vec<Value> = call.world.read(|state| {
        let shown = state.actions.values().map(|action| {
            let span = |end: jiff::Timestamp| end.duration_since(action.started).as_millis();
            let droplet = action.droplet.and_then(|id| state.droplets.get(&id));
            json!({
                "id": action.id,
                "type": action.kind,
                "status": action.status.word(),
                "droplet": action.droplet,
                "started_at": action.started.to_string(),
                "latency_ms": u64::try_from(span(action.due)).unwrap_or(0),
                "boot_ms": droplet.map(|droplet| droplet.boot_ms),
                "millis": action.completed.map(|end| u64::try_from(span(end)).unwrap_or(0)),
            })
        });
        shown.collect()
    });
    Ok(Reply::ok(json!({"actions": actions})))
}
