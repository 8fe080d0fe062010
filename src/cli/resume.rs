//! `remuda resume`: finishes what an interrupted run has begun, as the account shows it.

use super::{
    release::{self, ReleaseArgs},
    rollback::{self, RollbackArgs},
    session::Session,
};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Lock, Role, Version, lock::Seen},
};

/// What was interrupted.
enum Unfinished {
    Release(String),
    Rollback,
}

/// Runs it.
pub(super) async fn run(session: &Session<'_>) -> Result<()> {
    let (herd, lock) =
        tokio::try_join!(session.herd(), Lock::look(&session.cloud, &session.scope))?;
    let Some(unfinished) = unfinished(&herd, lock.as_ref()) else {
        return Err(Error::new(Kind::NotFound, format!("{} has nothing to resume", session.scope))
            .traffic(herd.traffic()));
    };
    match unfinished {
        Unfinished::Release(version) => {
            session.ui.say(&format!("resuming the release of {version}"));
            let args = ReleaseArgs {
                version,
                dry_run: false,
                again: false,
                max_downtime: None,
                watch: None,
            };
            release::run(args, session).await
        }
        Unfinished::Rollback => {
            session.ui.say("resuming the rollback");
            rollback::run(RollbackArgs { version: None, dry_run: false, watch: None }, session)
                .await
        }
    }
}

/// Reads from the account what was interrupted: the lock says it, or the herd shows it.
fn unfinished(herd: &Herd, lock: Option<&Seen>) -> Option<Unfinished> {
    if let Some(holder) = lock.and_then(|lock| lock.holder.as_ref()) {
        match holder.verb.as_str() {
            "release" => return Some(Unfinished::Release(holder.aim.replace('_', "."))),
            "rollback" => return Some(Unfinished::Rollback),
            _ => {}
        }
    }
    if let Some(live) = herd.live().filter(|_| !herd.is_settled()) {
        return Some(match (&live.version, live.generation) {
            (Some(version), None) => Unfinished::Release(version.to_string()),
            _ => Unfinished::Rollback,
        });
    }
    let candidate = herd.members.iter().find(|member| herd.role(member) == Role::Candidate)?;
    candidate.version.as_ref().map(Version::to_string).map(Unfinished::Release)
}
