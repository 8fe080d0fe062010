//! The account: its limits, and whether it may be used.

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// The account to which the token belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How many droplets it may have.
    pub droplet_limit: u64,
    /// How many reserved IPv4 addresses it may have.
    pub reserved_ip_limit: Option<u64>,
    /// How many volumes it may have.
    pub volume_limit: Option<u64>,
    /// The address of its owner.
    pub email: Option<String>,
    /// Its identifier.
    pub uuid: Option<String>,
    /// The name of the team, where the token belongs to one.
    pub team: Option<String>,
    /// `active`, `warning` or `locked`.
    pub status: Option<String>,
    /// Why it is not active.
    pub status_message: Option<String>,
}

impl Decode for Account {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let reserved = node.get("reserved_ip_limit").maybe_u64();
        Ok(Self {
            droplet_limit: node.get("droplet_limit").u64()?,
            reserved_ip_limit: reserved.or_else(|| node.get("floating_ip_limit").maybe_u64()),
            volume_limit: node.get("volume_limit").maybe_u64(),
            email: node.get("email").maybe_text(),
            uuid: node.get("uuid").maybe_text(),
            team: node.get("team").get("name").maybe_text(),
            status: node.get("status").maybe_text(),
            status_message: node.get("status_message").maybe_text(),
        })
    }
}

impl Client {
    /// Reads the account.
    pub async fn account(&self) -> Result<Account> {
        Ok(self.send(&Request::get(&["account"])).await?.one("account")?)
    }
}
