//! `sudo` inside a droplet: process 1 runs the command for those whom a NOPASSWD rule allows it.
//!
//! A droplet's programs gain no rights by being run, so the command is not the caller's child; it
//! has the caller's streams, directory and, as far as sudo keeps it, environment.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        net::UnixStream as Socket,
        process::CommandExt as _,
    },
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use nix::{
    fcntl::OFlag,
    sys::signal::{Signal, killpg},
    unistd::{Pid, geteuid},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};

use super::{accounts::User, bridge::read_line, init::log, ssh, system::System};

/// Where process 1 hears who wants to be root.
const SOCKET: &str = "/run/remuda/sudo";

/// What is asked.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Wish {
    user: Option<String>,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    dir: PathBuf,
}

/// Serves those who ask, for ever.
pub(super) async fn serve(system: Arc<System>) {
    let bound =
        fs::create_dir_all("/run/remuda").and_then(|()| UnixListener::bind(SOCKET)).and_then(
            |socket| fs::set_permissions(SOCKET, Permissions::from_mode(0o666)).map(|()| socket),
        );
    let listener = match bound {
        Ok(listener) => listener,
        Err(error) => return log(&format!("nobody can use sudo: {error}")),
    };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&system)));
    }
}

async fn answer(mut stream: UnixStream, system: Arc<System>) {
    let line = tokio::time::timeout(std::time::Duration::from_secs(10), read_line(&mut stream));
    let Ok(Ok(line)) = line.await else { return };
    let code = match serde_json::from_slice::<Wish>(&line) {
        Ok(wish) => grant(&mut stream, &system, &wish).await,
        Err(_) => Err(io::ErrorKind::InvalidInput.into()),
    };
    let reply = match code {
        Ok(code) => vec![code],
        Err(error) => [&[1], format!("sudo: {error}\n").as_bytes()].concat(),
    };
    let _ = stream.write_all(&reply).await;
}

/// Runs a wish and returns its exit code.
async fn grant(stream: &mut UnixStream, system: &System, wish: &Wish) -> io::Result<u8> {
    let caller = stream.peer_cred()?;
    let pid = caller.pid().ok_or(io::ErrorKind::NotFound)?;
    let asks = User::by_id(caller.uid()).ok_or(io::ErrorKind::PermissionDenied)?;
    if caller.uid() != 0 && !allowed(&asks.name) {
        return Err(io::Error::other("a password is required"));
    }
    let target = wish.user.as_deref().unwrap_or("root");
    let target =
        User::find(target).ok_or_else(|| io::Error::other(format!("unknown user {target}")))?;
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let mut command = Command::new("/proc/self/exe");
    let ids = if system.many { format!("{}:{}", target.uid, target.gid) } else { "-".to_owned() };
    command.args(["sim-host", "exec", &ids]);
    command.arg(&target.name).arg(&wish.dir);
    command.arg(wish.words.first().map_or("sh", String::as_str)).args(&wish.words);
    command.env_clear().env("PATH", ssh::path()).env("HOME", &target.home);
    command.env("USER", &target.name).env("LOGNAME", &target.name).env("SHELL", &target.shell);
    command.env("SUDO_USER", &asks.name).env("SUDO_UID", asks.uid.to_string());
    command.env("SUDO_GID", asks.gid.to_string());
    command.envs(wish.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(stream_of(pid, 0)?).stdout(stream_of(pid, 1)?).stderr(stream_of(pid, 2)?);
    let (child, mut ended) = system.reaper.spawn(&mut command)?;
    drop(command);
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let mut byte = [0_u8];
    tokio::select! {
        ended = &mut ended => Ok(ended.map_or(255, super::reaper::Ended::code)),
        // The caller has gone; what it wanted is not wanted any more.
        _ = stream.read(&mut byte) => {
            let _ = killpg(group, Signal::SIGTERM);
            Err(io::ErrorKind::Interrupted.into())
        }
    }
}

/// Opens a stream of another process as that process has it.
fn stream_of(pid: i32, fd: u8) -> io::Result<Stdio> {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}"))?;
    let field = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let flags = field("flags:").and_then(|flags| i32::from_str_radix(&flags, 8).ok()).unwrap_or(0);
    let flags = OFlag::from_bits_truncate(flags);
    let writes = flags.intersects(OFlag::O_WRONLY | OFlag::O_RDWR);
    let appends = flags.contains(OFlag::O_APPEND);
    let mut file: File = OpenOptions::new()
        .read(!flags.contains(OFlag::O_WRONLY))
        .write(writes && !appends)
        .append(appends)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(format!("/proc/{pid}/fd/{fd}"))?;
    if let Some(place) = field("pos:").and_then(|place| place.parse().ok()).filter(|_| !appends) {
        // Only files have a place; a pipe says so.
        let _ = file.seek(SeekFrom::Start(place));
    }
    Ok(file.into())
}

/// Returns whether a rule lets a user do everything without a password.
fn allowed(name: &str) -> bool {
    let mut files = vec![PathBuf::from("/etc/sudoers")];
    files.extend(fs::read_dir("/etc/sudoers.d").into_iter().flatten().flatten().map(|e| e.path()));
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap_or_default());
    texts.into_iter().any(|text| permits(&text, &groups, name))
}

fn permits(rules: &str, groups: &str, name: &str) -> bool {
    let member = |group: &str| {
        groups.lines().any(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            matches!(fields.as_slice(), [this, _, _, members]
                if *this == group && members.split(',').any(|member| member == name))
        })
    };
    rules.lines().map(str::trim).filter(|rule| rule.contains("NOPASSWD")).any(|rule| {
        let who = rule.split_ascii_whitespace().next().unwrap_or_default();
        who == name || who == "ALL" || who.strip_prefix('%').is_some_and(member)
    })
}

/// Runs `sudo [OPTIONS] [NAME=VALUE…] COMMAND…`.
pub(super) fn run(args: &[OsString]) -> ExitCode {
    let words = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut wish = parse(words);
    if wish.words.is_empty() {
        return ExitCode::SUCCESS;
    }
    if geteuid().is_root() && wish.user.as_deref().is_none_or(|user| user == "root") {
        let Some((program, rest)) = wish.words.split_first() else { return ExitCode::FAILURE };
        #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
        let error = Command::new(program).args(rest).envs(wish.environment).exec();
        log(&format!("sudo: {program}: {error}"));
        return ExitCode::from(127);
    }
    wish.dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    match ask(&wish) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log(&format!("sudo: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn ask(wish: &Wish) -> io::Result<u8> {
    let mut socket = Socket::connect(SOCKET)?;
    let mut line = serde_json::to_vec(wish)?;
    line.push(b'\n');
    socket.write_all(&line)?;
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply)?;
    let (code, message) = reply.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
    io::stderr().lock().write_all(message)?;
    Ok(*code)
}

/// Reads sudo's command line; `-i` and `-s` without a command are a shell.
fn parse(words: Vec<String>) -> Wish {
    let mut wish = Wish::default();
    let mut words = words.into_iter().peekable();
    let mut shell = false;
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        match word.as_str() {
            "--" => break,
            "-u" | "--user" => wish.user = words.next(),
            "-i" | "-s" | "--login" | "--shell" => shell = true,
            "-v" | "-k" | "-K" => return wish,
            _ => {
                if let Some(user) = word.strip_prefix("--user=") {
                    wish.user = Some(user.to_owned());
                }
            }
        }
    }
    while let Some(word) = words.next_if(|word| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    }) {
        if let Some((name, value)) = word.split_once('=') {
            wish.environment.push((name.to_owned(), value.to_owned()));
        }
    }
    wish.words = words.collect();
    if wish.words.is_empty() && shell {
        wish.words = vec!["/bin/sh".to_owned()];
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read_as_sudo_reads_it() {
        let read = |line: &str| parse(line.split(' ').map(ToOwned::to_owned).collect());
        assert_eq!(read("-n -- ls -l").words, ["ls", "-l"]);
        let wish = read("-E -u deploy A=1 env B=2");
        assert_eq!(wish.user.as_deref(), Some("deploy"));
        assert_eq!(wish.environment, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(wish.words, ["env", "B=2"]);
        assert_eq!(read("-i").words, ["/bin/sh"]);
        assert!(read("-v").words.is_empty());
    }

    #[test]
    fn a_rule_without_a_password_is_needed() {
        let groups = "sudo:x:27:deploy\nops:x:28:anna,bert\n";
        assert!(permits("deploy ALL=(ALL) NOPASSWD:ALL", groups, "deploy"));
        assert!(permits("%ops ALL=NOPASSWD: ALL", groups, "bert"));
        assert!(!permits("%sudo ALL=(ALL:ALL) ALL", groups, "deploy"));
        assert!(!permits("# NOPASSWD\ndeploys ALL=NOPASSWD:ALL", groups, "deploy"));
    }
}
