//! A DigitalOcean of your own: the v2 API on loopback, with droplets that are real hosts.
//!
//! Shares no code and no types with `cloud`, so that the two cannot agree on a mistake.
//! May use floor 0 and nothing else of the crate.

pub mod hosts;
pub mod net;
