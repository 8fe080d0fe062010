//! Beginning and ending: after a restart hosts run again, addresses lead where they led, actions
//! go on; at the end nothing runs.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::World;
use crate::sim::state::{Droplet, Power, State};

/// How long hosts may take to shut down when the simulator ends.
const GRACE: Duration = Duration::from_secs(5);

impl World {
    /// Makes hosts and addresses agree with the account that was read.
    pub(crate) async fn wake(self: &Arc<Self>) {
        let (droplets, reserved, actions) = self.read(|state| {
            let droplets: Vec<_> = state.droplets.values().cloned().collect();
            let reserved: Vec<_> =
                state.reserved.iter().map(|(ip, entry)| (*ip, entry.droplet)).collect();
            let actions: Vec<u64> = state.open().map(|action| action.id).collect();
            (droplets, reserved, actions)
        });
        for droplet in droplets.iter().filter(|droplet| droplet.power == Power::Active) {
            if !droplet.born {
                let world = Arc::clone(self);
                let (id, pause) = (droplet.id, Duration::from_millis(droplet.boot_ms));
                tokio::spawn(async move { world.boot_later(id, pause).await });
            }
        }
        let born = || droplets.iter().filter(|droplet| droplet.born);
        let on = born().filter(|droplet| droplet.power == Power::Active);
        join_all(on.map(async |droplet| {
            if let Err(error) = self.hosts.power_on(droplet.id).await {
                self.report(&format!("droplet {} did not boot again: {error}", droplet.id));
            }
        }))
        .await;
        for droplet in born().filter(|droplet| droplet.public) {
            self.lead(droplet.public_ip, Some(droplet.id)).await;
        }
        for (ip, droplet) in reserved {
            let led = droplet.filter(|id| born().any(|droplet| droplet.id == *id));
            self.lead(ip, led).await;
        }
        for id in actions {
            let world = Arc::clone(self);
            tokio::spawn(async move { world.carry_out(id, true).await });
        }
    }

    async fn lead(&self, ip: Ipv4Addr, droplet: Option<u64>) {
        if let Err(error) = self.network.point(ip, droplet).await {
            self.report(&format!("cannot open {ip}: {error}"));
        }
    }

    /// Stops all hosts and gives all addresses up; the account stays as it is.
    pub(crate) async fn rest(&self) {
        self.stopping.send_replace(true);
        self.faults.clear(None);
        // what is being done to hosts is done first, if that is soon
        let _all = tokio::time::timeout(GRACE, self.busy.write()).await;
        let on = |droplet: &&Droplet| droplet.born && droplet.power == Power::Active;
        let ids: Vec<u64> = self
            .read(|state| state.droplets.values().filter(on).map(|droplet| droplet.id).collect());
        let gracefully = join_all(ids.iter().map(|id| self.hosts.power_off(*id, true)));
        drop(tokio::time::timeout(GRACE, gracefully).await);
        self.hosts.close().await;
        for ip in self.addresses() {
            self.network.release(ip).await;
        }
    }

    /// Empties the account, with its hosts and addresses; the block of addresses stays.
    pub(crate) async fn reset(&self) {
        let _all = self.busy.write().await;
        let (ids, images): (Vec<u64>, Vec<u64>) = self.read(|state| {
            (state.droplets.keys().copied().collect(), state.images.keys().copied().collect())
        });
        for ip in self.addresses() {
            self.network.release(ip).await;
        }
        for id in ids {
            if let Err(error) = self.hosts.destroy(id).await {
                self.report(&format!("cannot destroy the host of droplet {id}: {error}"));
            }
        }
        for id in images {
            if let Err(error) = self.hosts.delete_snapshot(id).await {
                self.report(&format!("cannot remove the disk of image {id}: {error}"));
            }
        }
        self.faults.clear(None);
        self.log.reset();
        self.forget_rates();
        self.change(|state| *state = State::new(state.block));
    }

    fn addresses(&self) -> Vec<Ipv4Addr> {
        self.read(|state| {
            let droplets = state.droplets.values().map(|droplet| droplet.public_ip);
            droplets.chain(state.reserved.keys().copied()).collect()
        })
    }
}
