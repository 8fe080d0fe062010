//! `remuda rollback [VERSION]`: back to the previous droplet, in seconds.

use std::time::Duration;

use clap::Args;

use super::{
    args::duration,
    conduct::{Conduct, conduct},
    plan::explain,
    session::{Session, holder, run_id},
};
use crate::{
    error::Result,
    herd::{Herd, Lock, Version},
    plan::{self, Decision},
};

/// The arguments of `remuda rollback`.
#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The version to go back to [default: the previous one]
    pub(super) version: Option<String>,
    /// Only show the plan
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Watch the public address this long afterwards [default: not at all]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) watch: Option<Duration>,
}

/// Runs it.
pub(super) async fn run(args: RollbackArgs, session: &Session<'_>) -> Result<()> {
    let to = args.version.as_deref().map(Version::parse).transpose()?;
    let herd = session.herd_again().await?;
    if args.dry_run {
        let decision = decide(session, &herd, to.as_ref(), None, args.watch.is_some())?;
        return explain(session, &decision, false);
    }
    let run = run_id();
    let aim = aim(&herd, to.as_ref());
    let me = holder(&run, "rollback", &aim);
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let result = locked(session, &args, to.as_ref(), run, &lock).await;
    super::unlock(lock, result).await
}

/// What the lock says that this rollback is going to, for whoever has to finish it.
fn aim(herd: &Herd, to: Option<&Version>) -> String {
    let target = match to {
        Some(version) => {
            herd.members.iter().find(|member| member.version.as_ref() == Some(version))
        }
        None => herd.rollback_target(),
    };
    target.map_or_else(|| "-".into(), |member| member.id.to_string())
}

async fn locked(
    session: &Session<'_>,
    args: &RollbackArgs,
    to: Option<&Version>,
    run: String,
    lock: &Lock,
) -> Result<()> {
    let unfinished = lock
        .predecessor()
        .filter(|predecessor| predecessor.verb == "rollback")
        .and_then(|predecessor| predecessor.aim.parse().ok());
    // another run may have changed the herd before the lock was ours
    let herd = session.herd_again().await?;
    let decision = decide(session, &herd, to, unfinished, args.watch.is_some())?;
    let (Decision::Run(plan) | Decision::Return(plan)) = &decision else {
        if let Decision::Nothing(text) = &decision {
            session.ui.result(text, &serde_json::json!({ "outcome": "done", "note": text }));
        }
        return Ok(());
    };
    for note in &plan.outline.notes {
        session.ui.say(note);
    }
    let from = herd.live().map(|live| live.version_text().to_owned());
    let doing =
        Conduct { run: run.clone(), plan, herd, lock, max_downtime: None, watch_for: args.watch };
    conduct(session, doing).await?;
    let version = plan.version.as_str();
    let text = format!("{version} is live again");
    let json =
        serde_json::json!({ "outcome": "done", "run": run, "version": version, "left": from });
    session.ui.result(&text, &json);
    Ok(())
}

fn decide(
    session: &Session<'_>,
    herd: &Herd,
    to: Option<&Version>,
    unfinished: Option<u64>,
    watch: bool,
) -> Result<Decision> {
    plan::rollback(&plan::Rollback { spec: &session.spec, herd, to, unfinished, watch })
}
