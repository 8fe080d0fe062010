//! Starts a program for an SSH channel.

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use russh::{
    Channel, Sig,
    server::{Handle, Msg},
};
use tokio::{net::unix::pipe, sync::watch};

use super::{
    super::{accounts::User, rootfs::SPARE_BIN, system::System},
    attend::{Pipes, Show, attend_pipes, attend_terminal},
    session::Wishes,
    spool::Spool,
    terminal::{Size, Terminal},
};

/// What a session channel runs.
#[derive(Debug)]
pub(super) enum What {
    /// The user's shell, as at a login.
    Shell,
    /// A command line for the user's shell.
    Command(Vec<u8>),
}

/// For whom a program runs.
pub(super) struct Caller {
    pub(super) system: Arc<System>,
    pub(super) user: User,
    pub(super) peer: SocketAddr,
    pub(super) local: Option<SocketAddr>,
}

/// A program that runs; dropping this closes its input and output.
pub(super) struct Running {
    pub(super) inbound: Arc<Spool>,
    pid: Pid,
    terminal: Option<Arc<Terminal>>,
    _life: watch::Sender<()>,
}

impl Running {
    /// Passes a signal of the client's on to the program and its children.
    pub(super) fn signal(&self, signal: &Sig) {
        let signal = match signal {
            Sig::HUP => Signal::SIGHUP,
            Sig::INT => Signal::SIGINT,
            Sig::KILL => Signal::SIGKILL,
            Sig::QUIT => Signal::SIGQUIT,
            Sig::TERM => Signal::SIGTERM,
            Sig::USR1 => Signal::SIGUSR1,
            _ => return,
        };
        let _ = killpg(self.pid, signal);
    }

    /// Tells the program's terminal its new size.
    pub(super) fn resize(&self, size: Size) {
        if let Some(terminal) = &self.terminal {
            terminal.resize(size);
        }
    }
}

/// Returns the program of a subsystem, where the machine has it.
pub(super) fn subsystem(name: &str) -> Option<&'static str> {
    const SFTP: [&str; 4] = [
        "/usr/lib/openssh/sftp-server",
        "/usr/libexec/openssh/sftp-server",
        "/usr/lib/ssh/sftp-server",
        "/usr/libexec/sftp-server",
    ];
    SFTP.into_iter().find(|path| name == "sftp" && Path::new(path).is_file())
}

/// Starts a program on a channel.
pub(super) fn start(
    caller: &Caller,
    channel: Channel<Msg>,
    handle: Handle,
    what: &What,
    wishes: &Wishes,
) -> io::Result<Running> {
    // What arrives comes through the session's callbacks; an unread half would hold it up.
    let (unread, write) = channel.split();
    drop(unread);
    let mut command = shell(caller, what, wishes);
    let opened = wishes.terminal.as_ref().map(|(_, size)| Terminal::open(*size)).transpose()?;
    let (terminal, slave) =
        opened.map_or((None, None), |(t, slave)| (Some(Arc::new(t)), Some(slave)));
    if let Some(slave) = slave {
        command.stdin(Stdio::from(slave.try_clone()?));
        command.stdout(Stdio::from(slave.try_clone()?));
        command.stderr(Stdio::from(slave));
    } else {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let (child, ended) = caller.system.reaper.spawn(&mut command)?;
    // The terminal's inner side is in the command still, and must not outlive the program.
    drop(command);

    let inbound = Arc::new(Spool::default());
    let (life, alive) = watch::channel(());
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let show = Show { id: write.id(), write: Arc::new(write), handle };
    if let Some(terminal) = &terminal {
        tokio::spawn(attend_terminal(
            Arc::clone(terminal),
            Arc::clone(&inbound),
            show,
            ended,
            alive,
            pid,
        ));
    } else {
        let input = child.stdin.map(|pipe| pipe::Sender::from_owned_fd(OwnedFd::from(pipe)));
        let output = child.stdout.map(|pipe| pipe::Receiver::from_owned_fd(OwnedFd::from(pipe)));
        let errors = child.stderr.map(|pipe| pipe::Receiver::from_owned_fd(OwnedFd::from(pipe)));
        let pipes = Pipes {
            input: input.transpose()?,
            output: output.transpose()?,
            errors: errors.transpose()?,
        };
        tokio::spawn(attend_pipes(pipes, Arc::clone(&inbound), show, ended, alive));
    }
    Ok(Running { inbound, pid, terminal, _life: life })
}

/// Returns the command that becomes the user and runs their shell.
fn shell(caller: &Caller, what: &What, wishes: &Wishes) -> Command {
    let Caller { system, user, peer, local } = caller;
    let shell = if Path::new(&user.shell).is_file() { user.shell.as_str() } else { "/bin/sh" };
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let mut command = Command::new("/proc/self/exe");
    command.args(["sim-host", "exec"]);
    command.arg(if system.many { format!("{}:{}", user.uid, user.gid) } else { "-".to_owned() });
    command.arg(&user.name).arg(&user.home);
    match what {
        What::Shell => {
            let base = Path::new(shell).file_name().unwrap_or_default().to_string_lossy();
            command.arg(format!("-{base}")).arg(shell);
        }
        What::Command(line) => {
            use std::os::unix::ffi::OsStrExt as _;
            command.arg(shell).arg(shell).arg("-c").arg(std::ffi::OsStr::from_bytes(line));
        }
    }
    command.env_clear().envs(wishes.environment.iter().map(|(name, value)| (name, value)));
    command.env("HOME", &user.home).env("USER", &user.name).env("LOGNAME", &user.name);
    command.env("SHELL", shell).env("PATH", path());
    let near = local.map_or_else(|| "127.0.0.1 22".to_owned(), plain);
    command.env("SSH_CONNECTION", format!("{} {near}", plain(*peer)));
    let near_port = local.map_or(22, |at| at.port());
    command.env("SSH_CLIENT", format!("{} {near_port}", plain(*peer)));
    if let Some((term, _)) = &wishes.terminal {
        command.env("TERM", term);
    }
    command
}

/// Returns the path on which commands are found.
pub(in super::super) fn path() -> String {
    format!("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{SPARE_BIN}")
}

/// Writes an address and a port as sshd does.
fn plain(at: SocketAddr) -> String {
    format!("{} {}", at.ip().to_canonical(), at.port())
}
