//! `remuda sim`: a DigitalOcean of your own, started in the foreground and steered from elsewhere.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::app::{self, AppArgs};
use crate::{
    error::{Error, Kind, Result},
    sim::{
        Choice, FAULT_GRAMMAR, Latency, Limits, Options, Ready, Remote, Running, Server, hosts,
        net, reset_offline,
    },
};

/// What a file of latencies holds.
const LATENCY_HELP: &str = "\
A file of latencies is JSON or YAML: milliseconds by name, on top of a profile.

  profile: typical        # or none
  speed: 20               # everything is that many times faster
  create: 5000            # a fixed time
  assign: {median: 3000, p95: 11000, min: 500}

Names: api create address boot_ssh assign unassign attach detach shutdown power_on snapshot
snapshot_per_gib destroy dns firewall other";

/// How long `stop` waits.
const PATIENCE: Duration = Duration::from_secs(40);

/// Runs and steers a simulator of the DigitalOcean API.
#[derive(Debug, Args)]
pub(super) struct SimArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API in the foreground
    Start(StartArgs),
    /// Show the simulator that runs
    Status(StateArgs),
    /// End the simulator that runs
    Stop(StateArgs),
    /// Empty the account, with its hosts
    Reset(StateArgs),
    /// Look at what simulated droplets need of this machine
    Doctor(StateArgs),
    /// Make things go wrong
    Fault(FaultArgs),
    /// Be the app of the demo: a web server that says which release it is
    App(AppArgs),
}

#[derive(Debug, Args)]
struct StateArgs {
    /// Where the state is kept [default: `${XDG_STATE_HOME:-~/.local/state}/remuda/sim`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HostsArg {
    /// The best that works here
    Auto,
    /// Containers
    Docker,
    /// Linux namespaces
    Namespace,
    /// No hosts, only the API
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MoveArg {
    /// They are reset, as the real thing does
    Cut,
    /// They stay with the host that they were opened to
    Drain,
}

#[derive(Debug, Args)]
#[command(after_help = LATENCY_HELP)]
struct StartArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Where to listen; loopback only, port 0 picks one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What a droplet is
    #[arg(long, value_enum, default_value = "auto")]
    hosts: HostsArg,
    /// How long everything takes: none, typical, typical/20 (20 times faster), or a file
    #[arg(long, value_name = "PROFILE", default_value = "none")]
    latency: String,
    /// The only token to accept [default: any]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Write url, dns, token, pid and hosts to this file, as JSON, when it serves
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Make something go wrong; see `remuda sim fault --help`
    #[arg(long, value_name = "RULE")]
    fault: Vec<String>,
    /// What happens to open connections when a reserved address moves
    #[arg(long, value_enum, default_value = "cut")]
    reserved_ip: MoveArg,
    /// How many requests to let through: default, off, or HOUR/MINUTE
    #[arg(long, value_name = "LIMIT", default_value = "default", value_parser = Limits::parse)]
    rate_limit: Limits,
    /// How many droplets the account may have
    #[arg(long, value_name = "N", default_value_t = 25)]
    droplet_limit: u64,
}

#[derive(Debug, Args)]
#[command(after_help = FAULT_GRAMMAR)]
struct FaultArgs {
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Debug, Subcommand)]
enum FaultCommand {
    /// Add a rule
    #[command(after_help = FAULT_GRAMMAR)]
    Add {
        /// What goes wrong, where and how often
        #[arg(value_name = "RULE")]
        rule: String,
        #[command(flatten)]
        state: StateArgs,
    },
    /// Show the rules, and how often each has struck
    List(StateArgs),
    /// Remove all rules, and let go of all requests that are held
    Clear(StateArgs),
}

/// Does what was typed.
///
/// # Errors
/// See the commands.
pub(super) async fn run(args: SimArgs) -> Result<()> {
    match args.command {
        Command::Start(args) => start(args).await,
        Command::Status(args) => status(&args.dir()?).await,
        Command::Stop(args) => stop(&args.dir()?).await,
        Command::Reset(args) => reset(&args.dir()?).await,
        Command::Doctor(_) => doctor(),
        Command::App(args) => app::run(args).await,
        Command::Fault(args) => match args.command {
            FaultCommand::Add { rule, state } => {
                Remote::need(&state.dir()?).await?.add_fault(&rule).await.map(drop)
            }
            FaultCommand::List(state) => faults(&state.dir()?).await,
            FaultCommand::Clear(state) => Remote::need(&state.dir()?).await?.clear_faults().await,
        },
    }
}

impl StateArgs {
    fn dir(&self) -> Result<PathBuf> {
        if let Some(dir) = &self.state {
            return Ok(dir.clone());
        }
        let set = |name: &str| environment(name).filter(|path| path.is_absolute());
        let base =
            set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
        base.map(|base| base.join("remuda/sim")).ok_or_else(|| {
            Error::new(Kind::Usage, "there is no home directory to keep the state in")
                .hint("--state DIR")
        })
    }
}

fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

async fn start(args: StartArgs) -> Result<()> {
    let hosts = match args.hosts {
        HostsArg::Auto => Choice::Auto,
        HostsArg::Namespace => Choice::Only(hosts::Kind::Namespace),
        HostsArg::None => Choice::Only(hosts::Kind::None),
        HostsArg::Docker => {
            return Err(Error::new(Kind::Usage, "docker hosts are not in this version")
                .hint("remuda sim start --hosts namespace"));
        }
    };
    // before anything is started, so that none of it can be missed
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let mut terminate = listen_for(SignalKind::terminate())?;
    let mut hangup = listen_for(SignalKind::hangup())?;
    let options = Options {
        listen: args.listen,
        hosts,
        latency: Latency::parse(&args.latency)?,
        token: args.token,
        faults: args.fault,
        on_move: match args.reserved_ip {
            MoveArg::Cut => net::Move::Cut,
            MoveArg::Drain => net::Move::Drain,
        },
        limits: args.rate_limit,
        droplet_limit: args.droplet_limit,
        tell: Arc::new(say),
        ..Options::new(args.state.dir()?)
    };
    let running = Server::start(options).await?;
    if let Some(note) = running.note() {
        say(note);
    }
    if let Err(error) = announce(running.ready(), args.ready_file.as_deref()) {
        running.stop().await?;
        return Err(error);
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = running.asked_to_stop() => {}
    }
    end(running, args.ready_file.as_deref()).await
}

async fn end(running: Running, ready_file: Option<&Path>) -> Result<()> {
    if let Some(file) = ready_file {
        // whoever reads it later must not find a simulator that has gone
        let _ = std::fs::remove_file(file);
    }
    running.stop().await
}

fn listen_for(kind: SignalKind) -> Result<tokio::signal::unix::Signal> {
    signal(kind).map_err(|error| Error::new(Kind::Failed, "cannot wait for signals").because(error))
}

fn announce(ready: &Ready, file: Option<&Path>) -> Result<()> {
    let line = serde_json::to_string(ready)
        .map_err(|error| Error::new(Kind::Failed, "cannot write").because(error))?;
    if let Some(file) = file {
        let beside = file.with_extension(format!("{}.part", ready.pid));
        std::fs::write(&beside, format!("{line}\n"))
            .and_then(|()| std::fs::rename(&beside, file))
            .map_err(|error| {
                Error::new(Kind::Failed, "cannot write the ready file")
                    .at("file", file.display())
                    .because(error)
            })?;
    }
    put(&line)
}

async fn status(dir: &Path) -> Result<()> {
    let remote = Remote::need(dir).await?;
    let status = remote.status().await?;
    let ready = remote.ready();
    let text = |pointer: &str| match status.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "unknown".to_owned(),
    };
    for (label, value) in [
        ("url", ready.url.clone()),
        ("dns", ready.dns.clone()),
        ("token", ready.token.clone()),
        ("pid", ready.pid.to_string()),
        ("hosts", ready.hosts.clone()),
        ("addresses", text("/account/block")),
        ("latency", text("/latency")),
        ("requests", text("/requests")),
        ("droplets", text("/account/droplets")),
        ("reserved IPs", text("/account/reserved_ips")),
        ("state", dir.display().to_string()),
    ] {
        put(&format!("{label:<13}{value}"))?;
    }
    Ok(())
}

async fn stop(dir: &Path) -> Result<()> {
    let Some(remote) = Remote::find(dir).await else {
        say("no simulator runs");
        return Ok(());
    };
    remote.stop(PATIENCE).await
}

async fn reset(dir: &Path) -> Result<()> {
    match Remote::find(dir).await {
        Some(remote) => remote.reset().await,
        None => reset_offline(dir).await,
    }
}

fn doctor() -> Result<()> {
    let findings = hosts::doctor();
    for (what, well, detail) in &findings {
        let mark = if *well { "ok" } else { "no" };
        put(&format!("{mark}  {what}: {detail}"))?;
    }
    let unwell = findings.iter().filter(|(_, well, _)| !well).count();
    if unwell == 0 {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, format!("{unwell} of {} checks failed", findings.len()))
        .hint("remuda sim start --hosts none"))
}

async fn faults(dir: &Path) -> Result<()> {
    let faults = Remote::need(dir).await?.faults().await?;
    for fault in faults.get("faults").and_then(Value::as_array).into_iter().flatten() {
        let number = |key: &str| fault.get(key).and_then(Value::as_u64);
        let rule = fault.get("rule").and_then(Value::as_str).unwrap_or_default();
        let left = number("left").map_or_else(|| "always".to_owned(), |left| left.to_string());
        let struck = number("struck").unwrap_or(0);
        put(&format!("{rule}  struck {struck}, left {left}"))?;
    }
    Ok(())
}

fn put(line: &str) -> Result<()> {
    writeln!(anstream::stdout(), "{line}")
        .map_err(|error| Error::new(Kind::Failed, "cannot write to stdout").because(error))
}

fn say(line: &str) {
    // there is nowhere left to say that stderr is gone
    let _ = writeln!(anstream::stderr(), "remuda sim: {line}");
}
