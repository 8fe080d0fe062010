//! Begins to probe the public address, from before the cutover to the end of the watch.

use std::{net::IpAddr, sync::Arc};

use super::{health::public_check, world::World};
use crate::{
    error::Result,
    probe::Watch,
    run::{Done, Progress},
};

/// Requests a second.
pub(super) const RATE: u32 = 20;

pub(super) fn run(world: &World, progress: &Progress) -> Result<Done> {
    let spec = &world.spec.spec;
    let Some(address) = spec.cutover.reserved_ip else {
        return Ok(Done::saying("there is no reserved IP: health is asked at the droplet itself"));
    };
    let Some(check) = public_check(spec, &world.values(), Some(IpAddr::V4(address)), false)? else {
        progress
            .warn("the spec has no HTTP check and no cutover.probe: nobody watches the cutover");
        return Ok(Done::saying("nothing to ask"));
    };
    if world.herd.live().is_none() {
        // nothing answers there before the first cutover, so there is nothing to compare with yet
        return Ok(Done::saying("begins with the first cutover"));
    }
    let url = check.url.clone();
    world.set_watch(Arc::new(Watch::start(&check, RATE)?));
    Ok(Done::saying(format!("{url} through {address}, {RATE} times a second")))
}

/// Begins late, once the first cutover has been done.
pub(super) fn begin_if_needed(world: &World) -> Result<()> {
    let spec = &world.spec.spec;
    if world.watch().is_none()
        && let Some(address) = spec.cutover.reserved_ip
    {
        let check = public_check(spec, &world.values(), Some(IpAddr::V4(address)), false)?;
        if let Some(check) = check {
            world.set_watch(Arc::new(Watch::start(&check, RATE)?));
        }
    }
    Ok(())
}

/// Ends the probing.
pub(super) fn stop(world: &World) -> Done {
    match world.watch() {
        Some(watch) => {
            // what it has seen stays, for the evidence
            watch.halt();
            let stats = watch.stats();
            Done::saying(format!("stopped after {} requests", stats.sent))
        }
        None => Done::saying("was not probing"),
    }
}
