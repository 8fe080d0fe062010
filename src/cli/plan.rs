//! `remuda plan VERSION`: what a release would do, what it costs, what cannot be undone.

use std::time::Duration;

use clap::Args;

use super::{release, session::Session};
use crate::{
    error::{Error, Kind, Result},
    herd::Version,
    plan::{self, Decision, Plan},
    run::{engine, journal},
};

/// How many earlier runs the estimate of the time looks at.
const RUNS: usize = 20;

/// The arguments of `remuda plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The version to release, such as v1.4.0
    pub(super) version: String,
    /// Plan a version anew that is live already
    #[arg(long)]
    pub(super) again: bool,
    /// End with status 3 when the plan has changes
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// Runs it.
pub(super) async fn run(args: PlanArgs, session: &Session<'_>) -> Result<()> {
    let version = Version::parse(&args.version)?;
    let herd = session.herd().await?;
    let catalogue = release::look(session, &herd, &version).await?;
    let decision = release::decide(session, &herd, &catalogue, &version, args.again)?;
    explain(session, &decision, args.detailed_exitcode)
}

/// Prints a decision as the command's result.
///
/// # Errors
/// [`Kind::Changes`] when there are any and `detailed` asks for that.
pub(super) fn explain(session: &Session<'_>, decision: &Decision, detailed: bool) -> Result<()> {
    match decision {
        Decision::Nothing(text) => {
            session.ui.result(text, &serde_json::json!({ "changes": false, "note": text }));
            Ok(())
        }
        Decision::Run(plan) | Decision::Return(plan) => {
            let time = time(session, plan);
            session.ui.result(&plan::text(plan, time), &json(plan, time));
            if detailed {
                return Err(Error::new(Kind::Changes, "the plan has changes"));
            }
            Ok(())
        }
    }
}

/// Says in a line what a run is about to do.
pub(super) fn forecast(session: &Session<'_>, plan: &Plan) {
    for line in &plan.outline.notes {
        session.ui.say(line);
    }
    for line in &plan.outline.destroys {
        session.ui.say(&format!("will destroy {line}, once the new release has proved itself"));
    }
    if let Some(cost) = &plan.cost {
        session.ui.say(&format!(
            "costs ${:.5} an hour (${:.2} a month) while both droplets stand; ${:.2} a month afterwards",
            cost.droplet_hourly, cost.droplet_monthly, cost.herd_after_monthly
        ));
    }
    if let Some(time) = time(session, plan) {
        session.ui.say(&format!("takes about {}, by earlier runs", crate::size::duration(time)));
    }
}

fn time(session: &Session<'_>, plan: &Plan) -> Option<Duration> {
    let paths = journal::list(&session.spec.runs());
    let journals: Vec<_> =
        paths.iter().rev().take(RUNS).filter_map(|path| journal::read(path).ok()).collect();
    plan::estimate(plan, &plan::typical(&journals))
}

fn json(plan: &Plan, time: Option<Duration>) -> serde_json::Value {
    let steps: Vec<_> = plan
        .steps
        .iter()
        .zip(engine::titles(&plan.steps))
        .map(|(node, title)| {
            serde_json::json!({
                "name": title.name, "title": title.title, "needs": node.needs, "step": node.deed,
            })
        })
        .collect();
    serde_json::json!({
        "changes": true,
        "verb": plan.verb,
        "app": plan.scope.app,
        "env": plan.scope.env,
        "version": plan.version.as_str(),
        "steps": steps,
        "outline": plan.outline,
        "cost": plan.cost,
        "estimate_seconds": time.map(|time| time.as_secs_f64()),
    })
}
