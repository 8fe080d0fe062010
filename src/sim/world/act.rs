//! Actions: begun while the account is locked, carried out later by a task of their own.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::World;
use crate::{
    clock, retry,
    sim::state::{Action, State, Status, Work},
};

/// What is to be begun.
#[derive(Debug)]
pub(crate) struct Deed {
    /// What it is called in the API.
    pub(crate) kind: &'static str,
    /// What it does.
    pub(crate) work: Work,
    /// What the API shows as `resource_type`.
    pub(crate) resource_type: &'static str,
    /// What the API shows as `resource_id`.
    pub(crate) resource_id: Option<u64>,
    /// The region's slug.
    pub(crate) region: String,
    /// The droplet that may have no other action meanwhile.
    pub(crate) droplet: Option<u64>,
    /// The volume it belongs to.
    pub(crate) volume: Option<String>,
    /// The reserved address it belongs to.
    pub(crate) ip: Option<Ipv4Addr>,
}

impl Deed {
    /// Makes one about a droplet.
    pub(crate) fn on_droplet(kind: &'static str, work: Work, droplet: u64, region: &str) -> Self {
        Self {
            kind,
            work,
            resource_type: "droplet",
            resource_id: Some(droplet),
            region: region.to_owned(),
            droplet: Some(droplet),
            volume: None,
            ip: None,
        }
    }
}

impl World {
    /// Begins an action and returns its number; [`World::launch`] must follow.
    pub(crate) fn begin(&self, state: &mut State, deed: Deed) -> u64 {
        let id = state.id();
        let now = clock::now();
        let action = Action {
            id,
            kind: deed.kind.to_owned(),
            status: Status::InProgress,
            started: now,
            completed: None,
            due: after(now, self.duration(&deed.work)),
            resource_id: deed.resource_id,
            resource_type: deed.resource_type.to_owned(),
            region: deed.region,
            droplet: deed.droplet,
            volume: deed.volume,
            ip: deed.ip,
            work: deed.work,
            doomed: self.faults.dooms(deed.kind),
        };
        state.remember(action);
        id
    }

    fn duration(&self, work: &Work) -> Duration {
        match work {
            Work::Create | Work::Rebuild { .. } => self.draw("create"),
            Work::PowerOn => self.draw("power_on"),
            Work::PowerOff { graceful: true } => self.draw("shutdown"),
            Work::Reboot { .. } => self.draw("shutdown") + self.draw("power_on"),
            // a fresh droplet's disk holds about two GiB
            Work::Snapshot { .. } => self.draw("snapshot") + self.draw("snapshot_per_gib") * 2,
            Work::Destroy => self.draw("destroy"),
            Work::Assign { .. } | Work::Assign6 { .. } => self.draw("assign"),
            Work::Unassign { .. } | Work::Unassign6 { .. } => self.draw("unassign"),
            Work::Attach { .. } => self.draw("attach"),
            Work::Detach { .. } => self.draw("detach"),
            Work::PowerOff { graceful: false }
            | Work::Rename { .. }
            | Work::Resize { .. }
            | Work::EnableIpv6
            | Work::Backups { .. }
            | Work::Grow { .. }
            | Work::Nothing => self.draw("other"),
        }
    }

    /// Carries actions out when they are due; returns when those that are due now are done.
    pub(crate) async fn launch(self: &Arc<Self>, actions: impl IntoIterator<Item = u64>) {
        let now = clock::now();
        let mut at_once = Vec::new();
        for id in actions {
            let due = self.read(|state| state.actions.get(&id).map(|action| action.due));
            let world = Arc::clone(self);
            let task = tokio::spawn(async move { world.carry_out(id, false).await });
            if due.is_some_and(|due| due <= now) {
                at_once.push(task);
            }
        }
        for task in at_once {
            // a task that panicked has nothing to report that this answer could carry
            drop(task.await);
        }
    }

    /// Waits until an action is due, and does it.
    pub(super) async fn carry_out(self: Arc<Self>, id: u64, resumed: bool) {
        let Some(action) = self.read(|state| state.actions.get(&id).cloned()) else { return };
        if action.status != Status::InProgress {
            return;
        }
        tokio::select! {
            () = retry::sleep(until(action.due)) => {}
            () = self.ended() => return,
        }
        let _busy = self.busy.read().await;
        if *self.stopping.borrow() {
            return;
        }
        let done = if action.doomed {
            false
        } else {
            match self.perform(&action, resumed).await {
                Ok(()) => true,
                Err(error) => {
                    self.report(&format!("action {id} ({}) failed: {error}", action.kind));
                    false
                }
            }
        };
        let aftermath = self.change(|state| self.settle(state, &action, done));
        self.follow_up(&action, aftermath).await;
        if let Err(error) = self.store.flush().await {
            self.report(&format!("cannot keep the state: {error}"));
        }
    }
}

/// Returns the moment `pause` after `moment`.
pub(crate) fn after(moment: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| moment.checked_add(pause).ok())
        .unwrap_or(moment)
}

/// Returns how long it is until `moment`, zero when it has passed.
pub(crate) fn until(moment: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(clock::now())).unwrap_or(Duration::ZERO)
}
