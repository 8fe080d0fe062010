//! Sees that the rollback target is up; starts its app only where it is not well.

use super::{health, start, world::World};
use crate::{
    cloud::DropletStatus,
    error::Result,
    probe,
    retry::Deadline,
    run::{Done, Progress},
};

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let subject = world.subject()?;
    let off = world.herd.member(subject.id).is_some_and(|m| m.status == DropletStatus::Off);
    if off {
        progress.say(format!("{} is off: powering it on", subject.name));
        let limit = world.spec.spec.limits.boot.0;
        let deadline = Deadline::after(limit, format!("{} to power on", subject.name));
        world.cloud.urgent().power_on(subject.id, &deadline).await?;
    } else if is_well(world).await? {
        return Ok(Done::saying(format!("{} is up and well", subject.name)));
    }
    progress.say("starting the app");
    start::run(world, progress).await?;
    Ok(Done::saying(if off { "powered on, app started" } else { "app started" }))
}

/// Asks once, where one HTTP question can tell.
async fn is_well(world: &World) -> Result<bool> {
    let address = world.subject()?.ipv4.map(std::net::IpAddr::V4);
    let spec = &world.spec.spec;
    let mut asked = false;
    for check in spec.health.iter().filter(|check| check.http.is_some()) {
        asked = true;
        if probe::http(&health::http_check(check, &world.values(), address)?).await.is_err() {
            return Ok(false);
        }
    }
    Ok(asked)
}
