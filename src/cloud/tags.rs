//! Tags: the memory that the account keeps for us.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        failure::{Class, class_of},
        request::Request,
        wire::Answer,
    },
    error::Result,
};

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// How many resources carry it.
    pub resources: Option<u64>,
    /// How many droplets carry it.
    pub droplets: Option<u64>,
}

impl Decode for Tag {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let resources = node.get("resources");
        Ok(Self {
            name: node.get("name").text()?,
            resources: resources.get("count").maybe_u64(),
            droplets: resources.get("droplets").get("count").maybe_u64(),
        })
    }
}

/// What a tag is put on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A droplet, by its number.
    Droplet(u64),
    /// A volume, by its identifier.
    Volume(String),
    /// An image, by its number.
    Image(u64),
}

impl Target {
    /// Returns the body of the requests that put a tag on it or take it off.
    pub(crate) fn body(&self) -> Value {
        let (kind, id) = match self {
            Self::Droplet(id) => ("droplet", id.to_string()),
            Self::Volume(id) => ("volume", id.clone()),
            Self::Image(id) => ("image", id.to_string()),
        };
        json!({ "resources": [{ "resource_id": id, "resource_type": kind }] })
    }
}

impl Client {
    /// Lists the tags of the account.
    pub async fn tags(&self) -> Result<Vec<Tag>> {
        Ok(self.list(Request::get(&["tags"]), "tags").await?)
    }

    /// Reads a tag; none when there is no such tag.
    pub async fn find_tag(&self, name: &str) -> Result<Option<Tag>> {
        Ok(self.find(&Request::get(&["tags", name]), "tag").await?)
    }

    /// Creates a tag, or returns the one that exists.
    pub async fn create_tag(&self, name: &str) -> Result<Tag> {
        let request = Request::post(&["tags"], json!({ "name": name }));
        let find = || self.find_tag(name);
        let readable = |answer: &Answer| answer.one::<Tag>("tag").map(drop);
        match self.create_once(&request, Duration::ZERO, readable, find).await {
            Ok(Outcome::Answered(answer)) => Ok(answer.one("tag")?),
            Ok(Outcome::Found(tag)) => Ok(tag),
            Err(error) if matches!(class_of(&error), Some(Class::Conflict | Class::Final)) => {
                find().await?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Puts a tag on something; the tag is created if need be. Twice is once.
    pub async fn tag(&self, name: &str, target: Target) -> Result<()> {
        match self.put_tag(name, &target).await {
            Err(error) if class_of(&error) == Some(Class::NotFound) => {
                self.create_tag(name).await?;
                self.put_tag(name, &target).await
            }
            other => other,
        }
    }

    async fn put_tag(&self, name: &str, target: &Target) -> Result<()> {
        let request = Request::post(&["tags", name, "resources"], target.body()).blind();
        let find = || async move {
            let tags = match target {
                Target::Droplet(id) => self.droplet(*id).await?.map(|it| it.tags),
                Target::Volume(id) => self.volume(id).await?.map(|it| it.tags),
                Target::Image(_) => None,
            };
            let has = tags.is_some_and(|tags| tags.iter().any(|it| it.eq_ignore_ascii_case(name)));
            Ok(has.then_some(()))
        };
        self.create_once(&request, Duration::ZERO, |_| Ok(()), find).await.map(drop)
    }

    /// Takes a tag off something; where it is not, that is fine.
    pub async fn untag(&self, name: &str, target: Target) -> Result<()> {
        let mut request = Request::delete(&["tags", name, "resources"]);
        request.body = Some(target.body());
        Ok(self.remove(&request).await?)
    }

    /// Deletes a tag, from everything that carries it; one that is gone is fine.
    pub async fn delete_tag(&self, name: &str) -> Result<()> {
        Ok(self.remove(&Request::delete(&["tags", name])).await?)
    }
}
