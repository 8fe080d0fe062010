//! Carries a plan through for a command: journal, engine, and what its end means to the user.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::session::{Session, authorized_keys, holder};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Lock},
    plan::Plan,
    run::{
        Ended, Outcome, engine,
        event::{Tell, What},
        journal::{Closing, Entry, Journal, Opening},
    },
    steps::{Cutover, Surroundings, Traffic, World, evidence},
};

/// What a run may be told apart from its plan.
pub(super) struct Conduct<'a> {
    pub(super) run: String,
    pub(super) plan: &'a Plan,
    pub(super) herd: Herd,
    pub(super) lock: &'a Lock,
    pub(super) max_downtime: Option<Duration>,
    pub(super) watch_for: Option<Duration>,
}

/// Carries the plan through.
///
/// # Errors
/// What made the run fail, with where traffic is now and what to type next; its kind is the exit
/// code's.
pub(super) async fn conduct(session: &Session<'_>, conduct: Conduct<'_>) -> Result<()> {
    let Conduct { run, plan, herd, lock, max_downtime, watch_for } = conduct;
    let started = Instant::now();
    let before = herd.traffic();
    let cutover = &session.spec.spec.cutover;
    let world = World::new(
        Surroundings {
            cloud: session.cloud.clone(),
            spec: Arc::clone(&session.spec),
            scope: session.scope.clone(),
            run: run.clone(),
            version: plan.version.clone(),
            herd,
            fence: lock.fence(),
            max_downtime: max_downtime.unwrap_or(cutover.max_downtime.0),
            watch_for: watch_for.unwrap_or(cutover.watch.0),
            evidence: session.spec.dir.join(".remuda/evidence"),
            authorized_keys: authorized_keys(&session.spec)?,
        },
        plan.subject.clone(),
    );
    let journal = open(session, &run, plan)?;
    let tell = session.ui.tell();
    tell_start(&tell, &run, plan);
    let ended = engine::run(&plan.steps, &world, &journal, &tell, &session.interrupt).await?;
    drop(world.take_watch());
    drop(world.take_host());

    let traffic = traffic_now(&world, plan, &before, &ended);
    let failure = verdict(ended, &world, plan, &traffic);
    let closing = Closing {
        outcome: outcome(failure.as_ref()).into(),
        why: failure.as_ref().map(ToString::to_string),
        traffic: traffic.clone(),
        api_calls: session.calls(),
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    tell.tell(What::RunFinished {
        outcome: closing.outcome.clone(),
        millis: closing.millis,
        api_calls: closing.api_calls,
        traffic,
    });
    journal.write(Entry::Closed(closing))?;
    failure.map_or(Ok(()), Err)
}

fn open(session: &Session<'_>, run: &str, plan: &Plan) -> Result<Journal> {
    let runs = session.spec.runs();
    let journal = Journal::create(&runs, run)?;
    let spec = evidence::spec_file(&runs, run);
    std::fs::write(&spec, &session.spec.merged).map_err(|source| {
        Error::new(Kind::Failed, "cannot keep the spec").at("file", spec.display()).because(source)
    })?;
    let me = holder(run, plan.verb, "-");
    journal.write(Entry::Opened(Opening {
        run: run.to_owned(),
        verb: plan.verb.into(),
        app: session.scope.app.clone(),
        env: session.scope.env.clone(),
        version: plan.version_if_any(),
        tool: env!("CARGO_PKG_VERSION").into(),
        who: format!("{}@{}", me.user, me.machine),
        spec: session.spec.digest(),
        steps: engine::titles(&plan.steps),
    }))?;
    Ok(journal)
}

fn tell_start(tell: &Tell, run: &str, plan: &Plan) {
    tell.tell(What::RunStarted {
        run: run.to_owned(),
        verb: plan.verb.into(),
        app: plan.scope.app.clone(),
        env: plan.scope.env.clone(),
        version: plan.version_if_any(),
        steps: engine::titles(&plan.steps),
    });
}

fn traffic_now(world: &World, plan: &Plan, before: &str, ended: &Ended) -> String {
    let moved = || {
        let name = world.subject_if_any().map_or_else(String::new, |subject| subject.name);
        format!("on {} ({name})", plan.version)
    };
    match (world.traffic(), ended.outcome) {
        (Traffic::Untouched | Traffic::Returned, _) => before.to_owned(),
        (Traffic::Moved, Outcome::Done | Outcome::Settled) => moved(),
        (Traffic::Moved | Traffic::Unknown, _) => {
            format!("unknown: it was {before}, and was moving to {}", plan.version)
        }
    }
}

fn outcome(failure: Option<&Error>) -> &'static str {
    match failure.map(Error::kind) {
        None => "done",
        Some(Kind::Returned) => "returned",
        Some(Kind::Interrupted | Kind::Terminated) => "interrupted",
        Some(_) => "failed",
    }
}

/// Turns how a run ended into what the user is told, and the exit code.
fn verdict(ended: Ended, world: &World, plan: &Plan, traffic: &str) -> Option<Error> {
    let Ended { outcome, cause, stuck } = ended;
    let (step, error) = cause?;
    let error = error.at("step", step);
    let error = match (outcome, world.traffic()) {
        // the aim is reached; what remained is said, and the exit status is that of what failed
        (Outcome::Settled, _) => error.traffic(traffic),
        (_, Traffic::Returned) => {
            let kept = match error.kind() {
                kind @ (Kind::Interrupted | Kind::Terminated) => kind,
                _ => Kind::Returned,
            };
            error.kind_is(kept).traffic(format!("returned, {traffic}"))
        }
        (_, Traffic::Untouched) => {
            let kind = match error.kind() {
                Kind::Returned => Kind::Failed,
                kind => kind,
            };
            error.kind_is(kind).traffic(format!("untouched, {traffic}"))
        }
        (_, Traffic::Moved | Traffic::Unknown) => {
            Cutover::unknown(error, world.spec.spec.cutover.reserved_ip)
        }
    };
    let mut error = error;
    for (step, why) in stuck {
        error =
            error.hint(format!("{step} could not be undone ({why}); `remuda gc` clears it away"));
    }
    let hint = match plan.verb {
        "release" => "see what happened with `remuda history show`",
        _ => "see the herd with `remuda status`",
    };
    Some(error.hint(hint))
}
