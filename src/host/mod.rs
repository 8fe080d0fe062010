//! An SSH session: trust, run, stream in, stream out.
//!
//! One multiplexed OpenSSH connection per host, so that the user's `~/.ssh/config`, agents, jump
//! hosts and hardware keys keep working. This room knows host keys, shells and streams; it knows
//! no cloud, no step and no app. There is no way to ask it to skip the check of a host key.
//!
//! - [`Host::connect`] logs in, strictly; [`Host::run`] runs a script; [`Host::send`] and
//!   [`Host::fetch`] stream without holding the data in memory.
//! - A script travels on standard input, never in argv, and reports its own end, so that a command
//!   that was killed and a link that was lost are told apart. What a script starts is ended on the
//!   host when this process goes away or stops waiting.
//! - [`interactive()`] hands the terminal to the user's own ssh, no less strictly.
//! - [`Host::make_key`] and [`Host::activate_key`] replace the host key that was injected.

mod collect;
mod config;
mod exchange;
mod installed;
mod interactive;
mod keys;
mod link;
mod login;
mod port;
mod quote;
mod refusal;
mod run;
mod session;
mod shell;
mod stream;
mod target;

pub use installed::{is_installed, version};
pub use interactive::interactive;
pub use keys::{Activated, as_root};
pub use login::prove_key;
pub use port::wait_for_port;
pub use quote::quote;
pub use run::{OnLine, Output, Run, Stream};
pub use session::Host;
pub use stream::{Fetch, Put};
pub use target::{Target, fingerprint};
