//! A DigitalOcean of your own: the v2 API on loopback, with droplets that are real hosts.
//!
//! Shares no code and no types with `cloud`, so that the two cannot agree on a mistake.
//! May use floor 0 and nothing else of the crate.
//!
//! A request goes through `http` (token, rate limit, latency, faults) to a file of `api`, which
//! looks at or changes the `state` through the `world`. What takes time becomes an action that the
//! world carries out later: hosts and addresses first, then the account. `fault` and `latency` say
//! what goes wrong and how long it takes; `control` is the path by which tests and `remuda sim`
//! steer all that; `server` starts and ends it.

mod api;
mod catalog;
mod control;
mod fault;
pub mod hosts;
mod http;
mod latency;
pub mod net;
mod options;
mod remote;
mod server;
mod state;
mod tenancy;
mod world;

pub use fault::GRAMMAR as FAULT_GRAMMAR;
pub use http::Limits;
pub use latency::Latency;
pub use options::{Choice, Options};
pub use remote::Remote;
pub use server::{Ready, Running, Server, reset_offline};
pub use world::Tell;
