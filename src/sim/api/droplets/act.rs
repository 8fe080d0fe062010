//! What can be done to a droplet: power, rename, resize, snapshot, rebuild and the rest.

use serde_json::{Value, json};

use super::{create, list::found};
use crate::sim::{
    api::actions,
    catalog,
    http::{Answer, Call, Refusal, Reply},
    state::{Droplet, Power, State, Work},
    world::Deed,
};

pub(crate) async fn list(call: Call) -> Answer {
    let id = call.world.read(|state| found(state, &call).map(|droplet| droplet.id))?;
    actions::list_of(&call, |action| action.droplet == Some(id))
}

pub(crate) async fn show(call: Call) -> Answer {
    let id = call.id("droplet")?;
    actions::one_of(&call, |action| action.droplet == Some(id))
}

pub(crate) async fn act(call: Call) -> Answer {
    let id = call.id("droplet")?;
    let (action, shown) = call.world.change(|state| begin(&call, state, id))?;
    call.world.launch([action]).await;
    Ok(Reply::created(json!({"action": shown})))
}

pub(crate) async fn by_tag(call: Call) -> Answer {
    let tag =
        call.asked("tag_name").ok_or_else(|| Refusal::unprocessable("tag_name is required"))?;
    let begun: Vec<(u64, Value)> = call.world.change(|state| {
        let ids: Vec<u64> = state
            .droplets
            .values()
            .filter(|droplet| droplet.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            .map(|droplet| droplet.id)
            .collect();
        ids.into_iter().map(|id| begin(&call, state, id)).collect::<Result<_, _>>()
    })?;
    let (actions, shown): (Vec<u64>, Vec<Value>) = begun.into_iter().unzip();
    call.world.launch(actions).await;
    Ok(Reply::created(json!({"actions": shown})))
}

fn begin(call: &Call, state: &mut State, id: u64) -> Result<(u64, Value), Refusal> {
    let kind = call.body.need("type")?;
    let droplet = state.droplets.get(&id).ok_or_else(Refusal::not_found)?.clone();
    if state.pending(id).is_some() {
        return Err(Refusal::pending());
    }
    let (kind, work) = work(call, state, &droplet, &kind)?;
    let deed = Deed::on_droplet(kind, work, id, &droplet.region);
    let action = call.world.begin(state, deed);
    Ok((action, actions::view_of(state, action)))
}

fn work(
    call: &Call,
    state: &mut State,
    droplet: &Droplet,
    kind: &str,
) -> Result<(&'static str, Work), Refusal> {
    let body = &call.body;
    Ok(match kind {
        "power_on" => ("power_on", Work::PowerOn),
        "power_off" => ("power_off", Work::PowerOff { graceful: false }),
        "shutdown" => ("shutdown", Work::PowerOff { graceful: true }),
        "reboot" => ("reboot", Work::Reboot { graceful: true }),
        "power_cycle" => ("power_cycle", Work::Reboot { graceful: false }),
        "rename" => {
            let name = body.need("name")?;
            if !create::hostname(&name) {
                return Err(Refusal::unprocessable(
                    "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
                ));
            }
            ("rename", Work::Rename { name })
        }
        "resize" => ("resize", resize(call, droplet)?),
        "snapshot" => {
            let name = body.text("name").unwrap_or_else(|| format!("{}-snapshot", droplet.name));
            ("snapshot", Work::Snapshot { image: state.id(), name })
        }
        "rebuild" | "restore" => {
            let (image, _) = create::image(state, &body.need("image")?)
                .ok_or_else(|| Refusal::unprocessable("You specified an invalid image."))?;
            let kind = if kind == "rebuild" { "rebuild" } else { "restore" };
            (kind, Work::Rebuild { image })
        }
        "enable_ipv6" => ("enable_ipv6", Work::EnableIpv6),
        "enable_backups" => {
            keep_policy(state, droplet.id, body.get("backup_policy"));
            ("enable_backups", Work::Backups { on: true })
        }
        "disable_backups" => ("disable_backups", Work::Backups { on: false }),
        "change_backup_policy" => {
            if body.get("backup_policy").is_none() {
                return Err(Refusal::unprocessable("backup_policy is required"));
            }
            keep_policy(state, droplet.id, body.get("backup_policy"));
            ("change_backup_policy", Work::Nothing)
        }
        "change_kernel" => ("change_kernel", Work::Nothing),
        "password_reset" => ("password_reset", Work::Nothing),
        "enable_private_networking" => ("enable_private_networking", Work::Nothing),
        _ => return Err(Refusal::unprocessable("The action type is not supported.")),
    })
}

fn keep_policy(state: &mut State, id: u64, policy: Option<&Value>) {
    if let Some(droplet) = state.droplets.get_mut(&id) {
        droplet.backup_policy = policy.cloned().or(droplet.backup_policy.take());
    }
}

fn resize(call: &Call, droplet: &Droplet) -> Result<Work, Refusal> {
    let size = call.body.need("size")?;
    let target = catalog::size(&size)
        .ok_or_else(|| Refusal::unprocessable("You specified an invalid size."))?;
    if droplet.power != Power::Off {
        return Err(Refusal::unprocessable("Droplet must be powered off to be resized."));
    }
    if target.disk < droplet.disk {
        return Err(Refusal::unprocessable(
            "This size is not available because it has a smaller disk.",
        ));
    }
    Ok(Work::Resize { size, disk: call.body.flag("disk") })
}
