//! What droplets can be, and what they cost.

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// A size of droplet.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// Its word in requests, such as `s-1vcpu-2gb`.
    pub slug: String,
    /// What a month costs, in US dollars.
    pub price_monthly: f64,
    /// What an hour costs, in US dollars.
    pub price_hourly: f64,
    /// Its memory.
    pub memory_mib: u64,
    /// Its processors.
    pub vcpus: u64,
    /// Its disk.
    pub disk_gib: u64,
    /// The regions that have it.
    pub regions: Vec<String>,
    /// Whether new droplets can have it.
    pub available: bool,
    /// What it is for, in a few words.
    pub description: Option<String>,
}

impl Decode for Size {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            slug: node.get("slug").text()?,
            price_monthly: node.get("price_monthly").f64()?,
            price_hourly: node.get("price_hourly").f64()?,
            memory_mib: node.get("memory").maybe_u64().unwrap_or(0),
            vcpus: node.get("vcpus").maybe_u64().unwrap_or(0),
            disk_gib: node.get("disk").maybe_u64().unwrap_or(0),
            regions: node.get("regions").maybe_texts(),
            available: node.get("available").maybe_bool().unwrap_or(true),
            description: node.get("description").maybe_text(),
        })
    }
}

impl Client {
    /// Lists the sizes.
    pub async fn sizes(&self) -> Result<Vec<Size>> {
        Ok(self.list(Request::get(&["sizes"]), "sizes").await?)
    }
}
