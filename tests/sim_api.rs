//! The simulator's API over HTTP, as clients meet it: hosts are `none`, everything else is real.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "sim_api/clients.rs"]
mod clients;
#[path = "sim_api/cloud.rs"]
mod cloud;
#[path = "sim_api/command.rs"]
mod command;
#[path = "sim_api/contract.rs"]
mod contract;
#[path = "sim_api/faults.rs"]
mod faults;
#[path = "sim_api/lifecycle.rs"]
mod lifecycle;
#[path = "sim_api/manners.rs"]
mod manners;
#[path = "sim_api/openapi.rs"]
mod openapi;
#[path = "sim_api/restart.rs"]
mod restart;
