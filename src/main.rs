//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A simulated droplet is this same binary under another first argument; it must be
    // single-threaded while it enters its namespaces, so it is answered before any runtime starts.
    if let Some(code) = remuda::sim::hosts::entry(std::env::args_os()) {
        return code;
    }
    remuda::cli::run(std::env::args_os())
}
