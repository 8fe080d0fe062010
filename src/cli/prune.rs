//! `remuda prune`: destroys the droplets that are not kept any longer.

use clap::Args;

use super::{
    conduct::{Conduct, conduct},
    session::{Session, holder, run_id},
};
use crate::{
    error::Result,
    herd::{Herd, Lock, Version},
    plan::{Keep, Outline, Plan, outdated},
    run::Node,
    steps::{Retire, Step},
};

/// The arguments of `remuda prune`.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Only show what would go
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Runs it.
pub(super) async fn run(args: PruneArgs, session: &Session<'_>) -> Result<()> {
    let herd = session.herd().await?;
    let seen = going(session, &herd);
    if args.dry_run {
        report(session, "would destroy", &seen);
        return Ok(());
    }
    if seen.is_empty() && Lock::look(&session.cloud, &session.scope).await?.is_none() {
        report(session, "destroyed", &seen);
        return Ok(());
    }
    if !seen.is_empty() {
        let names: Vec<String> =
            seen.iter().map(|(_, name, why)| format!("{name} ({why})")).collect();
        session.ui.confirm("destroy these droplets?", &names, None, session.global.yes)?;
    }
    let run = run_id();
    let me = holder(&run, "prune", "-");
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let result = locked(session, run, &seen, &lock).await;
    super::unlock(lock, result).await
}

/// Droplets that go, as id, name and reason.
type Going = Vec<(u64, String, &'static str)>;

fn going(session: &Session<'_>, herd: &Herd) -> Going {
    let retain = &session.spec.spec.retain;
    outdated(herd, retain, Keep::default(), crate::clock::now())
        .into_iter()
        .map(|(member, why)| (member.id, member.name.clone(), why))
        .collect()
}

/// Destroys what was agreed to and is still not kept now that the lock is held.
async fn locked(session: &Session<'_>, run: String, agreed: &Going, lock: &Lock) -> Result<()> {
    let herd = session.herd().await?;
    let mut gone = going(session, &herd);
    gone.retain(|(id, ..)| agreed.iter().any(|(other, ..)| other == id));
    if !gone.is_empty() {
        let plan = plan(session, &gone);
        let doing = Conduct { run, plan: &plan, herd, lock, max_downtime: None, watch_for: None };
        conduct(session, doing).await?;
    }
    report(session, "destroyed", &gone);
    Ok(())
}

fn plan(session: &Session<'_>, going: &Going) -> Plan {
    let steps = going
        .iter()
        .map(|(id, name, _)| {
            let retire = Retire { droplets: vec![(*id, name.clone())], asked: true };
            Node { deed: Step::Retire(retire), needs: Vec::new() }
        })
        .collect();
    Plan {
        verb: "prune",
        scope: session.scope.clone(),
        version: Version::unknown(),
        subject: None,
        steps,
        outline: Outline::default(),
        cost: None,
    }
}

fn report(session: &Session<'_>, verb: &str, going: &Going) {
    let lines: Vec<String> =
        going.iter().map(|(_, name, why)| format!("{verb} {name} ({why})")).collect();
    let text = if lines.is_empty() { "nothing to prune".to_owned() } else { lines.join("\n") };
    let json: Vec<_> = going
        .iter()
        .map(|(id, name, why)| serde_json::json!({ "id": id, "name": name, "why": why }))
        .collect();
    session.ui.result(&text, &serde_json::json!({ "destroyed": json }));
}
