//! First login: proves the injected host key, has the host make a new one, pins it, burns the old.
//!
//! Cut anywhere, it can be repeated: both keys are accepted exactly while both are tagged.

use std::sync::Arc;

use super::world::{Reached, World};
use crate::{
    boot,
    cloud::Target,
    error::Result,
    herd::Mark,
    host::{self, Host},
    retry::Deadline,
    run::{Done, Progress},
};

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let subject = world.subject()?;
    let limit = world.spec.spec.limits.boot.0;
    let deadline = Deadline::after(limit, format!("the first login to {}", subject.name));
    let host = Arc::new(Host::connect(&world.target(&subject, None)?, &deadline).await?);
    world.set_host(Arc::clone(&host));
    world.reach(Reached::Login);
    let Some(born) = subject.born_key.clone() else {
        return Ok(Done::saying("the pinned host key answers"));
    };

    // a run that died here may have put the pinned key into use already
    let in_use = host.live_key().await?;
    let in_use_hex = boot::to_hex(&in_use).ok();
    let line = if in_use_hex.is_some() && in_use_hex == subject.pinned_key {
        in_use
    } else {
        progress.say("the injected host key answers; making a new one on the host");
        host.make_key().await?
    };
    let hex = boot::to_hex(&line)?;
    if subject.pinned_key.as_deref() != Some(hex.as_str()) {
        let pin = Mark::PinnedKey(hex.clone()).to_string();
        world.cloud.create_tag(&pin).await?;
        world.cloud.tag(&pin, Target::Droplet(subject.id)).await?;
        world.change_subject(|subject| subject.pinned_key = Some(hex));
    }
    progress.say("pinned; burning the injected key");
    host.activate_key().await?;
    world.change_subject(|subject| subject.born_key = None);
    let pinned_only = world.target(&world.subject()?, None)?;
    host::prove_key(&pinned_only, &deadline).await?;
    world.cloud.delete_tag(&Mark::BornKey(born).to_string()).await?;
    Ok(Done::saying(format!("pinned {}", host::fingerprint(&line)?)))
}
