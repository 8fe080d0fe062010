//! Backups of a droplet: the policies, and an always empty list of what they made.

use serde_json::{Map, Value, json};

use super::list::{found, images_of};
use crate::sim::{
    http::{Answer, Call, Reply},
    state::Droplet,
};

pub(crate) async fn list(call: Call) -> Answer {
    images_of(&call, "backups", "backup")
}

pub(crate) async fn policy(call: Call) -> Answer {
    let shown = call.world.read(|state| found(state, &call).map(view))?;
    Ok(Reply::ok(json!({"policy": shown})))
}

pub(crate) async fn policies(call: Call) -> Answer {
    let shown: Map<String, Value> = call.world.read(|state| {
        let enabled = state.droplets.values().filter(|droplet| enabled(droplet));
        enabled.map(|droplet| (droplet.id.to_string(), view(droplet))).collect()
    });
    Ok(Reply::ok(json!({"meta": {"total": shown.len()}, "policies": shown, "links": {}})))
}

pub(crate) async fn supported() -> Answer {
    let starts = [0, 4, 8, 12, 16, 20];
    Ok(Reply::ok(json!({"supported_policies": [
        {
            "name": "weekly",
            "possible_window_starts": starts,
            "window_length_hours": 4,
            "retention_period_days": 28,
            "possible_days": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        },
        {
            "name": "daily",
            "possible_window_starts": starts,
            "window_length_hours": 4,
            "retention_period_days": 7,
            "possible_days": [],
        },
    ]})))
}

fn enabled(droplet: &Droplet) -> bool {
    droplet.features.iter().any(|feature| feature == "backups")
}

fn view(droplet: &Droplet) -> Value {
    let policy = droplet.backup_policy.as_ref();
    let asked =
        |key: &str| policy.and_then(|policy| policy.get(key)).filter(|value| !value.is_null());
    let plan = asked("plan").and_then(Value::as_str).unwrap_or("weekly");
    let mut shown = json!({"droplet_id": droplet.id, "backup_enabled": enabled(droplet)});
    if enabled(droplet)
        && let Some(shown) = shown.as_object_mut()
    {
        let mut own = json!({
            "plan": plan,
            "hour": asked("hour").cloned().unwrap_or_else(|| json!(20)),
            "window_length_hours": 4,
            "retention_period_days": if plan == "daily" { 7 } else { 28 },
        });
        if plan == "weekly"
            && let Some(own) = own.as_object_mut()
        {
            own.insert("weekday".into(), asked("weekday").cloned().unwrap_or_else(|| json!("SUN")));
        }
        shown.insert("backup_policy".into(), own);
    }
    shown
}
