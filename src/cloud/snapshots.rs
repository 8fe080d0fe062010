//! Snapshots of droplets and volumes.

use jiff::Timestamp;

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// A snapshot. Its identifier is a number for droplets and a UUID for volumes.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// `droplet` or `volume`; not said in the list of one droplet's snapshots.
    pub resource_type: Option<String>,
    /// What it was taken of.
    pub resource_id: Option<String>,
    /// The regions that have it.
    pub regions: Vec<String>,
    /// When it was taken.
    pub created_at: Option<Timestamp>,
    /// Its billed size.
    pub size_gib: Option<f64>,
    /// The smallest disk it fits on.
    pub min_disk_gib: Option<u64>,
}

impl Decode for Snapshot {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").name()?,
            name: node.get("name").maybe_text(),
            resource_type: node.get("resource_type").maybe_text(),
            resource_id: node.get("resource_id").maybe_name(),
            regions: node.get("regions").maybe_texts(),
            created_at: node.get("created_at").maybe_time(),
            size_gib: node.get("size_gigabytes").maybe_f64(),
            min_disk_gib: node.get("min_disk_size").maybe_u64(),
        })
    }
}

impl Client {
    /// Lists all snapshots of the account, of droplets and of volumes.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        Ok(self.list(Request::get(&["snapshots"]), "snapshots").await?)
    }

    /// Lists the snapshots of a droplet.
    pub async fn droplet_snapshots(&self, droplet: u64) -> Result<Vec<Snapshot>> {
        let request = Request::get(&["droplets", &droplet.to_string(), "snapshots"]);
        Ok(self.list(request, "snapshots").await?)
    }

    /// Deletes a snapshot; one that is already gone is fine.
    pub async fn delete_snapshot(&self, id: &str) -> Result<()> {
        Ok(self.remove(&Request::delete(&["snapshots", id])).await?)
    }
}
