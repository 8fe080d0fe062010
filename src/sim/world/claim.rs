//! Which loopback addresses are this simulator's own.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use crate::{
    error::{Error, Kind, Result},
    sim::state::BLOCK,
};

/// The port on a block's first address whose listener says that the block is taken.
const PORT: u16 = 47_127;

/// A block of addresses that no other simulator on this machine takes meanwhile.
#[derive(Debug)]
pub(crate) struct Claim {
    block: Ipv4Addr,
    _listener: TcpListener,
}

impl Claim {
    /// Claims a block that is free, chosen at random.
    ///
    /// # Errors
    /// When none was found in a hundred tries.
    pub(crate) fn any() -> Result<Self> {
        for _ in 0..100 {
            let [_, second, third, _] = rand::random::<[u8; 4]>();
            // 127.0 is where everything else on this machine listens
            if second != 0
                && let Ok(claim) = Self::of(Ipv4Addr::new(127, second, third & 0xf0, 0))
            {
                return Ok(claim);
            }
        }
        Err(Error::new(Kind::Failed, "found no free block of loopback addresses in 127.0.0.0/8"))
    }

    /// Claims the block that starts at `block`.
    ///
    /// # Errors
    /// When it is taken, or the machine has no such address.
    pub(crate) fn of(block: Ipv4Addr) -> Result<Self> {
        match TcpListener::bind((block, PORT)) {
            Ok(listener) => Ok(Self { block, _listener: listener }),
            Err(error) => Err(Error::new(
                Kind::Failed,
                format!("the loopback addresses from {block} on are taken by another simulator"),
            )
            .hint("remuda sim reset gives this simulator another block")
            .because(error)),
        }
    }

    /// Returns the first address.
    pub(crate) fn block(&self) -> Ipv4Addr {
        self.block
    }

    /// Returns the block in words.
    pub(crate) fn words(block: Ipv4Addr) -> String {
        format!("{block}/{}", 32 - BLOCK.trailing_zeros())
    }
}

/// Returns a droplet's public IPv6 address, from the range for documentation: it leads nowhere.
pub(crate) fn ipv6(id: u64) -> Ipv6Addr {
    Ipv6Addr::from((0x2001_0db8_0a1b_u128 << 80) | u128::from(id) << 4 | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_can_be_claimed_once() {
        let claim = Claim::any().unwrap();
        assert!(Claim::of(claim.block()).is_err());
        assert_ne!(Claim::any().unwrap().block(), claim.block());
        let block = claim.block();
        drop(claim);
        assert!(Claim::of(block).is_ok());
        assert_eq!(Claim::words(Ipv4Addr::new(127, 4, 16, 0)), "127.4.16.0/20");
    }
}
