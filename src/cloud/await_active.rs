//! Waiting for a droplet that was just created, with the patience its first minute needs.

use std::{net::Ipv4Addr, time::Duration};

use crate::{
    cloud::{
        Droplet, DropletStatus,
        actions::ActionStatus,
        client::Client,
        droplets,
        failure::{Class, Failure},
    },
    error::Result,
    retry::Deadline,
};

/// No droplet has been seen to come up sooner by much.
const EARLIEST: Duration = Duration::from_secs(20);

/// How late it may be noticed that a droplet is active, as a share of the time that has passed. Its
/// system boots meanwhile, which takes longer, and whose end is noticed on the wire: it costs
/// requests to be more exact, and saves no time.
const LATENESS: f64 = 0.1;

/// At every how manieth look the action is asked too.
const ACTION: usize = 10;

/// How often a droplet that was seen before must be missing in a row before it counts as gone.
const MISSES: usize = 3;

impl Client {
    /// Waits until a droplet is active and has a public IPv4 address.
    ///
    /// `on_poll` is told what each look showed, such as `new`. A droplet created a moment ago may
    /// be invisible for a while, and active before it has an address; both are waited for.
    ///
    /// # Errors
    /// [`Class::Vanished`] when its creation ended as errored or it disappeared: create another
    /// under a new name, after destroying this number; [`crate::error::Kind::TimedOut`] at the
    /// deadline.
    pub async fn await_active(
        &self,
        id: u64,
        deadline: &Deadline,
        on_poll: &(dyn Fn(&str) + Sync),
    ) -> Result<Droplet> {
        let created = self.creation_of(id);
        let get = droplets::one(id).by(deadline);
        let grace = Deadline::after(self.options().reconcile, "the droplet to appear");
        let mut pauses = self.pauses_expecting(EARLIEST, LATENESS);
        let (mut seen, mut missed) = (false, 0);
        for poll in 1_usize.. {
            if let Some(droplet) = self.seen(&get, id).await? {
                (seen, missed) = (true, 0);
                if droplet.status == DropletStatus::Active
                    && droplet.public_ipv4.is_some_and(|ip| ip != Ipv4Addr::UNSPECIFIED)
                {
                    on_poll("active");
                    return Ok(droplet);
                }
                on_poll(match droplet.status {
                    DropletStatus::Active => "active, without an address yet",
                    status => status.word(),
                });
            } else {
                missed += 1;
                on_poll("not visible yet");
                let is_gone = if seen { missed >= MISSES } else { grace.passed() };
                if is_gone {
                    return Err(vanished(id, "it cannot be found").into());
                }
            }
            // The droplet tells by itself when all is well; the action tells when it never will.
            if (missed > 0 || poll % ACTION == 0)
                && self.creation_failed(id, created, deadline).await?
            {
                return Err(vanished(id, "its creation ended as errored").into());
            }
            pauses.wait(deadline).await?;
        }
        Err(deadline.error())
    }

    async fn creation_failed(
        &self,
        id: u64,
        action: Option<u64>,
        deadline: &Deadline,
    ) -> Result<bool> {
        if let Some(action) = action {
            let action = self.action(action, deadline).await?;
            return Ok(action.is_some_and(|it| it.status == ActionStatus::Errored));
        }
        let actions = self.droplet_actions(id).await?;
        Ok(actions
            .iter()
            .any(|it| it.kind.as_deref() == Some("create") && it.status == ActionStatus::Errored))
    }
}

fn vanished(id: u64, why: &str) -> Failure {
    let hint = "run the command again: it creates another droplet under a new name";
    Failure {
        hint: Some(hint.into()),
        ..Failure::new(
            Class::Vanished,
            "POST",
            "/v2/droplets",
            format!("droplet {id} will not come up: {why}"),
        )
    }
}
