//! Packs the app's files here and unpacks them on the host, under the name of their content.

use super::world::{Bundle, World};
use crate::{
    error::Result,
    run::{Done, Progress},
    size, stack,
};

/// Packs the files of the spec; runs while the droplet boots.
pub(super) async fn pack(world: &World) -> Result<Done> {
    let spec = &world.spec.spec;
    let into = world.spec.dir.join(".remuda/bundles");
    let packed = stack::pack(&world.spec.dir, &spec.stack.files, &into).await?;
    let note = format!("{} in {} files", size::bytes(packed.bytes), packed.files);
    world.set_bundle(Bundle { path: packed.path, digest: packed.digest, bytes: packed.bytes });
    Ok(Done::saying(note))
}

/// Sends the packed files; a host that has them already gets nothing.
pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let Some(bundle) = world.bundle() else { return Ok(Done::saying("no files")) };
    let host = world.host().await?;
    progress.say(format!("sending {}", size::bytes(bundle.bytes)));
    let place = stack::Place::new(&world.scope.app, &bundle.digest)?;
    let sent = stack::unpack(&host, &place, &bundle.path, world.spec.spec.limits.command.0).await?;
    let note = if sent { size::bytes(bundle.bytes) } else { "already there".into() };
    Ok(Done::saying(note))
}
