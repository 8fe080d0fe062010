//! Starts the app with the spec's own command.

use super::world::{Reached, World};
use crate::{
    error::Result,
    run::{Done, Progress},
    stack,
};

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let Some(commands) = &world.spec.spec.stack.commands else {
        world.reach(Reached::Started);
        return Ok(Done::saying("cloud-init has started it"));
    };
    let host = world.host().await?;
    let script = stack::script(&place(world)?, &commands.up, &world.values())?;
    let line = |line: &str| progress.output(line);
    // a start that failed halfway is worth a look as much as an app that is not well
    world.reach(Reached::Started);
    stack::command(&host, &script, world.spec.spec.limits.command.0, &line).await?;
    Ok(Done::saying("started"))
}

/// Returns where the app's commands run.
pub(super) fn place(world: &World) -> Result<stack::Place> {
    let digest = world.bundle().map(|bundle| bundle.digest).unwrap_or_default();
    stack::Place::new(&world.scope.app, &digest)
}
