//! Bringing a resource into a state by an action, and believing only the resource.
//!
//! Reading comes before every sending, so that sending twice has the effect of sending once: what
//! is already as wanted is done, and a lost answer is followed by a look instead of a guess.

use std::time::Duration;

use crate::{
    cloud::{
        actions::{Action, ActionStatus},
        client::Client,
        decode::{Decode as _, Node},
        failure::{Class, Failure},
        pauses::Pauses,
        request::Request,
    },
    error::Result,
    retry::Deadline,
};

/// How often a POST is sent again after its answer was lost and the state was not there.
const LOST: usize = 3;

/// At every how manieth look the action is asked too: it tells of failure, the resource of success.
const ACTION: usize = 3;

/// What the resource shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading<T> {
    /// What was wanted.
    There(T),
    /// Something else; the action may be started.
    NotThere,
    /// Something else, and another action has to end first.
    Busy,
}

/// How a resource is brought into a state.
pub(crate) struct Drive<'a> {
    /// The action to start.
    pub(crate) request: Request,
    /// The droplets that must be idle when the API says that something is pending.
    pub(crate) droplets: &'a [u64],
    /// How long the effect of a lost POST is looked for before it is sent again. Nothing where a
    /// second one does no harm.
    pub(crate) window: Duration,
    /// Whether it was elsewhere when the caller looked, a moment ago: then the action is started
    /// without another look first.
    pub(crate) elsewhere: bool,
    /// When to give up.
    pub(crate) deadline: &'a Deadline,
}

impl Client {
    /// Reads; if it is not there, starts the action; waits until the resource shows it.
    ///
    /// # Errors
    /// [`Class::Errored`] when the action failed and the resource does not show the state;
    /// [`crate::error::Kind::TimedOut`] at the deadline.
    pub(crate) async fn drive<T, Fut>(&self, drive: Drive<'_>, read: impl Fn() -> Fut) -> Result<T>
    where
        Fut: Future<Output = Result<Reading<T>>>,
    {
        let Drive { request, droplets, window, mut elsewhere, deadline } = drive;
        let request = request.by(deadline);
        let mut pauses = self.pauses();
        let (mut lost, mut again) = (0, 0);
        loop {
            // what was seen is believed once
            if !std::mem::take(&mut elsewhere) {
                match read().await? {
                    Reading::There(state) => return Ok(state),
                    Reading::Busy => {
                        pauses.wait(deadline).await?;
                        continue;
                    }
                    Reading::NotThere => {}
                }
            }
            let failure = match self.send(&request).await {
                Ok(answer) => {
                    let action = Action::decode(&Node::root(&answer.body).get("action")).ok();
                    return self.settle(&request, action, deadline, &read).await;
                }
                Err(failure) => failure,
            };
            match failure.class {
                Class::Pending => {
                    for &droplet in droplets {
                        self.await_idle(droplet, deadline).await?;
                    }
                    pauses.wait(deadline).await?;
                }
                Class::TryAgain if again < 2 => {
                    again += 1;
                    pauses.wait(deadline).await?;
                }
                Class::Ambiguous | Class::Unreadable if lost < LOST => {
                    lost += 1;
                    if let Some(state) = self.appeared(window, deadline, &mut pauses, &read).await?
                    {
                        return Ok(state);
                    }
                }
                // "Already attached", "already assigned", "not attached": what was refused may be
                // refused because it is so.
                Class::Ambiguous
                | Class::Unreadable
                | Class::Conflict
                | Class::Final
                | Class::NotFound => {
                    if let Reading::There(state) = read().await? {
                        return Ok(state);
                    }
                    return Err(failure.into());
                }
                _ => return Err(failure.into()),
            }
        }
    }

    /// Looks for the effect of a POST whose answer was lost, for `window`, and once at least.
    async fn appeared<T, Fut>(
        &self,
        window: Duration,
        deadline: &Deadline,
        pauses: &mut Pauses<'_>,
        read: &impl Fn() -> Fut,
    ) -> Result<Option<T>>
    where
        Fut: Future<Output = Result<Reading<T>>>,
    {
        let window = Deadline::after(window.min(deadline.left()), "the effect of a lost request");
        loop {
            if let Reading::There(state) = read().await? {
                return Ok(Some(state));
            }
            pauses.wait(deadline).await?;
            if window.passed() {
                return Ok(None);
            }
        }
    }

    /// Waits for the resource to show the state, with the action as a hint of failure.
    async fn settle<T, Fut>(
        &self,
        request: &Request,
        action: Option<Action>,
        deadline: &Deadline,
        read: &impl Fn() -> Fut,
    ) -> Result<T>
    where
        Fut: Future<Output = Result<Reading<T>>>,
    {
        let mut action = action;
        let mut pauses = self.pauses();
        for look in 1_usize.. {
            if let Reading::There(state) = read().await? {
                return Ok(state);
            }
            let running = action.as_ref().filter(|it| {
                it.status == ActionStatus::Errored
                    || it.status != ActionStatus::Completed && look % ACTION == 0
            });
            if let Some(running) = running {
                let errored = if running.status == ActionStatus::Errored {
                    Some(running.clone())
                } else {
                    // An action may be unknown while it runs, and for ever: the resource decides.
                    let mut now = self.action(running.id, deadline).await?;
                    if let Some(now) = &mut now {
                        now.kind = now.kind.take().or_else(|| running.kind.clone());
                    }
                    let errored = now.clone().filter(|it| it.status == ActionStatus::Errored);
                    let completed =
                        now.as_ref().is_some_and(|it| it.status == ActionStatus::Completed);
                    action = now.or(action);
                    if completed {
                        // No pause: the resource most likely shows it by now.
                        if let Reading::There(state) = read().await? {
                            return Ok(state);
                        }
                    }
                    errored
                };
                if let Some(errored) = errored {
                    return match read().await? {
                        Reading::There(state) => Ok(state),
                        _ => Err(failed(request, &errored).into()),
                    };
                }
            }
            pauses.wait(deadline).await?;
        }
        Err(deadline.error())
    }
}

fn failed(request: &Request, action: &Action) -> Failure {
    let Action { id, kind, .. } = action;
    let kind = kind.as_deref().unwrap_or("unnamed");
    let message = format!("the action {kind} {id} ended as errored");
    Failure::new(Class::Errored, request.method.as_str(), &request.path(), message)
}
