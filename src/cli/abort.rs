//! `remuda abort`: undoes what an interrupted run has begun: traffic back, candidates gone.

use super::{
    gc,
    rollback::{self, RollbackArgs},
    session::{Session, holder, run_id},
};
use crate::{
    error::{Error, Kind, Result},
    herd::Lock,
    steps::sweep,
};

/// Runs it.
pub(super) async fn run(session: &Session<'_>) -> Result<()> {
    let herd = session.herd().await?;
    let mut done = Vec::new();
    if let Some(live) = herd.live().filter(|_| !herd.is_settled()) {
        if live.generation.is_some() {
            return Err(Error::new(
                Kind::Failed,
                format!("an interrupted rollback has moved the traffic to {}", live.version_text()),
            )
            .traffic(herd.traffic())
            .hint(
                "finish it with `remuda resume`, or go elsewhere with `remuda rollback VERSION`",
            ));
        }
        // the rollback's own plan: it marks the candidate as failed before traffic leaves it
        rollback::run(RollbackArgs { version: None, dry_run: false, watch: None }, session).await?;
        done.push(format!("moved the traffic off {}", live.name));
    }
    let strays = gc::strays(&herd);
    let locked = Lock::look(&session.cloud, &session.scope).await?;
    if strays.is_empty() && locked.is_none() && done.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("{} has nothing to abort", session.scope))
            .traffic(herd.traffic()));
    }
    let me = holder(&run_id(), "abort", "-");
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let result = async {
        let herd = session.herd().await?;
        for (id, name) in gc::strays(&herd) {
            sweep(&session.cloud, scope, &session.spec.spec.cutover, id).await?;
            done.push(format!("destroyed {name}"));
        }
        Ok(())
    }
    .await;
    super::unlock(lock, result).await?;
    done.push("the lock is free".into());
    session.ui.result(&done.join("\n"), &serde_json::json!({ "done": done }));
    Ok(())
}
