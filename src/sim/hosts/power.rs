//! `reboot`, `poweroff` and `shutdown` inside a droplet: signals to its process 1.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Asks process 1 to boot again.
pub(super) const REBOOT: Signal = Signal::SIGINT;
/// Asks process 1 to end.
pub(super) const OFF: Signal = Signal::SIGUSR2;

/// Runs one of the three commands.
pub(super) fn run(verb: &str, args: &[OsString]) -> ExitCode {
    let reboots = verb == "reboot" || args.iter().any(|arg| arg == "-r" || arg == "--reboot");
    match kill(Pid::from_raw(1), if reboots { REBOOT } else { OFF }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "{verb}: {error}");
            ExitCode::FAILURE
        }
    }
}
