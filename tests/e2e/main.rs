//! The real binary against the simulator, over HTTP and SSH, on real hosts with real traffic.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests start processes, sleep, speak HTTP, say what they measured, and fail loudly"
)]

mod budget;
mod cutover;
mod faults;
mod keepalive;
mod kill;
mod lock;
mod look;
mod release;
mod tidy;
mod world;
