//! The ssh configuration of one target, in a private directory that goes away with the session.
//!
//! `ssh_config` keeps the first value it meets. So what must not be weakened stands in front of
//! the user's own configuration, and what is a mere preference stands behind it.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use nix::{sys::signal::kill, unistd::Pid};
use tempfile::TempDir;

use super::target::Target;
use crate::error::{Error, Kind, Result};

/// The start of the name of every directory made here; the process id follows.
const PREFIX: &str = "remuda-ssh-";

/// A socket's path may have 108 bytes, and ssh adds 17 to ours while it binds.
const LONGEST_SOCKET: usize = 88;

/// Makes the private directory of a session: its configuration and known hosts are in it, its
/// control socket and the log of the login will be. It holds no secret.
pub(super) fn nest(target: &Target) -> Result<TempDir> {
    target.check()?;
    let broken = |error: io::Error| {
        Error::new(Kind::Failed, "cannot prepare an ssh session in the temporary directory")
            .because(error)
    };
    let parent = parent();
    sweep(&parent);
    let dir = tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", std::process::id()))
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .map_err(broken)?;
    write(&dir.path().join("known_hosts"), &target.known_hosts()?).map_err(broken)?;
    write(&dir.path().join("config"), &config(target, dir.path())?).map_err(broken)?;
    Ok(dir)
}

fn config(target: &Target, dir: &Path) -> Result<String> {
    let mut ours = trust(target, dir)?;
    ours.push(format!("User {}", target.user));
    ours.extend(QUIET.lines().map(str::to_owned));
    if let Some(identity) = &target.identity {
        ours.push(format!("IdentityFile {}", word(identity)?));
        ours.push("IdentitiesOnly yes".into());
    }
    // Only the target's own block is strict in our way: ssh hands this file to the ssh of a jump
    // host as well, and that one must find the user's own known hosts.
    Ok(format!("Host {}\n    {}\n{COMMON}", target.name, ours.join("\n    ")))
}

/// Returns the settings that decide which host is trusted, each as a keyword and its value.
pub(super) fn trust(target: &Target, dir: &Path) -> Result<Vec<String>> {
    let mut trust = vec![
        format!("HostName {}", target.address),
        format!("Port {}", target.port),
        format!("HostKeyAlias {}", target.name),
        format!("UserKnownHostsFile {}", word(&dir.join("known_hosts"))?),
    ];
    trust.extend(STRICT.lines().map(str::to_owned));
    Ok(trust)
}

/// What no configuration and no option of the user can change.
const STRICT: &str = "\
GlobalKnownHostsFile /dev/null
KnownHostsCommand none
StrictHostKeyChecking yes
HostKeyAlgorithms ssh-ed25519
CheckHostIP no
VerifyHostKeyDNS no
NoHostAuthenticationForLocalhost no
UpdateHostKeys no
CanonicalizeHostname no
PreferredAuthentications publickey
PasswordAuthentication no
KbdInteractiveAuthentication no";

/// What no configuration of the user can change: a session does what it was made for, no more.
const QUIET: &str = "\
PermitLocalCommand no
RemoteCommand none
RequestTTY no
ForwardAgent no
ForwardX11 no
ClearAllForwardings yes
ConnectTimeout 10
ConnectionAttempts 1
ServerAliveInterval 10
ServerAliveCountMax 3
TCPKeepAlive yes
LogLevel ERROR";

/// Never asks anybody anything; then the user's files, then preferences that they may override.
const COMMON: &str = "\
Host *
    BatchMode yes
    Include ~/.ssh/config
    Include /etc/ssh/ssh_config
Host *
    Ciphers ^aes128-gcm@openssh.com
";

/// Writes a path as a word of ssh's configuration, where `%` begins a token.
fn word(path: &Path) -> Result<String> {
    let wrong =
        || Error::new(Kind::Usage, "ssh cannot be given this path").at("path", path.display());
    let text = path.to_str().ok_or_else(wrong)?;
    if text.is_empty() || text.contains(['"', '\\', '\n', '\r', '\0']) || text.contains("${") {
        return Err(wrong());
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

/// The user's runtime directory where there is one: it is private, in memory, and ends with the
/// login. Otherwise the temporary directory, or `/tmp` where that is too long for a socket.
fn parent() -> PathBuf {
    let fits = |dir: &PathBuf| {
        let name = format!("/{PREFIX}{}-123456/master", u32::MAX);
        dir.is_absolute() && dir.is_dir() && dir.as_os_str().len() + name.len() <= LONGEST_SOCKET
    };
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| fits(dir) && nix::unistd::access(dir, nix::unistd::AccessFlags::W_OK).is_ok())
        .or_else(|| Some(std::env::temp_dir()).filter(fits))
        .unwrap_or_else(|| "/tmp".into())
}

/// Removes what processes left behind that were killed.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let gone = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(pid, _)| pid.parse::<i32>().ok())
            .filter(|pid| *pid > 0)
            .is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(nix::errno::Errno::ESRCH));
        if gone && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // Somebody else's directory refuses, and is not our concern.
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            name: "blog-v1".into(),
            address: [127, 0, 0, 1].into(),
            port: 2022,
            user: "deploy".into(),
            identity: Some("~/.ssh/100%".into()),
            keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
                    .into(),
            ],
        }
    }

    #[test]
    fn ours_comes_before_the_users() {
        let text = config(&target(), Path::new("/run/x")).unwrap();
        let include = text.find("Include").unwrap();
        for line in ["StrictHostKeyChecking yes", "HostKeyAlias blog-v1", "BatchMode yes"] {
            assert!(text.find(line).unwrap() < include, "{line}");
        }
        assert!(text.find("Ciphers").unwrap() > include);
        assert!(text.contains("IdentityFile \"~/.ssh/100%%\""));
    }

    #[test]
    fn paths_that_would_become_more_than_a_path_are_refused() {
        for path in ["a\"b", "a\nProxyCommand x", "${HOME}/x", ""] {
            assert!(word(Path::new(path)).is_err(), "{path:?}");
        }
    }

    /// What ssh itself makes of the file, with a hostile configuration of the user in the place
    /// of the include.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "ssh -G is asked what it understood")]
    fn the_user_cannot_weaken_it() {
        let dir = tempfile::tempdir().unwrap();
        let hostile = dir.path().join("hostile");
        fs::write(
            &hostile,
            "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nHostKeyAlgorithms +ssh-rsa\n\
             NoHostAuthenticationForLocalhost yes\nVerifyHostKeyDNS yes\nKnownHostsCommand /bin/true\n\
             GlobalKnownHostsFile /etc/passwd\nHostKeyAlias other\nPasswordAuthentication yes\n\
             RemoteCommand rm\nBatchMode no\nLogLevel QUIET\nProxyJump bastion\nForwardAgent yes\n",
        )
        .unwrap();
        let text = config(&target(), dir.path())
            .unwrap()
            .replace("Include ~/.ssh/config", &format!("Include {}", hostile.display()));
        let file = dir.path().join("config");
        fs::write(&file, text).unwrap();
        let output =
            std::process::Command::new("ssh").arg("-F").arg(&file).args(["-G", "blog-v1"]).output();
        let Ok(output) = output else {
            eprintln!("not run: no ssh client on this machine");
            return;
        };
        let seen = String::from_utf8(output.stdout).unwrap();
        let known_hosts = format!("userknownhostsfile {}/known_hosts", dir.path().display());
        for line in [
            "stricthostkeychecking true",
            known_hosts.as_str(),
            "globalknownhostsfile /dev/null",
            "hostkeyalgorithms ssh-ed25519",
            "nohostauthenticationforlocalhost no",
            "verifyhostkeydns false",
            "hostkeyalias blog-v1",
            "hostname 127.0.0.1",
            "port 2022",
            "user deploy",
            "passwordauthentication no",
            "batchmode yes",
            "loglevel ERROR",
            "forwardagent no",
            "updatehostkeys false",
            // and what the user may decide stays the user's
            "proxyjump bastion",
        ] {
            assert!(seen.lines().any(|seen| seen == line), "missing {line}\n{seen}");
        }
        assert!(!seen.contains("remotecommand rm"));
        assert!(!seen.contains("/bin/true"));
    }

    #[test]
    fn leftovers_of_dead_processes_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        // Process ids end far below this one.
        let dead = parent.path().join("remuda-ssh-2147483646-abc");
        let alive = parent.path().join(format!("remuda-ssh-{}-abc", std::process::id()));
        let other = parent.path().join("else-2147483646-abc");
        for dir in [&dead, &alive, &other] {
            fs::create_dir(dir).unwrap();
        }
        sweep(parent.path());
        assert!(!dead.exists());
        assert!(alive.exists() && other.exists());
    }
}
