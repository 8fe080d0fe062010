//! What droplets are made from.

use jiff::Timestamp;

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// An image: a distribution, a snapshot or a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its number.
    pub id: u64,
    /// Its word in requests; snapshots have none.
    pub slug: Option<String>,
    /// Its name for people.
    pub name: Option<String>,
    /// The distribution, such as `Debian`.
    pub distribution: Option<String>,
    /// `base`, `snapshot`, `backup`, `custom` or `admin`.
    pub kind: Option<String>,
    /// Whether everybody may use it.
    pub public: Option<bool>,
    /// `available`, or why it is not: `NEW`, `pending`, `deleted`, `retired`.
    pub status: Option<String>,
    /// The regions that have it.
    pub regions: Vec<String>,
    /// The smallest disk it fits on.
    pub min_disk_gib: Option<u64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Decode for Image {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").u64()?,
            slug: node.get("slug").maybe_text(),
            name: node.get("name").maybe_text(),
            distribution: node.get("distribution").maybe_text(),
            kind: node.get("type").maybe_text(),
            public: node.get("public").maybe_bool(),
            status: node.get("status").maybe_text(),
            regions: node.get("regions").maybe_texts(),
            min_disk_gib: node.get("min_disk_size").maybe_u64(),
            created_at: node.get("created_at").maybe_time(),
        })
    }
}

impl Client {
    /// Reads an image by its slug or number; none when there is no such image.
    pub async fn image(&self, slug_or_id: &str) -> Result<Option<Image>> {
        Ok(self.find(&Request::get(&["images", slug_or_id]), "image").await?)
    }

    /// Lists the images that belong to this account: snapshots, backups, custom images.
    pub async fn private_images(&self) -> Result<Vec<Image>> {
        Ok(self.list(Request::get(&["images"]).query("private", "true"), "images").await?)
    }
}
