//! The command line as clap reads it: global flags and the list of commands.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    completion, config, demo, destroy, exec, gc, help, history, init, logs, man, plan, prune,
    release, rollback, sim, ssh,
};
use crate::ui;

/// Releases an app onto a fresh DigitalOcean droplet every time, moves the traffic, and can go
/// back in seconds.
#[derive(Debug, Parser)]
#[command(
    name = "remuda",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that every command takes.
#[expect(clippy::struct_excessive_bools, reason = "flags are what they are")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The spec [default: droplets.yaml here or in a parent folder]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The environment [default: production]
    #[arg(short, long, global = true, alias = "destination", value_name = "ENV")]
    pub(super) env: Option<String>,
    /// The same as --env, for hands that know Kamal
    #[arg(short = 'd', global = true, hide = true, value_name = "ENV", conflicts_with = "env")]
    pub(super) destination: Option<String>,
    /// Answer every question with yes
    #[arg(short, long, global = true)]
    pub(super) yes: bool,
    /// Print the result for people, as one document, or with one event a line
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Print errors and results only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print what commands on the host print
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Print every request to the API
    #[arg(long, global = true)]
    pub(super) trace: bool,
    /// Print without colours
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// Give up the whole command after this time
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
    /// Wait this long for another run's lock [default: not at all]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(super) lock_wait: Option<Duration>,
    /// The API token [default: `DIGITALOCEAN_ACCESS_TOKEN`, then doctl's context]
    #[arg(long, global = true, value_name = "TOKEN", hide_env_values = true)]
    pub(super) access_token: Option<String>,
    /// The doctl context to take the token from
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) context: Option<String>,
}

/// What is printed on standard output: the result for people, one document, one event a line.
// The variants have no help of their own: one that had would make every command's help long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
    Jsonl,
}

impl Global {
    /// Returns how to write to the terminal.
    pub(super) fn mode(&self) -> ui::Mode {
        ui::Mode {
            output: match self.output {
                Output::Text => ui::Output::Text,
                Output::Json => ui::Output::Json,
                Output::Jsonl => ui::Output::Jsonl,
            },
            quiet: self.quiet,
            verbose: self.verbose,
            color: if self.no_color { ui::Choice::Never } else { ui::Choice::Auto },
            width: None,
        }
    }

    /// Returns the environment that was asked for.
    pub(super) fn env(&self) -> Option<String> {
        self.env.clone().or_else(|| self.destination.clone())
    }
}

/// Reads a duration as the flags spell it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::size::parse_duration(text)
}

/// What remuda can do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Stand up a fresh droplet for a version and move the traffic to it
    #[command(after_help = help::RELEASE)]
    Release(release::ReleaseArgs),
    /// Show what a release would do, what it costs and what cannot be undone
    #[command(after_help = help::PLAN)]
    Plan(plan::PlanArgs),
    /// Move the traffic back to the previous droplet, or to that of a version
    #[command(after_help = help::ROLLBACK)]
    Rollback(rollback::RollbackArgs),
    /// Finish what an interrupted run has begun
    Resume,
    /// Undo what an interrupted run has begun
    Abort,
    /// Show the herd: who is live, who can be gone back to, what it costs
    Status,
    /// List the runs made from this folder, or replay one of them
    History(history::HistoryArgs),
    /// Print the app's log, a droplet's boot log, or what a failed run left behind
    #[command(after_help = help::LOGS)]
    Logs(logs::LogsArgs),
    /// Run a command on a droplet; its streams and exit status are passed through
    #[command(after_help = help::EXEC)]
    Exec(exec::ExecArgs),
    /// Open a shell on a droplet, by its pinned host key
    #[command(after_help = help::SSH)]
    Ssh(ssh::SshArgs),
    /// Check this machine and the account; say what to do about what is wrong
    Doctor,
    /// Destroy the droplets that are not kept any longer
    Prune(prune::PruneArgs),
    /// Destroy one droplet, or the whole environment
    #[command(after_help = help::DESTROY)]
    Destroy(destroy::DestroyArgs),
    /// Clear away what runs that died have left in the account
    Gc(gc::GcArgs),
    /// Write a spec, a cloud-init template and a CI file for this folder
    #[command(after_help = help::INIT)]
    Init(init::InitArgs),
    /// Show the spec, judge it, or print its schema
    Config(config::ConfigArgs),
    /// Print the completion script for a shell
    Completion(completion::CompletionArgs),
    /// Print the manual in roff
    Man(man::ManArgs),
    /// See a release, a cutover under load and a rollback, with no account
    Demo(demo::DemoArgs),
    /// Run a DigitalOcean of your own on this machine
    Sim(sim::SimArgs),
}
