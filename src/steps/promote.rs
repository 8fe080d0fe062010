//! Gives the droplet that has the traffic the next generation: the run's aim is reached.

use super::world::World;
use crate::{cloud::Target, error::Result, herd::Mark, run::Done};

pub(super) async fn run(world: &World) -> Result<Done> {
    let subject = world.subject()?;
    let before = world.herd.member(subject.id);
    let highest = world.herd.highest_generation();
    let settled =
        before.is_some_and(|member| member.generation == Some(highest) && member.left.is_none());
    if settled {
        return Ok(Done::saying(format!("generation {highest} already")));
    }
    let number = highest + 1;
    let tag = Mark::Generation(number).to_string();
    world.cloud.create_tag(&tag).await?;
    world.cloud.tag(&tag, Target::Droplet(subject.id)).await?;
    // from here on the herd reads as promoted; what follows only tidies
    for old in before.iter().flat_map(|member| &member.tags) {
        let outdated = match Mark::parse(old) {
            Some(Mark::Generation(other)) => other != number,
            Some(Mark::Left(_) | Mark::Quarantined(_)) => true,
            _ => false,
        };
        if outdated {
            world.cloud.untag(old, Target::Droplet(subject.id)).await?;
        }
    }
    Ok(Done::saying(format!("generation {number}")))
}
