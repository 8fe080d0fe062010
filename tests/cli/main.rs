//! The command line as a person or a script meets it: help, exit codes, what needs no account, and
//! what happens when the API answers nonsense. Whole releases are in `tests/e2e`.

#![expect(clippy::disallowed_methods, reason = "tests start the binary and read the environment")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod help;
mod past;
mod spec;
mod world;
