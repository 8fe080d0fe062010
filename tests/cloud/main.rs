//! The cloud client against servers that misbehave, and against DigitalOcean's own contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod bodies;
mod client;
mod contract;
mod create;
mod examples;
mod firewall;
mod hostile;
mod script;
mod simulator;
mod tls;
