//! Destroying droplets, by number or by tag.

use crate::sim::{
    http::{Answer, Call, Refusal, Reply},
    state::{State, Work},
    world::{Deed, World},
};

pub(crate) async fn by_id(call: Call) -> Answer {
    let id = call.id("droplet")?;
    let action = call.world.change(|state| begin(&call.world, state, id))?;
    call.world.launch([action]).await;
    Ok(Reply::gone())
}

pub(crate) async fn by_tag(call: Call) -> Answer {
    let tag =
        call.asked("tag_name").ok_or_else(|| Refusal::unprocessable("tag_name is required"))?;
    let actions: Vec<u64> = call.world.change(|state| {
        let ids: Vec<u64> = state
            .droplets
            .values()
            .filter(|droplet| droplet.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            .map(|droplet| droplet.id)
            .collect();
        ids.into_iter().map(|id| begin(&call.world, state, id)).collect::<Result<_, _>>()
    })?;
    call.world.launch(actions).await;
    Ok(Reply::gone())
}

/// Begins to destroy a droplet that has nothing else going on.
pub(crate) fn begin(world: &World, state: &mut State, id: u64) -> Result<u64, Refusal> {
    let region = state.droplets.get(&id).ok_or_else(Refusal::not_found)?.region.clone();
    if state.pending(id).is_some() {
        return Err(Refusal::pending());
    }
    Ok(world.begin(state, Deed::on_droplet("destroy", Work::Destroy, id, &region)))
}
