//! `/v2/account`.

use serde_json::json;

use crate::sim::http::{Answer, Call, Reply};

pub(crate) async fn show(call: Call) -> Answer {
    let uuid = call.world.read(|state| state.account.clone());
    Ok(Reply::ok(json!({"account": {
        "droplet_limit": call.world.droplet_limit,
        "floating_ip_limit": 5,
        "reserved_ip_limit": 5,
        "volume_limit": 100,
        "email": "sammy@example.com",
        "name": "Sammy the Simulated Shark",
        "uuid": uuid,
        "email_verified": true,
        "status": "active",
        "status_message": "",
        "team": {"uuid": uuid, "name": "My Team"},
    }})))
}
