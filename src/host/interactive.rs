//! A session with a person at this end: the user's own ssh, on the terminal that remuda has.
//!
//! It trusts what every other session trusts. What the person adds to ssh's command line comes
//! behind our own options, and ssh keeps the first value that it meets, so none of it can make
//! ssh accept another host key.

use std::{ffi::OsStr, io, os::unix::process::ExitStatusExt as _, path::Path, process::Stdio};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use super::{
    config,
    login::{self, log_in},
    target::Target,
};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// What a person may decide, against the silence of the other sessions.
const OPEN: [&str; 4] =
    ["ControlMaster=no", "RequestTTY=auto", "ClearAllForwardings=no", "BatchMode=no"];

/// Logs in and hands the terminal to ssh until it ends; returns its exit status, which is that of
/// the remote command, 255 where the connection was lost, and 128 + the signal where ssh was killed.
///
/// `words` follow the host's name on ssh's command line: options, or a command. When `stop`
/// completes first, ssh is asked to end.
///
/// # Errors
/// Those of a login: [`Kind::TimedOut`] at the deadline, [`Kind::Failed`] for another host key.
pub async fn interactive<W: AsRef<OsStr>>(
    target: &Target,
    words: &[W],
    deadline: &Deadline,
    stop: impl Future<Output = ()>,
) -> Result<u8> {
    let nest = config::nest(target)?;
    let dir = nest.path();
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        logged_in = log_in(target, dir, deadline) => logged_in?,
        () = &mut stop => return Ok(255),
    }
    let broken = |error: io::Error| Error::new(Kind::Failed, "cannot run ssh").because(error);
    let mut child = session(target, dir, words)?.spawn().map_err(broken)?;
    let status = tokio::select! {
        status = child.wait() => status,
        () = stop => {
            // ssh puts the terminal in order before it goes, which SIGKILL would not let it do
            ask_to_end(&child);
            child.wait().await
        }
    };
    log_out(target, dir).await;
    let status = status.map_err(broken)?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
}

/// Puts what decides about trust before the words of the person.
fn session<W: AsRef<OsStr>>(target: &Target, dir: &Path, words: &[W]) -> Result<Command> {
    let mut ssh = ssh(dir);
    for option in config::trust(target, dir)?.iter().map(String::as_str).chain(OPEN) {
        ssh.arg("-o").arg(option);
    }
    ssh.arg(&target.name).args(words);
    Ok(ssh)
}

fn ssh(dir: &Path) -> Command {
    let mut ssh = login::ssh();
    ssh.arg("-F").arg(dir.join("config")).arg("-S").arg(dir.join("master"));
    ssh
}

fn ask_to_end(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid {
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
}

/// Ends the session's master. One that does not hear it ends by itself soon after.
async fn log_out(target: &Target, dir: &Path) {
    let mut ssh = ssh(dir);
    ssh.args(["-O", "exit"]).arg(&target.name);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    ssh.status().await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ssh itself makes of a command line that would like to trust anybody.
    #[tokio::test]
    async fn no_word_of_the_person_changes_the_trust() {
        let target = Target {
            name: "blog-v1".into(),
            address: [127, 0, 0, 1].into(),
            port: 2022,
            user: "deploy".into(),
            identity: None,
            keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
                    .into(),
            ],
        };
        let nest = config::nest(&target).unwrap();
        let hostile = [
            "-F/dev/null",
            "-Snone",
            "-oStrictHostKeyChecking=no",
            "-oUserKnownHostsFile=/dev/null",
            "-oGlobalKnownHostsFile=/etc/passwd",
            "-oKnownHostsCommand=/bin/true",
            "-oHostKeyAlias=other",
            "-oHostName=198.51.100.1",
            "-oHostKeyAlgorithms=+ssh-rsa",
            "-oVerifyHostKeyDNS=yes",
            "-oNoHostAuthenticationForLocalhost=yes",
            "-L8080:127.0.0.1:80",
            "-t",
            "-G",
        ];
        let Ok(output) = session(&target, nest.path(), &hostile).unwrap().output().await else {
            eprintln!("not run: no ssh client on this machine");
            return;
        };
        let seen = String::from_utf8(output.stdout).unwrap();
        let known_hosts = format!("userknownhostsfile {}/known_hosts", nest.path().display());
        for line in [
            "stricthostkeychecking true",
            known_hosts.as_str(),
            "globalknownhostsfile /dev/null",
            "hostkeyalias blog-v1",
            "hostname 127.0.0.1",
            "hostkeyalgorithms ssh-ed25519",
            "verifyhostkeydns false",
            "nohostauthenticationforlocalhost no",
            "passwordauthentication no",
            // and what is the person's to decide
            "localforward 8080 [127.0.0.1]:80",
            "clearallforwardings no",
        ] {
            assert!(seen.lines().any(|seen| seen == line), "missing {line}\n{seen}");
        }
        assert!(!seen.contains("/bin/true"), "{seen}");
    }
}
