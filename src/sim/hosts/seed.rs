//! What a droplet's init is told at boot, and what the simulator keeps of a droplet to boot it again.

use std::net::Ipv4Addr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::Birth;

/// A [`Birth`] as it is kept and sent.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Seed {
    pub(super) id: u64,
    pub(super) hostname: String,
    pub(super) image: String,
    /// In base64: it may be gzipped.
    user_data: String,
    pub(super) ssh_keys: Vec<String>,
    pub(super) region: String,
    pub(super) public_ip: Ipv4Addr,
    /// Whether the droplet has more users than root.
    pub(super) many: bool,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The user-data holds a private key.
        f.debug_struct("Seed").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Seed {
    /// Writes a birth down.
    pub(super) fn new(birth: &Birth, many: bool) -> Self {
        Self {
            id: birth.id,
            hostname: birth.hostname.clone(),
            image: birth.image.clone(),
            user_data: BASE64_STANDARD.encode(&birth.user_data),
            ssh_keys: birth.ssh_keys.clone(),
            region: birth.region.clone(),
            public_ip: birth.public_ip,
            many,
        }
    }

    /// Returns the user-data as it was sent.
    pub(super) fn user_data(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.user_data).unwrap_or_default()
    }
}
