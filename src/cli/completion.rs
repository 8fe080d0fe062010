//! `remuda completion`: the script that completes remuda's commands in a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::args::Cli;
use crate::ui::Ui;

/// The arguments of `remuda completion`.
#[derive(Debug, Args)]
pub(super) struct CompletionArgs {
    /// The shell
    pub(super) shell: Shell,
}

/// Runs it.
pub(super) fn run(args: &CompletionArgs, ui: &Ui) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "remuda", &mut script);
    let script = String::from_utf8_lossy(&script);
    let json = serde_json::json!({ "shell": args.shell.to_string(), "script": script });
    ui.result(script.trim_end(), &json);
}
