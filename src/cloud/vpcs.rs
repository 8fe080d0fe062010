//! Private networks; read only.

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// A private network of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Its addresses, in CIDR notation.
    pub ip_range: Option<String>,
    /// Whether droplets of the region are put here when nothing else is said.
    pub default: bool,
}

impl Decode for Vpc {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").name()?,
            name: node.get("name").maybe_text(),
            region: node.get("region").maybe_text(),
            ip_range: node.get("ip_range").maybe_text(),
            default: node.get("default").maybe_bool().unwrap_or(false),
        })
    }
}

impl Client {
    /// Lists the private networks.
    pub async fn vpcs(&self) -> Result<Vec<Vpc>> {
        Ok(self.list(Request::get(&["vpcs"]), "vpcs").await?)
    }
}
