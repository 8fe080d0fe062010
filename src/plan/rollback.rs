//! Plans a rollback: the same engine, a droplet that is there already.

use super::{Decision, Order, Outline, Plan, Planned};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Member, Version},
    spec::Loaded,
    steps::{Cutover, Origin, Step, Subject},
};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Rollback<'a> {
    /// The spec.
    pub spec: &'a Loaded,
    /// The herd.
    pub herd: &'a Herd,
    /// The version to go back to; the previous one when absent.
    pub to: Option<&'a Version>,
    /// The droplet that a rollback which died was going to, from its lock.
    pub unfinished: Option<u64>,
    /// Whether the public address is watched afterwards.
    pub watch: bool,
}

/// Plans it.
///
/// # Errors
/// [`Kind::NotFound`] when there is nothing to go back to.
pub fn rollback(asked: &Rollback<'_>) -> Planned {
    let Rollback { herd, .. } = asked;
    let live = herd.live();
    if live.is_none() && asked.to.is_none() {
        return Err(Error::new(Kind::NotFound, format!("{} has no live droplet", herd.scope))
            .traffic(herd.traffic())
            .hint(
                "see the herd with `remuda status`; go to a version with `remuda rollback VERSION`",
            ));
    }
    let target = target(asked)?;
    let is_there = live.is_some_and(|live| live.id == target.id);
    if is_there && herd.is_settled() {
        let text = format!("traffic is on {} already ({})", target.version_text(), target.name);
        return Ok(Decision::Nothing(text));
    }
    Ok(Decision::Run(Box::new(plan(asked, target, live.filter(|_| !is_there)))))
}

fn target<'a>(asked: &Rollback<'a>) -> Result<&'a Member> {
    let Rollback { herd, .. } = asked;
    if let Some(version) = asked.to {
        return find(herd, version);
    }
    if let Some(member) = asked.unfinished.and_then(|id| herd.member(id)) {
        return Ok(member);
    }
    // traffic moved to a droplet of an earlier generation, and the run died before it said so
    if let Some(live) = herd.live()
        && live.generation.is_some()
        && !herd.is_settled()
    {
        return Ok(live);
    }
    herd.rollback_target().ok_or_else(|| nothing(herd))
}

fn find<'a>(herd: &'a Herd, version: &Version) -> Result<&'a Member> {
    let of_version = |member: &&Member| member.version.as_ref() == Some(version);
    let promoted = herd.members.iter().filter(of_version).find(|m| m.generation.is_some());
    promoted.ok_or_else(|| {
        let mut error =
            Error::new(Kind::NotFound, format!("{version} is not there to roll back to"));
        let others: Vec<&str> = herd
            .members
            .iter()
            .filter(|member| member.generation.is_some())
            .map(Member::version_text)
            .collect();
        if !others.is_empty() {
            error = error.at("versions that are", others.join(", "));
        }
        error.hint(format!("release it anew with `remuda release {version}`"))
    })
}

fn nothing(herd: &Herd) -> Error {
    let error = Error::new(Kind::NotFound, format!("{} has nothing to roll back to", herd.scope))
        .traffic(herd.traffic());
    let left = herd.members.iter().find(|member| member.left.is_some());
    match left {
        Some(left) => error.hint(format!(
            "{version} was rolled back from; go to it nevertheless with `remuda rollback {version}`",
            version = left.version_text()
        )),
        None => error.hint("release an earlier version with `remuda release VERSION`"),
    }
}

fn plan(asked: &Rollback<'_>, target: &Member, from: Option<&Member>) -> Plan {
    let spec = &asked.spec.spec;
    let mut order = Order::default();
    order.then(Step::Wake);
    order.then(Step::Health);
    order.then(Step::Listen);
    if from.is_some() {
        order.then(Step::Leave);
    }
    let cutover = Cutover {
        from: from.map_or(Origin::Stay, |member| Origin::Droplet(member.id)),
        expect_release: true,
        is_candidate: false,
    };
    order.then(Step::Cutover(cutover));
    if !spec.cutover.dns.is_empty() {
        order.then(Step::Records);
    }
    if asked.watch {
        order.then(Step::Watch);
    }
    order.then(Step::Promote);
    let mut moves = Vec::new();
    let from_name = from.map_or("", |member| member.name.as_str());
    if let Some(ip) = spec.cutover.reserved_ip {
        moves.push(format!("reserved IP {ip}: {from_name} -> {}", target.name));
    }
    for name in &spec.cutover.dns {
        moves.push(format!("DNS {}: to {}", name.fqdn(), target.name));
    }
    let mut notes = Vec::new();
    if let Some(from) = from {
        notes.push(format!(
            "writes made on {} since its cutover stay there; it is kept until `remuda destroy {}`",
            from.version_text(),
            from.name
        ));
    }
    Plan {
        verb: "rollback",
        scope: asked.herd.scope.clone(),
        // a droplet whose version tag was removed still has its place in the herd
        version: target.version.clone().unwrap_or_else(Version::unknown),
        subject: Some(Subject::of_member(target)),
        steps: order.nodes,
        outline: Outline { moves, notes, ..Outline::default() },
        cost: None,
    }
}
