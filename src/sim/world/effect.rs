//! What actions do: to hosts and addresses first, then to the account.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use super::{
    World,
    change::{Aftermath, apply, keep_snapshot, power, remove},
};
use crate::{
    clock,
    error::{Error, Kind, Result},
    retry,
    sim::{
        hosts::Birth,
        state::{Action, Droplet, Power, State, Status, Work},
    },
};

impl World {
    /// Does to hosts and addresses what the action says.
    pub(super) async fn perform(&self, action: &Action, resumed: bool) -> Result<()> {
        let droplet =
            action.droplet.and_then(|id| self.read(|state| state.droplets.get(&id).cloned()));
        let born = droplet.as_ref().is_some_and(|droplet| droplet.born);
        let id = droplet.as_ref().map_or(0, |droplet| droplet.id);
        match &action.work {
            Work::Create => {
                let droplet = droplet.ok_or_else(vanished)?;
                if resumed {
                    self.hosts.destroy(id).await?;
                }
                if droplet.boot_ms == 0 {
                    self.hosts.create(birth(&droplet)).await?;
                    self.lead_all(id).await?;
                }
            }
            Work::PowerOn if born => self.hosts.power_on(id).await?,
            Work::PowerOff { graceful } if born => self.hosts.power_off(id, *graceful).await?,
            Work::Reboot { graceful } if born => {
                self.hosts.power_off(id, *graceful).await?;
                self.hosts.power_on(id).await?;
            }
            Work::Snapshot { image, .. } if born => self.hosts.snapshot(id, *image).await?,
            Work::Rebuild { image } => {
                let droplet = droplet.ok_or_else(vanished)?;
                self.hosts.destroy(id).await?;
                self.hosts.create(Birth { image: image.clone(), ..birth(&droplet) }).await?;
                self.lead_all(id).await?;
            }
            Work::Assign { ip } => {
                droplet.ok_or_else(vanished)?;
                // what has no host yet is led to when it boots
                self.network.point(*ip, born.then_some(id)).await?;
            }
            Work::Unassign { ip } => self.network.point(*ip, None).await?,
            // the host goes when the account no longer knows it
            _ => {}
        }
        Ok(())
    }

    /// Changes the account as the action says, and ends the action.
    pub(super) fn settle(&self, state: &mut State, action: &Action, done: bool) -> Aftermath {
        let now = clock::now();
        let status = if done { Status::Completed } else { Status::Errored };
        state.close(action.id, status, now);
        let id = action.droplet.unwrap_or_default();
        if !done {
            return match action.work {
                Work::Create => remove(state, id),
                _ => Aftermath::default(),
            };
        }
        let mut aftermath = Aftermath::default();
        match &action.work {
            Work::Create => {
                if let Some(droplet) = state.droplets.get_mut(&id) {
                    droplet.power = Power::Active;
                    droplet.visible = droplet.visible.min(now);
                    let (polls, time) = self.blindness();
                    if polls > 0 || !time.is_zero() {
                        // a look counts before it shows
                        droplet.blind_polls = if polls > 0 { polls + 1 } else { 0 };
                        droplet.visible = super::act::after(now, time);
                    }
                    if droplet.boot_ms == 0 {
                        droplet.born = true;
                    } else {
                        aftermath.boots = Some((id, Duration::from_millis(droplet.boot_ms)));
                    }
                }
            }
            Work::PowerOn | Work::Reboot { .. } => power(state, id, Power::Active),
            Work::PowerOff { .. } => power(state, id, Power::Off),
            Work::Destroy => return remove(state, id),
            Work::Snapshot { image, name } => keep_snapshot(state, id, *image, name),
            work => apply(state, id, work),
        }
        aftermath
    }

    fn blindness(&self) -> (u64, Duration) {
        self.span(|fault| match fault {
            crate::sim::fault::Fault::NoIp(span) => Some(*span),
            _ => None,
        })
    }

    /// Does what could not be done before the account had changed.
    pub(super) async fn follow_up(self: &Arc<Self>, action: &Action, aftermath: Aftermath) {
        for ip in aftermath.unassigned {
            if let Err(error) = self.network.point(ip, None).await {
                self.report(&format!("cannot unassign {ip}: {error}"));
            }
        }
        for ip in aftermath.released {
            self.network.release(ip).await;
        }
        if let Some(id) = aftermath.destroyed
            && let Err(error) = self.hosts.destroy(id).await
        {
            self.report(&format!("cannot destroy the host of droplet {id}: {error}"));
        }
        if let Some((id, pause)) = aftermath.boots {
            let world = Arc::clone(self);
            tokio::spawn(async move { world.boot_later(id, pause).await });
        }
        // a failed move leaves the address where the account says it is
        if let Work::Assign { ip } = action.work {
            let target = self.read(|state| {
                let target = state.reserved.get(&ip).map(|entry| entry.droplet)?;
                let born = |id: &u64| state.droplets.get(id).is_some_and(|droplet| droplet.born);
                Some((target != action.droplet, target.filter(born)))
            });
            if let Some((true, target)) = target
                && let Err(error) = self.network.point(ip, target).await
            {
                self.report(&format!("cannot put {ip} back: {error}"));
            }
        }
    }

    /// Points all addresses of a droplet at its host.
    async fn lead_all(&self, id: u64) -> Result<()> {
        let addresses: Vec<Ipv4Addr> = self.read(|state| {
            let own = state.droplets.get(&id).filter(|droplet| droplet.public);
            let reserved = state.reserved.iter().filter(|(_, entry)| entry.droplet == Some(id));
            own.map(|droplet| droplet.public_ip)
                .into_iter()
                .chain(reserved.map(|(ip, _)| *ip))
                .collect()
        });
        for ip in addresses {
            self.network.point(ip, Some(id)).await?;
        }
        Ok(())
    }

    /// Makes the host of a droplet that was called active before it had one.
    pub(super) async fn boot_later(self: Arc<Self>, id: u64, pause: Duration) {
        tokio::select! {
            () = retry::sleep(pause) => {}
            () = self.ended() => return,
        }
        let made = {
            let _busy = self.busy.read().await;
            if *self.stopping.borrow() {
                return;
            }
            let waiting = |droplet: &&Droplet| droplet.power == Power::Active && !droplet.born;
            let droplet = self.read(|state| state.droplets.get(&id).filter(waiting).cloned());
            let Some(droplet) = droplet else { return };
            self.hosts.create(birth(&droplet)).await
        };
        // no address moves between the look at who has which and the leading
        let _all = self.busy.write().await;
        let led = match made {
            Ok(()) => {
                let there = self.change(|state| {
                    state.droplets.get_mut(&id).map(|droplet| droplet.born = true).is_some()
                });
                // destroyed while it booted
                if there { self.lead_all(id).await } else { self.hosts.destroy(id).await }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = led {
            self.report(&format!("droplet {id} did not boot: {error}"));
        }
        if let Err(error) = self.store.flush().await {
            self.report(&format!("cannot keep the state: {error}"));
        }
    }
}

fn vanished() -> Error {
    Error::new(Kind::Failed, "the droplet is no more")
}

/// Returns what a droplet's host is born with.
pub(super) fn birth(droplet: &Droplet) -> Birth {
    Birth {
        id: droplet.id,
        hostname: droplet.name.clone(),
        image: droplet.image.clone(),
        user_data: droplet.user_data.clone().into_bytes(),
        ssh_keys: droplet.ssh_keys.clone(),
        region: droplet.region.clone(),
        public_ip: droplet.public_ip,
    }
}
