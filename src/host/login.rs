//! Logging in with the system's ssh, again and again until it succeeds or cannot.
//!
//! The `openssh` crate speaks to the session afterwards. It is not asked to log in, because it can
//! neither end an attempt at a deadline nor tell a wrong host key from a host that still boots.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Stdio,
    time::Duration,
};

use openssh::Session;
use tokio::process::Command;

use super::{
    config,
    refusal::{Refusal, read, refused, too_late},
    target::Target,
};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// The master of a session ends this long after its last user, so that a killed process leaves
/// none behind; a live [`Link`](super::link::Link) keeps one user connected.
const PERSIST: &str = "ControlPersist=10";

/// Nothing is said over a connection that only proves a key: a key exchange that keeps its secrets
/// from the computers of the future would take a third of its time.
const QUICK: &str = "KexAlgorithms=^curve25519-sha256,curve25519-sha256@libssh.org";

/// How often a refused login is tried again: cloud-init may still be creating the user. Slowly,
/// because current sshd locks out an address that fails too often.
const DENIED: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];

/// Secrets of this process that no ssh, and through `SendEnv` no host, may inherit.
const SECRETS: [&str; 6] = [
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DIGITALOCEAN_TOKEN",
    "SPACES_ACCESS_KEY_ID",
    "SPACES_SECRET_ACCESS_KEY",
    "SOPS_AGE_KEY",
    "SOPS_AGE_KEY_FILE",
];

/// Starts the master of a session in `dir`, trying until the deadline.
pub(super) async fn log_in(target: &Target, dir: &Path, deadline: &Deadline) -> Result<()> {
    try_until(target, dir, deadline, Patience::WithABoot).await
}

/// Proves, by a new connection, that the host at this address holds one of the target's keys.
///
/// It logs in and out again, sharing nothing with another session. An address that is being moved
/// leads to the old host for a moment, so another key is an error only at the deadline.
///
/// # Errors
/// [`Kind::TimedOut`] when nothing answers in time; [`Kind::Failed`] when another key answered to
/// the end, saying which, or when the login is refused.
pub async fn prove_key(target: &Target, deadline: &Deadline) -> Result<()> {
    let dir = config::nest(target)?;
    try_until(target, dir.path(), deadline, Patience::WithAMove).await?;
    // A master that nobody will use is quicker than a command, which would start a shell there.
    // Dropped, the session ends it.
    drop(Session::new_native_mux(dir));
    Ok(())
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// A host that comes up: another key is final.
    WithABoot,
    /// An address that moves: another key is that of the old host.
    WithAMove,
}

async fn try_until(
    target: &Target,
    dir: &Path,
    deadline: &Deadline,
    patience: Patience,
) -> Result<()> {
    let mut denied = DENIED.iter();
    let mut pause = Duration::from_millis(200);
    let mut last: Option<(Refusal, String)> = None;
    loop {
        let attempt = deadline.bound(attempt(target, dir, patience)).await;
        let log = match attempt {
            Ok(None) => return Ok(()),
            Ok(Some(log)) => log,
            Err(error) if error.kind() == Kind::TimedOut => {
                return Err(too_late(target, deadline, last, &said_in(&dir.join("log"))));
            }
            Err(error) => return Err(error),
        };
        let refusal = read(target, &log);
        let wait = match &refusal {
            Refusal::NotYet => pause,
            Refusal::WrongKey(_) if patience == Patience::WithAMove => {
                pause.max(Duration::from_millis(500))
            }
            Refusal::Denied => match denied.next() {
                Some(wait) => *wait,
                None => return Err(refused(target, &refusal, &log)),
            },
            _ => return Err(refused(target, &refusal, &log)),
        };
        last = Some((refusal, log));
        if deadline.left() <= wait {
            return Err(too_late(target, deadline, last, ""));
        }
        deadline.pause(wait).await?;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Runs ssh once: `None` when it logged in, else all that it said.
async fn attempt(target: &Target, dir: &Path, patience: Patience) -> Result<Option<String>> {
    let cannot = |error: io::Error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::new(Kind::Failed, "cannot start ssh").because(error);
        if missing { error.hint("apt-get install openssh-client") } else { error }
    };
    let log = dir.join("log");
    let said = File::create(&log).map_err(cannot)?;
    let mut ssh = ssh();
    ssh.arg("-F").arg(dir.join("config"));
    ssh.arg("-S").arg(dir.join("master")).args(["-M", "-N", "-f", "-o", PERSIST]);
    if patience == Patience::WithAMove {
        ssh.args(["-o", QUICK]);
    }
    ssh.arg(&target.name);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).kill_on_drop(true);
    let status = ssh.status().await.map_err(cannot)?;
    if status.success() {
        return Ok(None);
    }
    let mut text = said_in(&log);
    if text.contains("kex_exchange_identification") || text.contains("UNKNOWN port") {
        text.push_str(&through_a_jump_host(target, dir).await.map_err(cannot)?);
    }
    Ok(Some(text))
}

/// Asks once more without a master, where a jump host is on the way: a master throws away what the
/// jump host's ssh says.
async fn through_a_jump_host(target: &Target, dir: &Path) -> io::Result<String> {
    let config = dir.join("config");
    let way = ssh().arg("-F").arg(&config).args(["-G", &target.name]).output().await?;
    if !String::from_utf8_lossy(&way.stdout).contains("\nproxy") {
        return Ok(String::new());
    }
    let log = dir.join("log");
    let said = File::create(&log)?;
    let mut ssh = ssh();
    ssh.arg("-F").arg(config).args(["-S", "none", &target.name, "exit"]);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).kill_on_drop(true);
    ssh.status().await?;
    Ok(said_in(&log))
}

fn said_in(log: &Path) -> String {
    fs::read(log).map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one door to ssh")]
pub(super) fn ssh() -> Command {
    let mut ssh = Command::new("ssh");
    for name in SECRETS {
        ssh.env_remove(name);
    }
    ssh
}
