//! The process between the simulator and a droplet: makes the namespaces, starts init, ends it.
//!
//! It lives outside the droplet's process namespace, so that nothing inside can stop it, and it
//! ends with the simulator, however that ends: the simulator holds the other end of its stdin.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixListener, process::CommandExt as _},
    },
    path::Path,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
    sys::{prctl, stat::Mode},
    unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid},
};

use super::rootfs;

/// The name of the socket in a droplet's directory through which the outside talks to its init.
pub(super) const BRIDGE: &str = "bridge";
/// The name of the directory that is the droplet's disk.
pub(super) const DISK: &str = "disk";
/// What the keeper says when its namespaces exist and wait for their ids.
pub(super) const UNSHARED: &str = "unshared";
/// What the keeper says when init has been started.
pub(super) const STARTED: &str = "started";

/// Runs the keeper: `keeper DIR PROGRAM own|range|one`, with the simulator at stdin and stdout.
pub(super) fn run(args: &[OsString]) -> ExitCode {
    let [dir, program, ids] = args else {
        return ExitCode::from(2);
    };
    match keep(Path::new(dir), Path::new(program), &ids.to_string_lossy()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = say(&format!("failed {error}"));
            ExitCode::FAILURE
        }
    }
}

fn keep(dir: &Path, program: &Path, ids: &str) -> io::Result<u8> {
    prctl::set_no_new_privs()?;
    // Everything in the droplet's directory is named relatively from here on: a socket's path
    // has at most 107 bytes.
    std::env::set_current_dir(dir)?;
    let _ = fs::remove_file(BRIDGE);
    let bridge = UnixListener::bind(BRIDGE)?;
    let (uid, gid) = (geteuid(), getegid());
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC,
    )
    .map_err(|error| naming("the kernel refuses new namespaces", error.into()))?;
    say(UNSHARED)?;
    hear()?;
    if ids == "own" {
        fs::write("/proc/self/setgroups", "deny").map_err(|e| naming("setgroups", e))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1")).map_err(|e| naming("gid map", e))?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1")).map_err(|e| naming("uid map", e))?;
    }
    // Opened while this is still the owner of the directory, and after the mount namespace is
    // new: a bind mount takes nothing from another namespace.
    let disk = open(DISK, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|error| naming("open the disk", error.into()))?;
    let program = open(program, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok();
    if ids != "own" {
        setgroups(&[Gid::from_raw(0)])?;
        setresgid(Gid::from_raw(0), Gid::from_raw(0), Gid::from_raw(0))?;
        setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0))?;
        // Losing the ids made this process private to the machine's root, its /proc files too.
        prctl::set_dumpable(true)?;
    }
    rootfs::build(&disk, program.as_ref(), ids == "range")?;

    let stdin = io::stdin();
    let life = stdin.as_fd().try_clone_to_owned()?;
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let mut init = Command::new("/proc/self/exe")
        .arg0("init")
        .args(["sim-host", "init", ids])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(bridge)))
        .stdout(Stdio::from(life))
        .spawn()
        .map_err(|error| naming("start init", error))?;
    say(STARTED)?;
    let status = see_through(&mut init)?;
    Ok(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))
}

/// Waits for init's end, and kills it when the simulator has closed its end of stdin, which it
/// does at the latest by dying.
///
/// A process whose children are in another process namespace can have no threads, so one place
/// waits for both.
fn see_through(init: &mut Child) -> io::Result<ExitStatus> {
    let pid = i32::try_from(init.id()).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidData)?;
    let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    let stdin = io::stdin();
    loop {
        let mut fds = [
            PollFd::new(stdin.as_fd(), PollFlags::empty()),
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => {
                let _ = init.kill();
                return Err(error.into());
            }
        }
    }
    let _ = init.kill();
    init.wait()
}

/// Says one line to the simulator.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())?;
    out.flush()
}

/// Hears one line from the simulator, byte by byte: what follows is not for this reader.
fn hear() -> io::Result<()> {
    let mut byte = [0_u8];
    loop {
        match io::stdin().lock().read(&mut byte)? {
            0 => return Err(io::Error::other("the simulator is gone")),
            _ if byte == [b'\n'] => return Ok(()),
            _ => {}
        }
    }
}

/// Adds what was attempted to an error of the system.
#[expect(clippy::needless_pass_by_value, reason = "a map_err takes it so")]
pub(super) fn naming(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
