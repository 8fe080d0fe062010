//! What takes time: an action as the API shows it, and the work that it stands for.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Not done yet.
    InProgress,
    /// Done.
    Completed,
    /// Failed; what it was to change is as before.
    Errored,
}

impl Status {
    /// Returns the word the API uses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Errored => "errored",
        }
    }
}

/// One action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    /// Its number.
    pub(crate) id: u64,
    /// What it is called in the API, such as `create` or `assign_ip`.
    pub(crate) kind: String,
    /// How it stands.
    pub(crate) status: Status,
    /// When it was asked for.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) completed: Option<Timestamp>,
    /// When it is due to end, before its effect.
    pub(crate) due: Timestamp,
    /// What the API shows as `resource_id`.
    pub(crate) resource_id: Option<u64>,
    /// What the API shows as `resource_type`.
    pub(crate) resource_type: String,
    /// The region's slug.
    pub(crate) region: String,
    /// The droplet that may have no other action meanwhile.
    pub(crate) droplet: Option<u64>,
    /// The volume it belongs to.
    pub(crate) volume: Option<String>,
    /// The reserved address it belongs to.
    pub(crate) ip: Option<Ipv4Addr>,
    /// What is to be done.
    pub(crate) work: Work,
    /// Whether a fault rule decided that it fails.
    pub(crate) doomed: bool,
}

/// What an action does when it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Makes the droplet's host and boots it.
    Create,
    /// Boots the droplet.
    PowerOn,
    /// Stops the droplet, gracefully or not.
    PowerOff {
        /// Whether it is asked to shut down.
        graceful: bool,
    },
    /// Stops the droplet and boots it again.
    Reboot {
        /// Whether it is asked to shut down.
        graceful: bool,
    },
    /// Gives the droplet another name.
    Rename {
        /// The new name.
        name: String,
    },
    /// Gives the droplet another size.
    Resize {
        /// The new size's slug.
        size: String,
        /// Whether its disk grows too, which cannot be undone.
        disk: bool,
    },
    /// Copies the droplet's disk to an image.
    Snapshot {
        /// The image's number.
        image: u64,
        /// The image's name.
        name: String,
    },
    /// Makes the droplet's host anew from an image.
    Rebuild {
        /// The image's slug or number.
        image: String,
    },
    /// Gives the droplet an IPv6 address.
    EnableIpv6,
    /// Turns backups on or off.
    Backups {
        /// Whether they are on.
        on: bool,
    },
    /// Destroys the droplet.
    Destroy,
    /// Points a reserved address at the droplet.
    Assign {
        /// The address.
        ip: Ipv4Addr,
    },
    /// Takes a reserved address away from whatever has it.
    Unassign {
        /// The address.
        ip: Ipv4Addr,
    },
    /// Points a reserved IPv6 address at the droplet.
    Assign6 {
        /// The address.
        ip: Ipv6Addr,
    },
    /// Takes a reserved IPv6 address away from whatever has it.
    Unassign6 {
        /// The address.
        ip: Ipv6Addr,
    },
    /// Attaches a volume to the droplet.
    Attach {
        /// The volume.
        volume: String,
    },
    /// Detaches a volume from the droplet.
    Detach {
        /// The volume.
        volume: String,
    },
    /// Grows a volume.
    Grow {
        /// The volume.
        volume: String,
        /// GiB.
        size: u64,
    },
    /// Nothing that the simulator has: it only takes its time.
    Nothing,
}
