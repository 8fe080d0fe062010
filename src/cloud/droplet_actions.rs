//! What can be done to a droplet: power, name, snapshot. Each is true when the droplet shows it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    cloud::{
        Droplet, DropletStatus, Snapshot,
        client::Client,
        drive::{Drive, Reading},
        droplets,
        failure::{Class, Failure},
        request::Request,
    },
    error::Result,
    retry::Deadline,
};

fn action(id: u64, body: Value) -> Request {
    Request::post(&["droplets", &id.to_string(), "actions"], body)
}

impl Client {
    /// Powers a droplet on and waits until it is active. One that is active is left alone.
    pub async fn power_on(&self, id: u64, deadline: &Deadline) -> Result<Droplet> {
        self.power(id, "power_on", DropletStatus::Active, deadline).await
    }

    /// Cuts a droplet's power and waits until it is off. One that is off is left alone.
    pub async fn power_off(&self, id: u64, deadline: &Deadline) -> Result<Droplet> {
        self.power(id, "power_off", DropletStatus::Off, deadline).await
    }

    /// Asks a droplet's system to shut down and waits until it is off.
    ///
    /// # Errors
    /// [`crate::error::Kind::TimedOut`] when the system does not follow: then `power_off`.
    pub async fn shutdown(&self, id: u64, deadline: &Deadline) -> Result<Droplet> {
        self.power(id, "shutdown", DropletStatus::Off, deadline).await
    }

    async fn power(
        &self,
        id: u64,
        kind: &str,
        wanted: DropletStatus,
        deadline: &Deadline,
    ) -> Result<Droplet> {
        let request = action(id, json!({ "type": kind }));
        self.steer(id, request, deadline, |droplet| droplet.status == wanted).await
    }

    /// Renames a droplet and waits until it shows the name.
    pub async fn rename(&self, id: u64, name: &str, deadline: &Deadline) -> Result<Droplet> {
        let request = action(id, json!({ "type": "rename", "name": name }));
        self.steer(id, request, deadline, |droplet| droplet.name == name).await
    }

    async fn steer(
        &self,
        id: u64,
        request: Request,
        deadline: &Deadline,
        wanted: impl Fn(&Droplet) -> bool,
    ) -> Result<Droplet> {
        let wanted = &wanted;
        let read = || async move {
            let get = droplets::one(id).by(deadline);
            match self.seen(&get, id).await? {
                Some(droplet) if wanted(&droplet) => Ok(Reading::There(droplet)),
                Some(droplet) if droplet.status == DropletStatus::New => Ok(Reading::Busy),
                None if self.may_be_late(id) => Ok(Reading::Busy),
                None => Err(gone(id).into()),
                Some(_) => Ok(Reading::NotThere),
            }
        };
        let drive =
            Drive { request, droplets: &[id], window: Duration::ZERO, elsewhere: false, deadline };
        self.drive(drive, read).await
    }

    /// Takes a snapshot of a droplet under a name that no other of its snapshots has, and waits
    /// for it; one that is already there under this name is returned.
    pub async fn snapshot(&self, id: u64, name: &str, deadline: &Deadline) -> Result<Snapshot> {
        let request = action(id, json!({ "type": "snapshot", "name": name }));
        let read = || async move {
            let get = Request::get(&["droplets", &id.to_string(), "snapshots"]).by(deadline);
            let snapshots: Vec<Snapshot> = self.list(get, "snapshots").await?;
            let ours = |snapshot: &Snapshot| snapshot.name.as_deref() == Some(name);
            Ok(snapshots.into_iter().find(ours).map_or(Reading::NotThere, Reading::There))
        };
        let window = self.options().reconcile;
        self.drive(Drive { request, droplets: &[id], window, elsewhere: false, deadline }, read)
            .await
    }
}

fn gone(id: u64) -> Failure {
    Failure::new(Class::NotFound, "GET", &format!("/v2/droplets/{id}"), "there is no such droplet")
}
