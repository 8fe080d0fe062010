//! Which droplets are not kept any longer. Pure: the herd proposes nothing, this disposes nothing.

use jiff::Timestamp;

use crate::{
    herd::{Herd, Member},
    spec::Retain,
};

/// What must stay whatever the rules say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// The droplet that is about to become live, or is adopted as the candidate.
    pub subject: Option<u64>,
    /// Whether the present live droplet becomes the rollback target.
    pub live_becomes_previous: bool,
}

/// Returns the members that go, with the reason, in the order in which they go.
///
/// Never among them: the live one, the subject, the rollback target, and a droplet that a
/// rollback left, since it may hold writes that are nowhere else.
pub fn outdated<'a>(
    herd: &'a Herd,
    retain: &Retain,
    keep: Keep,
    now: Timestamp,
) -> Vec<(&'a Member, &'static str)> {
    let live = herd.live().map(|member| member.id);
    let stays = |member: &Member| Some(member.id) == live || Some(member.id) == keep.subject;
    let mut going = Vec::new();

    let earlier = herd.members.iter().filter(|member| {
        !stays(member)
            && member.generation.is_some()
            && member.left.is_none()
            && member.quarantined.is_none()
    });
    // the present live droplet takes the first place among the earlier ones once it is left
    let taken = usize::from(keep.live_becomes_previous && live.is_some());
    let places = usize::try_from(retain.previous).unwrap_or(usize::MAX).max(1);
    for (place, member) in earlier.enumerate() {
        let place = place + taken;
        if place >= places {
            going.push((member, "beyond retain.previous"));
        } else if place > 0 && is_older(member, retain, now) {
            going.push((member, "older than retain.for"));
        }
    }

    let mut failed: Vec<&Member> = herd
        .members
        .iter()
        .filter(|member| !stays(member) && member.quarantined.is_some())
        .collect();
    failed.sort_by_key(|member| std::cmp::Reverse(member.quarantined));
    let looked_at = usize::try_from(retain.quarantined).unwrap_or(usize::MAX);
    going.extend(failed.into_iter().skip(looked_at).map(|m| (m, "quarantined long enough")));

    let leftovers = herd.members.iter().filter(|member| {
        !stays(member) && member.generation.is_none() && member.quarantined.is_none()
    });
    going.extend(leftovers.map(|member| (member, "left over from a run that died")));
    going
}

fn is_older(member: &Member, retain: &Retain, now: Timestamp) -> bool {
    let limit = i64::try_from(retain.at_most.0.as_secs()).unwrap_or(i64::MAX);
    member.created_at.is_some_and(|at| now.as_second().saturating_sub(at.as_second()) > limit)
}
