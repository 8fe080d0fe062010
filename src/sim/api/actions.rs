//! `/v2/actions`, and how an action is shown wherever it is.

use serde_json::{Value, json};

use crate::sim::{
    catalog,
    http::{Answer, Call, Refusal, Reply, iso},
    state::{Action, State},
};

pub(crate) async fn list(call: Call) -> Answer {
    list_of(&call, |_| true)
}

pub(crate) async fn show(call: Call) -> Answer {
    one_of(&call, |_| true)
}

/// Answers with the actions that are meant, the newest first.
pub(crate) fn list_of(call: &Call, meant: impl Fn(&Action) -> bool) -> Answer {
    let actions: Vec<Action> = call.world.read(|state| {
        state.actions.values().rev().filter(|action| meant(action)).cloned().collect()
    });
    call.page("actions", &actions, view)
}

/// Answers with the action that the path names, if it is one of those meant.
pub(crate) fn one_of(call: &Call, meant: impl Fn(&Action) -> bool) -> Answer {
    let id = call.id("action")?;
    let action = call.world.read(|state| state.actions.get(&id).filter(|a| meant(a)).cloned());
    Ok(Reply::ok(json!({"action": view(&action.ok_or_else(Refusal::not_found)?)})))
}

/// Shows an action by its number, as it is at this moment.
pub(crate) fn view_of(state: &State, id: u64) -> Value {
    state.actions.get(&id).map_or(Value::Null, view)
}

/// Shows an action.
pub(crate) fn view(action: &Action) -> Value {
    json!({
        "id": action.id,
        "status": action.status.word(),
        "type": action.kind,
        "started_at": iso(action.started),
        "completed_at": action.completed.map(iso),
        "resource_id": action.resource_id,
        "resource_type": action.resource_type,
        "region": catalog::region(&action.region).map(catalog::Region::show),
        "region_slug": action.region,
    })
}
