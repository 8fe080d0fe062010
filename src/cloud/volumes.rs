//! Block volumes, and the one droplet each may be attached to.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        drive::{Drive, Reading},
        failure::{Class, Failure},
        request::Request,
        wire::Answer,
    },
    error::Result,
    retry::Deadline,
};

/// A block volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its identifier.
    pub id: String,
    /// Its name, unique in its region.
    pub name: String,
    /// The word of its region.
    pub region: Option<String>,
    /// The droplets it is attached to: one at most.
    pub droplet_ids: Vec<u64>,
    /// Its size.
    pub size_gib: Option<u64>,
    /// How it was formatted.
    pub filesystem_type: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Decode for Volume {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").text()?,
            name: node.get("name").text()?,
            region: node.get("region").get("slug").maybe_text(),
            droplet_ids: node.get("droplet_ids").maybe_numbers(),
            size_gib: node.get("size_gigabytes").maybe_u64(),
            filesystem_type: node.get("filesystem_type").maybe_text(),
            created_at: node.get("created_at").maybe_time(),
            tags: node.get("tags").maybe_texts(),
        })
    }
}

/// A volume to be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewVolume {
    /// Its name, unique in its region.
    pub name: String,
    /// The word of its region.
    pub region: String,
    /// Its size.
    pub size_gib: u64,
    /// How it is formatted, `ext4` or `xfs`; none leaves it raw.
    pub filesystem_type: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

impl NewVolume {
    /// Returns the body of the request.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("name".into(), json!(self.name));
        body.insert("region".into(), json!(self.region));
        body.insert("size_gigabytes".into(), json!(self.size_gib));
        if let Some(kind) = &self.filesystem_type {
            body.insert("filesystem_type".into(), json!(kind));
        }
        if !self.tags.is_empty() {
            body.insert("tags".into(), json!(self.tags));
        }
        Value::Object(body)
    }
}

/// Returns the body of an action that attaches or detaches.
pub(crate) fn action_body(kind: &str, droplet: u64) -> Value {
    json!({ "type": kind, "droplet_id": droplet })
}

impl Client {
    /// Lists the volumes, of one region where that is given.
    pub async fn volumes(&self, region: Option<&str>) -> Result<Vec<Volume>> {
        let mut request = Request::get(&["volumes"]);
        if let Some(region) = region {
            request = request.query("region", region);
        }
        Ok(self.list(request, "volumes").await?)
    }

    /// Reads a volume; none when there is no such volume.
    pub async fn volume(&self, id: &str) -> Result<Option<Volume>> {
        Ok(self.find(&Request::get(&["volumes", id]), "volume").await?)
    }

    /// Reads the volume of this name in this region.
    pub async fn volume_named(&self, name: &str, region: &str) -> Result<Option<Volume>> {
        let request = Request::get(&["volumes"]).query("name", name).query("region", region);
        let volumes: Vec<Volume> = self.list(request, "volumes").await?;
        Ok(volumes.into_iter().find(|volume| {
            volume.name == name && volume.region.as_deref().is_none_or(|it| it == region)
        }))
    }

    /// Creates a volume, or returns the one that already has its name in its region.
    pub async fn create_volume(&self, new: &NewVolume) -> Result<Volume> {
        let find = || self.volume_named(&new.name, &new.region);
        if let Some(volume) = find().await? {
            return Ok(volume);
        }
        let request = Request::post(&["volumes"], new.body());
        let readable = |answer: &Answer| answer.one::<Volume>("volume").map(drop);
        match self.create_once(&request, self.options().reconcile, readable, find).await? {
            Outcome::Answered(answer) => Ok(answer.one("volume")?),
            Outcome::Found(volume) => Ok(volume),
        }
    }

    /// Attaches a volume to a droplet of its region and waits until the volume says so.
    ///
    /// # Errors
    /// [`Class::Final`] when it is attached to another droplet: detach it there first.
    pub async fn attach_volume(
        &self,
        id: &str,
        droplet: u64,
        deadline: &Deadline,
    ) -> Result<Volume> {
        let body = action_body("attach", droplet);
        self.hang(id, body, droplet, deadline, |it| it.droplet_ids.contains(&droplet)).await
    }

    /// Detaches a volume from a droplet and waits until the volume says so. Nothing is unmounted:
    /// that is the droplet's business, before.
    pub async fn detach_volume(
        &self,
        id: &str,
        droplet: u64,
        deadline: &Deadline,
    ) -> Result<Volume> {
        let body = action_body("detach", droplet);
        self.hang(id, body, droplet, deadline, |it| !it.droplet_ids.contains(&droplet)).await
    }

    async fn hang(
        &self,
        id: &str,
        body: Value,
        droplet: u64,
        deadline: &Deadline,
        wanted: impl Fn(&Volume) -> bool,
    ) -> Result<Volume> {
        let get = Request::get(&["volumes", id]).by(deadline);
        let (get, wanted) = (&get, &wanted);
        let read = || async move {
            match self.find::<Volume>(get, "volume").await? {
                None => {
                    let message = "the account has no such volume";
                    Err(Failure::new(Class::NotFound, "GET", &get.path(), message).into())
                }
                Some(volume) if wanted(&volume) => Ok(Reading::There(volume)),
                Some(_) => Ok(Reading::NotThere),
            }
        };
        let request = Request::post(&["volumes", id, "actions"], body);
        let drive = Drive {
            request,
            droplets: &[droplet],
            window: Duration::ZERO,
            elsewhere: false,
            deadline,
        };
        self.drive(drive, read).await
    }
}
