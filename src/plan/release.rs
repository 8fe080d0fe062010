//! Plans a release: a fresh droplet, or going on with what a run that died has left.

use jiff::Timestamp;

use super::{Cost, Decision, Keep, Order, Outline, Plan, Planned, outdated};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Member, Version, names::operation_id},
    spec::Loaded,
    steps::{Catalogue, Create, Cutover, Moment, Origin, Retire, Step, Subject},
};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Release<'a> {
    /// The spec.
    pub spec: &'a Loaded,
    /// The herd.
    pub herd: &'a Herd,
    /// The version to release.
    pub version: &'a Version,
    /// What the account offers.
    pub catalogue: &'a Catalogue,
    /// Whether a version that is live already is released anew.
    pub again: bool,
    /// Now.
    pub now: Timestamp,
}

/// Plans it.
///
/// # Errors
/// When an earlier run of another kind must be finished first.
pub fn release(asked: &Release<'_>) -> Planned {
    let Release { herd, version, .. } = asked;
    if let Some(live) = herd.live() {
        if live.quarantined.is_some() {
            return finish_return(asked, live);
        }
        let is_ours = live.version.as_ref() == Some(*version);
        if !herd.is_settled() && (!is_ours || live.generation.is_some()) {
            return Err(unfinished(live));
        }
        if is_ours && herd.is_settled() && !asked.again {
            return Ok(match only_prune(asked) {
                Some(plan) => Decision::Run(Box::new(plan)),
                None => Decision::Nothing(format!("{version} is live already ({})", live.name)),
            });
        }
    }
    Ok(Decision::Run(Box::new(fresh(asked)?)))
}

fn unfinished(live: &Member) -> Error {
    let version = live.version_text();
    let what = match live.generation {
        None => format!("a release of {version} moved the traffic and was not finished"),
        Some(_) => format!("a rollback to {version} was not finished"),
    };
    Error::new(Kind::Failed, what)
        .at("droplet", format!("{} ({})", live.name, live.id))
        .traffic(format!("on {version}, as that run left it"))
        .hint("finish it with `remuda resume`, or undo it with `remuda abort`")
}

/// The droplet that the run goes on with: the one that has the traffic already, else the youngest
/// leftover that was made from the same spec.
fn adopted<'a>(asked: &Release<'a>) -> Option<&'a Member> {
    let digest = asked.spec.digest();
    let unpromoted = |member: &&Member| {
        member.version.as_ref() == Some(asked.version) && member.generation.is_none()
    };
    asked.herd.live().filter(unpromoted).or_else(|| {
        asked
            .herd
            .candidates(asked.version)
            .find(|member| member.spec.as_deref() == Some(digest.as_str()))
    })
}

fn fresh(asked: &Release<'_>) -> Result<Plan> {
    let Release { spec, herd, version, catalogue, .. } = asked;
    let droplet = &spec.spec.droplet;
    let adopted = adopted(asked);
    let name = adopted.map_or_else(
        || herd.scope.droplet_name(version, &operation_id()),
        |member| member.name.clone(),
    );
    if name.len() > 255 {
        return Err(Error::new(Kind::Usage, "app, environment and version make too long a name"));
    }
    let subject = adopted.map(|member| member.id);
    // a run that died after the cutover left the traffic on its own candidate
    let from = match herd.live() {
        Some(live) if Some(live.id) == subject => herd.rollback_target(),
        other => other,
    };
    let keep = Keep { subject, live_becomes_previous: herd.live().map(|m| m.id) != subject };
    let going = outdated(herd, &spec.spec.retain, keep, asked.now);

    let create = Create {
        name: name.clone(),
        size: droplet.size.clone(),
        image: droplet.image.clone(),
        region: droplet.region.clone(),
        ssh_keys: catalogue.ssh_keys.clone(),
        adopt: subject,
        quarantine: spec.spec.retain.quarantined > 0,
    };
    let cutover = Cutover {
        from: from.map_or(Origin::Nowhere, |member| Origin::Droplet(member.id)),
        expect_release: true,
        is_candidate: true,
    };
    let ids: Vec<u64> = going.iter().map(|(member, _)| member.id).collect();
    let outline = Outline {
        creates: if subject.is_none() {
            vec![format!(
                "droplet {name} ({}, {}, {})",
                droplet.size, droplet.image, droplet.region
            )]
        } else {
            Vec::new()
        },
        moves: moves(asked, from, &name),
        destroys: going.iter().map(|(m, why)| format!("droplet {} ({why})", m.name)).collect(),
        notes: notes(asked, adopted),
    };
    Ok(Plan {
        verb: "release",
        scope: herd.scope.clone(),
        version: (*version).clone(),
        subject: adopted.map(Subject::of_member),
        steps: steps(asked, create, cutover, &going),
        outline,
        cost: Some(Cost::of(&catalogue.size, herd, subject.is_none(), &ids)),
    })
}

fn steps(
    asked: &Release<'_>,
    create: Create,
    cutover: Cutover,
    going: &[(&Member, &'static str)],
) -> Vec<crate::run::Node<Step>> {
    let spec = &asked.spec.spec;
    let hook = |order: &mut Order, moment: Moment| {
        if !moment.commands(&spec.hooks).is_empty() {
            order.then(Step::Hook(moment));
        }
    };
    let mut order = Order::default();
    let packed = (!spec.stack.files.is_empty()).then(|| order.aside(Step::Pack));
    order.then(Step::Create(create));
    order.then(Step::Boot);
    order.then(Step::Trust);
    order.then(Step::Provision);
    if let Some(packed) = packed {
        order.after(Step::Deliver, vec![packed]);
    }
    hook(&mut order, Moment::BeforeStart);
    order.then(Step::Start);
    hook(&mut order, Moment::AfterStart);
    order.then(Step::Health);
    hook(&mut order, Moment::BeforeCutover);
    order.then(Step::Listen);
    order.then(Step::Cutover(cutover));
    if !spec.cutover.dns.is_empty() {
        order.then(Step::Records);
    }
    hook(&mut order, Moment::AfterCutover);
    order.then(Step::Watch);
    order.then(Step::Promote);
    order.then(retire(going, false));
    order.nodes
}

fn retire(going: &[(&Member, &'static str)], asked: bool) -> Step {
    let droplets = going.iter().map(|(member, _)| (member.id, member.name.clone())).collect();
    Step::Retire(Retire { droplets, asked })
}

fn moves(asked: &Release<'_>, from: Option<&Member>, to: &str) -> Vec<String> {
    let cutover = &asked.spec.spec.cutover;
    let from = from.map_or("nothing", |member| member.name.as_str());
    let mut moves = Vec::new();
    if let Some(ip) = cutover.reserved_ip {
        moves.push(format!("reserved IP {ip}: {from} -> {to}"));
    }
    for name in &cutover.dns {
        moves.push(format!("DNS {}: to {to}", name.fqdn()));
    }
    moves
}

fn notes(asked: &Release<'_>, adopted: Option<&Member>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(member) = adopted {
        notes.push(format!("goes on with {}, which an earlier run left", member.name));
    }
    if asked.herd.live().is_none() {
        notes.push("the first release: there is nothing to go back to yet".into());
    }
    for member in asked.herd.members.iter().filter(|member| member.left.is_some()) {
        notes.push(format!(
            "{} was left by a rollback and may hold writes; it is kept until `remuda destroy {}`",
            member.name, member.name
        ));
    }
    notes
}

/// A plan for a version that is live already: only what is not kept any longer goes.
fn only_prune(asked: &Release<'_>) -> Option<Plan> {
    let Release { spec, herd, version, .. } = asked;
    let going = outdated(herd, &spec.spec.retain, Keep::default(), asked.now);
    if going.is_empty() {
        return None;
    }
    let mut order = Order::default();
    order.then(retire(&going, false));
    let live = herd.live()?;
    Some(Plan {
        verb: "release",
        scope: herd.scope.clone(),
        version: (*version).clone(),
        subject: Some(Subject::of_member(live)),
        steps: order.nodes,
        outline: Outline {
            destroys: going.iter().map(|(m, why)| format!("droplet {} ({why})", m.name)).collect(),
            notes: vec![format!("{version} is live already ({})", live.name)],
            ..Outline::default()
        },
        cost: None,
    })
}

/// The live droplet is quarantined: a run died while it returned the traffic. Finish that.
fn finish_return(asked: &Release<'_>, live: &Member) -> Planned {
    let Release { spec, herd, .. } = asked;
    let Some(target) = herd.rollback_target() else {
        return Err(Error::new(
            Kind::TrafficUnknown,
            format!(
                "traffic is on {}, which has failed, and there is no droplet to return to",
                live.name
            ),
        )
        .traffic("on a release that failed its checks")
        .hint("release a version that is well"));
    };
    let mut order = Order::default();
    order.then(Step::Wake);
    order.then(Step::Cutover(Cutover {
        from: Origin::Stay,
        expect_release: false,
        is_candidate: false,
    }));
    if !spec.spec.cutover.dns.is_empty() {
        order.then(Step::Records);
    }
    order.then(Step::Promote);
    let version = target.version.clone().unwrap_or_else(|| (*asked.version).clone());
    let plan = Plan {
        verb: "return",
        scope: herd.scope.clone(),
        version,
        subject: Some(Subject::of_member(target)),
        steps: order.nodes,
        outline: Outline {
            moves: moves(asked, Some(live), &target.name),
            notes: vec![format!("{} failed; a run that died had begun to return", live.name)],
            ..Outline::default()
        },
        cost: None,
    };
    Ok(Decision::Return(Box::new(plan)))
}
