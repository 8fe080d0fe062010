//! `remuda release VERSION`: a fresh droplet, and the traffic on it.

use std::time::Duration;

use clap::Args;

use super::{
    args::duration,
    conduct::{Conduct, conduct},
    plan::{explain, forecast},
    session::{Session, authorized_keys, holder, run_id, warn},
};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Lock, Version},
    plan::{self, Decision},
    steps::{Catalogue, preflight::preflight},
};

/// The arguments of `remuda release`.
#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// The version to release, such as v1.4.0
    pub(super) version: String,
    /// Only show the plan
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Release a version anew that is live already
    #[arg(long)]
    pub(super) again: bool,
    /// Go back if visitors see a longer outage than this [default: `cutover.max_downtime`]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) max_downtime: Option<Duration>,
    /// Watch the public address this long [default: `cutover.watch`]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) watch: Option<Duration>,
}

/// Runs it.
pub(super) async fn run(args: ReleaseArgs, session: &Session<'_>) -> Result<()> {
    let version = Version::parse(&args.version)?;
    let herd = session.herd().await?;
    let catalogue = look(session, &herd, &version).await?;
    let decision = decide(session, &herd, &catalogue, &version, args.again)?;
    if args.dry_run {
        return explain(session, &decision, false);
    }
    if let Decision::Nothing(text) = &decision
        && !is_locked(session).await?
    {
        session.ui.result(text, &serde_json::json!({ "outcome": "done", "note": text }));
        return Ok(());
    }
    let run = run_id();
    let aim = version.as_str().replace('.', "_");
    let me = holder(&run, "release", &aim);
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let result = locked(session, &args, &version, run, &catalogue, &lock).await;
    super::unlock(lock, result).await
}

/// Plans anew under the lock, since the herd may have changed before it was taken.
async fn locked(
    session: &Session<'_>,
    args: &ReleaseArgs,
    version: &Version,
    run: String,
    catalogue: &Catalogue,
    lock: &Lock,
) -> Result<()> {
    let herd = session.herd_again().await?;
    let decision = decide(session, &herd, catalogue, version, args.again)?;
    let (plan, returns) = match &decision {
        Decision::Nothing(text) => {
            session.ui.result(text, &serde_json::json!({ "outcome": "done", "note": text }));
            return Ok(());
        }
        Decision::Run(plan) => (plan, false),
        Decision::Return(plan) => (plan, true),
    };
    forecast(session, plan);
    let failed_name = herd.live().map(|live| live.name.clone()).unwrap_or_default();
    let from = herd.live().map(|live| live.version_text().to_owned());
    let (max_downtime, watch_for) = (args.max_downtime, args.watch);
    let doing = Conduct { run: run.clone(), plan, herd, lock, max_downtime, watch_for };
    conduct(session, doing).await?;
    if returns {
        let to = &plan.version;
        return Err(Error::new(
            Kind::Returned,
            format!("{failed_name} had failed: traffic is back on {to}"),
        )
        .traffic(format!("returned, on {to}"))
        .hint(format!(
            "see its evidence under .remuda/evidence, then `remuda release {version}` again"
        )));
    }
    let text = format!("{version} is live");
    let json = serde_json::json!({ "outcome": "done", "run": run, "version": version.as_str(), "previous": from });
    session.ui.result(&text, &json);
    Ok(())
}

/// Checks the account, and says what is only worth a warning.
pub(super) async fn look(
    session: &Session<'_>,
    herd: &Herd,
    version: &Version,
) -> Result<Catalogue> {
    let keys = authorized_keys(&session.spec)?;
    let (catalogue, warnings) =
        preflight(&session.cloud, &session.spec, herd, version, &keys).await?;
    for warning in warnings {
        warn(session.ui, &warning);
    }
    Ok(catalogue)
}

/// Decides what a release means for the herd as it stands.
pub(super) fn decide(
    session: &Session<'_>,
    herd: &Herd,
    catalogue: &Catalogue,
    version: &Version,
    again: bool,
) -> Result<Decision> {
    let now = crate::clock::now();
    let spec = &session.spec;
    plan::release(&plan::Release { spec, herd, version, catalogue, again, now })
}

/// A run that died after its work leaves a lock that this one clears away.
async fn is_locked(session: &Session<'_>) -> Result<bool> {
    Ok(Lock::look(&session.cloud, &session.scope).await?.is_some())
}
