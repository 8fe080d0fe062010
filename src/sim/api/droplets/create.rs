//! Creating droplets, one or up to ten.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::view;
use crate::{
    clock,
    sim::{
        api::keys,
        catalog,
        fault::{Fault, Span},
        http::{Answer, Call, Refusal, Reply},
        state::{Droplet, Power, State, Work},
        world::{self, Deed},
    },
};

/// What all droplets of one call have in common.
struct Wish {
    region: &'static str,
    size: &'static catalog::Size,
    image: String,
    ssh_keys: Vec<String>,
    vpc: String,
    volumes: Vec<String>,
    user_data: String,
}

pub(crate) async fn create(call: Call) -> Answer {
    let bulk = call.body.has("names");
    let names = if bulk { call.body.texts("names") } else { vec![call.body.need("name")?] };
    if names.is_empty() || names.len() > 10 {
        return Err(Refusal::unprocessable("names must hold between 1 and 10 names"));
    }
    if !names.iter().all(|name| hostname(name)) {
        return Err(Refusal::unprocessable(
            "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
        ));
    }
    let (shown, links, begun) = call.world.change(|state| {
        let room = call.world.droplet_limit.saturating_sub(state.droplets.len() as u64);
        if names.len() as u64 > room {
            return Err(over_the_limit());
        }
        let wish = wish(state, &call)?;
        let (mut shown, mut links, mut begun) = (Vec::new(), Vec::new(), Vec::new());
        for name in &names {
            let droplet = droplet(state, &call, &wish, name)?;
            for volume in &wish.volumes {
                if let Some(volume) = state.volumes.get_mut(volume) {
                    volume.droplet = Some(droplet.id);
                }
            }
            let id = droplet.id;
            for tag in &droplet.tags {
                crate::sim::api::tags::touch(state, tag, "droplets", &format!("/v2/droplets/{id}"));
            }
            state.droplets.insert(id, droplet);
            let deed = Deed::on_droplet("create", Work::Create, id, wish.region);
            let action = call.world.begin(state, deed);
            links.push(call.action_link(action, "create"));
            begun.push(action);
            shown.extend(state.droplets.get(&id).map(|droplet| reply(state, droplet)));
        }
        Ok((shown, links, begun))
    })?;
    call.world.launch(begun).await;
    let links = json!({"actions": links});
    Ok(Reply::accepted(if bulk {
        json!({"droplets": shown, "links": links})
    } else {
        json!({"droplet": shown.into_iter().next(), "links": links})
    }))
}

/// Shows a droplet as the create's own answer does: without addresses, whatever the latencies.
fn reply(state: &State, droplet: &Droplet) -> Value {
    let mut shown = view(state, droplet);
    if let Some(networks) = shown.get_mut("networks") {
        *networks = json!({"v4": [], "v6": []});
    }
    shown
}

pub(crate) fn over_the_limit() -> Refusal {
    Refusal::of_status(
        StatusCode::UNPROCESSABLE_ENTITY,
        Some("creating this/these droplet(s) will exceed your droplet limit".into()),
        None,
    )
}

fn wish(state: &State, call: &Call) -> Result<Wish, Refusal> {
    let body = &call.body;
    let invalid = |what: &str| {
        Refusal::unprocessable(format!("You specified an invalid {what} for Droplet creation."))
    };
    let slug = body.text("region").unwrap_or_else(|| "nyc3".into());
    let region = catalog::region(&slug).ok_or_else(|| invalid("region"))?;
    if !region.available {
        return Err(Refusal::unprocessable("The region you specified is not available."));
    }
    let size = catalog::size(&body.need("size")?).ok_or_else(|| invalid("size"))?;
    let (image, min_disk) = image(state, &body.need("image")?).ok_or_else(|| invalid("image"))?;
    if min_disk > size.disk {
        return Err(Refusal::unprocessable(
            "The image you specified requires a larger disk than the size you specified.",
        ));
    }
    let user_data = body.text("user_data").unwrap_or_default();
    if user_data.len() > 65_536 {
        return Err(Refusal::unprocessable("user_data is too long (maximum is 65536 bytes)"));
    }
    let ssh_keys = body
        .texts("ssh_keys")
        .iter()
        .map(|which| {
            keys::find(state, which).map(|key| key.line.clone()).ok_or_else(|| {
                Refusal::unprocessable(format!(
                    "{which} are invalid key identifiers for Droplet creation."
                ))
            })
        })
        .collect::<Result<_, _>>()?;
    let vpc = match body.text("vpc_uuid") {
        None => state.default_vpc(region.slug),
        Some(id) => state.vpcs.get(&id).filter(|vpc| vpc.region == region.slug),
    };
    let vpc = vpc.ok_or_else(|| invalid("vpc_uuid"))?.id.clone();
    let volumes = volumes(state, call, region.slug)?;
    Ok(Wish { region: region.slug, size, image, ssh_keys, vpc, volumes, user_data })
}

/// Finds an image by slug or number; returns what the droplet keeps of it and the disk it needs.
pub(crate) fn image(state: &State, which: &str) -> Option<(String, u64)> {
    if let Some(image) = catalog::image_by_slug(which) {
        return Some((image.slug.to_owned(), image.min_disk));
    }
    let id = which.parse().ok()?;
    if let Some(image) = catalog::image_by_id(id) {
        return Some((image.slug.to_owned(), image.min_disk));
    }
    state.images.get(&id).map(|image| (id.to_string(), image.min_disk))
}

/// Reads the volumes, as texts or as objects with an id.
fn volumes(state: &State, call: &Call, region: &str) -> Result<Vec<String>, Refusal> {
    let ids = call.body.list("volumes").into_iter().filter_map(|value| match &value {
        Value::String(id) => Some(id.clone()),
        value => value.get("id").and_then(Value::as_str).map(str::to_owned),
    });
    ids.map(|id| match state.volumes.get(&id) {
        Some(volume) if volume.region == region && volume.droplet.is_none() => Ok(id),
        Some(volume) if volume.droplet.is_some() => {
            Err(Refusal::unprocessable("This volume is already attached"))
        }
        _ => Err(Refusal::unprocessable("invalid volume for Droplet creation.")),
    })
    .collect()
}

fn droplet(state: &mut State, call: &Call, wish: &Wish, name: &str) -> Result<Droplet, Refusal> {
    let (body, world) = (&call.body, &call.world);
    let id = state.id();
    let now = clock::now();
    let public_ip = state
        .address()
        .ok_or_else(|| Refusal::unprocessable("The simulator has no address left."))?;
    let tags: Vec<String> = body.texts("tags");
    if let Some(wrong) = tags.iter().find(|tag| !crate::sim::api::tags::valid(tag)) {
        return Err(Refusal::unprocessable(format!("invalid tag: {wrong}")));
    }
    let mut own: Vec<String> = Vec::new();
    for tag in &tags {
        let tag = state.tag(tag);
        if !own.contains(&tag) {
            own.push(tag);
        }
    }
    let (absent_polls, absent) = world.span(|fault| match fault {
        Fault::Absent(span) => Some(*span),
        _ => None,
    });
    let time = |time: Duration| (!time.is_zero()).then(|| world::after(now, time));
    let (_, lag) = world.span(|fault| match fault {
        Fault::ListLag(lag) => Some(Span::Time(*lag)),
        _ => None,
    });
    let (_, late) = world.span(|fault| match fault {
        Fault::SlowBoot(late) => Some(Span::Time(*late)),
        _ => None,
    });
    let boot = world.draw("boot_ssh") + late;
    let flags = [
        ("backups", body.flag("backups")),
        ("private_networking", true),
        ("ipv6", body.flag("ipv6")),
        ("monitoring", body.flag("monitoring")),
        ("droplet_agent", body.flag("with_droplet_agent")),
    ];
    Ok(Droplet {
        id,
        name: name.to_owned(),
        region: wish.region.to_owned(),
        size: wish.size.slug.to_owned(),
        disk: wish.size.disk,
        image: wish.image.clone(),
        power: Power::New,
        born: false,
        created: now,
        visible: world::after(now, world.draw("address")),
        boot_ms: u64::try_from(boot.as_millis()).unwrap_or(0),
        blind_polls: 0,
        absent_polls,
        absent_until: time(absent),
        unlisted_until: time(lag),
        public_ip,
        public: body.get("public_networking") != Some(&Value::Bool(false)),
        private_ip: Some(state.private_address(&wish.vpc)),
        ipv6: body.flag("ipv6").then(|| world::ipv6(id)),
        vpc: wish.vpc.clone(),
        tags: own,
        features: flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).into()).collect(),
        backup_policy: body.get("backup_policy").cloned(),
        ssh_keys: wish.ssh_keys.clone(),
        user_data: wish.user_data.clone(),
    })
}

/// Returns whether a name is one of a host: `^[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]$`.
pub(crate) fn hostname(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let bytes = name.as_bytes();
    (1..=255).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(*byte) || b".-".contains(byte))
        && bytes.last().is_some_and(|byte| plain(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_hosts() {
        for right in ["a", "blog-1.4.0", "A.b-c9", "-x"] {
            assert!(hostname(right), "{right}");
        }
        for wrong in ["", "a_b", "a-", "a.", "ä", "a b"] {
            assert!(!hostname(wrong), "{wrong}");
        }
    }
}
