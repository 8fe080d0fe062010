//! What runs on a droplet: the app's files, and the commands that start and stop it.

mod bundle;
mod commands;

pub use bundle::{Packed, Place, pack, unpack};
pub use commands::{command, logs, script};
