//! Which of this machine's user ids a droplet's users are.
//!
//! A droplet's root must never be this machine's root, so root gives each droplet a range that
//! nothing else uses; an unprivileged user has one id to give, which becomes the droplet's root.

use std::fs;

use nix::unistd::geteuid;

/// The first id of the range: systemd documents 0x70000000 to 0x7FFEFFFF as used by nobody.
const BASE: u32 = 0x7000_0000;
/// How many ids a droplet has when it has a range.
const COUNT: u32 = 0x1_0000;
/// The id that owns nothing, for where the range is not to be had.
const NOBODY: u32 = 65_534;

/// The user and group ids of a droplet, as seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uids {
    /// Ids 0 to 65535 inside are the ids from this one outside.
    Range(u32),
    /// Only root exists inside, and it is this id outside.
    One(u32),
    /// Only root exists inside, and it is the user who runs the simulator.
    Own,
}

impl Uids {
    /// Chooses for the user who runs this process.
    pub(super) fn choose() -> Result<Self, String> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        let uids = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let gids = fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
        if covers(&uids, BASE, COUNT) && covers(&gids, BASE, COUNT) {
            Ok(Self::Range(BASE))
        } else if covers(&uids, NOBODY, 1) && covers(&gids, NOBODY, 1) {
            Ok(Self::One(NOBODY))
        } else {
            Err("this container's root has no second user id to give to a droplet; \
                 run the simulator as an unprivileged user"
                .to_owned())
        }
    }

    /// Returns the id outside that is root inside, where that is not the caller's own.
    pub(super) fn root(self) -> Option<u32> {
        match self {
            Self::Range(base) | Self::One(base) => Some(base),
            Self::Own => None,
        }
    }

    /// Returns whether the droplet has more users than root.
    pub(super) fn many(self) -> bool {
        matches!(self, Self::Range(_))
    }

    /// Returns the map to write to `uid_map` and `gid_map`, where the parent must write it.
    pub(super) fn map(self) -> Option<String> {
        match self {
            Self::Range(base) => Some(format!("0 {base} {COUNT}")),
            Self::One(id) => Some(format!("0 {id} 1")),
            Self::Own => None,
        }
    }
}

/// Returns whether an id map of the kernel's form has all of `count` ids from `first`.
fn covers(map: &str, first: u32, count: u32) -> bool {
    let (first, end) = (u64::from(first), u64::from(first) + u64::from(count));
    map.lines().any(|line| {
        let mut numbers = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
        let (Some(Some(inside)), _, Some(Some(length))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return false;
        };
        inside <= first && end <= inside.saturating_add(length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_taken_only_where_the_whole_of_it_is_mapped() {
        assert!(covers("         0          0 4294967295\n", BASE, COUNT));
        assert!(!covers("0 100000 65536\n", BASE, COUNT));
        assert!(covers("0 100000 65536\n", NOBODY, 1));
        assert!(!covers("0 1000 1\n", NOBODY, 1));
        assert!(!covers("", 0, 1));
        assert!(!covers("x y z\n0\n", 0, 1));
    }
}
