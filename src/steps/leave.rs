//! Marks the droplet that a rollback leaves, before traffic moves: a rollback that dies can then
//! be told from one that was never asked for, and the next rollback does not come back here.

use super::world::World;
use crate::{
    cloud::Target,
    error::Result,
    herd::{Mark, Member},
    run::Done,
};

/// Returns the mark for a droplet that is left: one that was never promoted has failed.
fn mark(live: &Member) -> Mark {
    let now = crate::clock::now().as_second();
    if live.generation.is_some() { Mark::Left(now) } else { Mark::Quarantined(now) }
}

fn left(world: &World) -> Option<&Member> {
    let subject = world.subject_if_any()?.id;
    world.herd.live().filter(|live| live.id != subject)
}

pub(super) async fn run(world: &World) -> Result<Done> {
    let Some(live) = left(world) else { return Ok(Done::saying("traffic is there already")) };
    if live.left.is_some() || live.quarantined.is_some() {
        return Ok(Done::saying(format!("{} is marked already", live.name)));
    }
    let tag = mark(live).to_string();
    world.cloud.create_tag(&tag).await?;
    world.cloud.tag(&tag, Target::Droplet(live.id)).await?;
    Ok(Done::saying(live.name.clone()))
}

pub(super) async fn undo(world: &World) -> Result<Done> {
    let Some(live) = left(world) else { return Ok(Done::saying("nothing was marked")) };
    let Some(droplet) = world.cloud.droplet(live.id).await? else {
        return Ok(Done::saying("the droplet is gone"));
    };
    for tag in &droplet.tags {
        let fresh = matches!(Mark::parse(tag), Some(Mark::Left(_) | Mark::Quarantined(_)));
        if fresh && !live.tags.contains(tag) {
            world.cloud.untag(tag, Target::Droplet(live.id)).await?;
        }
    }
    Ok(Done::saying(format!("{} is not marked any more", live.name)))
}
