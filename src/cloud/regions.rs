//! Where droplets can be.

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// A datacenter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its word in requests, such as `nyc3`.
    pub slug: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether droplets can be created there now.
    pub available: bool,
    /// The sizes it has.
    pub sizes: Vec<String>,
    /// What it can do, such as `ipv6` or `metadata`.
    pub features: Vec<String>,
}

impl Decode for Region {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            slug: node.get("slug").text()?,
            name: node.get("name").maybe_text(),
            available: node.get("available").maybe_bool().unwrap_or(true),
            sizes: node.get("sizes").maybe_texts(),
            features: node.get("features").maybe_texts(),
        })
    }
}

impl Client {
    /// Lists the regions.
    pub async fn regions(&self) -> Result<Vec<Region>> {
        Ok(self.list(Request::get(&["regions"]), "regions").await?)
    }
}
