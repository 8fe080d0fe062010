//! `remuda gc`: clears away what runs that died have left: a stale lock, stray droplets, idle tags.

use clap::Args;

use super::session::{Session, holder, run_id};
use crate::{
    error::Result,
    herd::{Herd, Lock, Mark, Role},
    steps::sweep,
};

/// The arguments of `remuda gc`.
#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Only show what would go
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Runs it.
pub(super) async fn run(args: GcArgs, session: &Session<'_>) -> Result<()> {
    let herd = session.herd().await?;
    let strays = strays(&herd);
    let tags = idle_tags(session).await?;
    if args.dry_run {
        let mut lines: Vec<String> =
            strays.iter().map(|(_, name)| format!("would destroy {name}")).collect();
        lines.extend(tags.iter().map(|tag| format!("would delete the tag {tag}")));
        report(session, &lines);
        return Ok(());
    }
    if !strays.is_empty() {
        let names: Vec<String> = strays.iter().map(|(_, name)| name.clone()).collect();
        session.ui.confirm("destroy these leftovers?", &names, None, session.global.yes)?;
    }
    let me = holder(&run_id(), "gc", "-");
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    // taking the lock breaks a stale one on the way
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let broken = lock.predecessor().map(|old| format!("broke the lock of {}", old.describe()));
    let result = locked(session, &strays, broken).await;
    super::unlock(lock, result).await
}

/// Droplets that were never promoted, take no traffic and are not kept for a look.
pub(super) fn strays(herd: &Herd) -> Vec<(u64, String)> {
    herd.members
        .iter()
        .filter(|member| herd.role(member) == Role::Candidate)
        .map(|member| (member.id, member.name.clone()))
        .collect()
}

async fn locked(
    session: &Session<'_>,
    agreed: &[(u64, String)],
    broken: Option<String>,
) -> Result<()> {
    let herd = session.herd().await?;
    let mut lines: Vec<String> = broken.into_iter().collect();
    for (id, name) in strays(&herd) {
        if agreed.iter().any(|(other, _)| *other == id) {
            sweep(&session.cloud, &session.scope, &session.spec.spec.cutover, id).await?;
            lines.push(format!("destroyed {name}"));
        }
    }
    for tag in idle_tags(session).await? {
        session.cloud.delete_tag(&tag).await?;
        lines.push(format!("deleted the tag {tag}"));
    }
    report(session, &lines);
    Ok(())
}

/// Tags of remuda that nothing carries. Those of other environments' locks are not touched.
async fn idle_tags(session: &Session<'_>) -> Result<Vec<String>> {
    let ours = session.scope.lock_tag_prefix();
    let firewalls = session.cloud.firewalls().await?;
    let is_held = |tag: &str| firewalls.iter().any(|f| f.tags.iter().any(|held| held == tag));
    let all = session.cloud.tags().await?;
    Ok(all
        .into_iter()
        .filter(|tag| tag.resources == Some(0))
        .map(|tag| tag.name)
        .filter(|name| Mark::parse(name).is_some() || name.starts_with(&ours))
        .filter(|name| !is_held(name))
        .collect())
}

fn report(session: &Session<'_>, lines: &[String]) {
    let text = if lines.is_empty() { "nothing to clear away".to_owned() } else { lines.join("\n") };
    session.ui.result(&text, &serde_json::json!({ "done": lines }));
}
