//! Process 1 of a droplet: completes its root, then runs its services until it is told to stop.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{prctl, signal::Signal},
    unistd::{pivot_root, sethostname},
};
use rustix::thread::{
    CapabilitySet, capabilities, remove_capability_from_bounding_set, set_capabilities,
};

use tokio::signal::unix::SignalKind;

use super::{
    bridge,
    keeper::naming,
    link, power,
    skeleton::Skeleton,
    sudo,
    system::{End, System},
};

/// Runs init: stdin is the bridge's listener, stdout the pipe that lives as long as the simulator.
pub(super) fn run(args: &[OsString]) -> ExitCode {
    let many = args.first().is_some_and(|ids| ids == "range");
    if let Err(error) = prepare(many) {
        log(&format!("cannot boot: {error}"));
        return ExitCode::FAILURE;
    }
    match serve(many) {
        Ok(code) => code,
        Err(error) => {
            log(&format!("cannot run: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The most lines that a droplet says on its console; the file is this machine's.
const MOST: u32 = 10_000;

/// Says a line on the console, which is a file beside the droplet's disk.
pub(super) fn log(line: &str) {
    static SAID: AtomicU32 = AtomicU32::new(0);
    if SAID.fetch_add(1, Ordering::Relaxed) < MOST {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// Everything that needs the one thread that there is so far.
fn prepare(many: bool) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // A `pkill remuda` inside is not meant for this process.
    prctl::set_name(c"init")?;
    // Read while this machine's /etc is still in sight.
    let skeleton = Skeleton::read(!fs::symlink_metadata("etc/passwd").is_ok_and(|at| at.is_file()));
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "proc", Some("proc"), quiet, None::<&str>).map_err(|error| {
        naming("mount a /proc of its own (a container that masks /proc forbids it)", error.into())
    })?;
    pivot_root(".", ".old").map_err(|error| naming("change the root", error.into()))?;
    std::env::set_current_dir("/")?;
    umount2("/.old", MntFlags::MNT_DETACH).map_err(|error| naming("let go", error.into()))?;
    let _ = fs::remove_dir("/.old");
    link::up().map_err(|error| naming("bring lo up", error))?;
    // Like a user who administers this machine alone.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    let _ = fs::write("/proc/sys/net/ipv4/ping_group_range", "0 65535");
    skeleton.write(many)
}

/// Gives up the right to mount, for this process and all that come from it.
///
/// Otherwise a droplet's root could make this machine's /usr writable again, which for an
/// unprivileged user's droplet may hold files of that user.
fn renounce_mounting() -> io::Result<()> {
    remove_capability_from_bounding_set(CapabilitySet::SYS_ADMIN)?;
    let mut sets = capabilities(None)?;
    for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
        set.remove(CapabilitySet::SYS_ADMIN);
    }
    set_capabilities(None, sets)?;
    Ok(())
}

fn serve(many: bool) -> io::Result<ExitCode> {
    let bridge = std::os::unix::net::UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    bridge.set_nonblocking(true)?;
    let life = io::stdout().as_fd().try_clone_to_owned()?;
    let (namer, name) = std::sync::mpsc::channel::<String>();
    // Naming the host needs the right that is given up next; this thread keeps it for that once.
    std::thread::spawn(move || {
        if let Ok(name) = name.recv()
            && let Err(error) = sethostname(name)
        {
            log(&format!("cannot name the host: {error}"));
        }
    });
    renounce_mounting()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let system = Arc::new(System::new(many, namer));
    let code = runtime.block_on(async {
        let (gone, hangup) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            wait_for_hangup(&life);
            let _ = gone.send(());
        });
        let reaping = Arc::clone(&system);
        tokio::spawn(async move { reaping.reaper.run().await });
        let listener = tokio::net::UnixListener::from_std(bridge)?;
        tokio::spawn(bridge::serve(listener, Arc::clone(&system)));
        tokio::spawn(sudo::serve(Arc::clone(&system)));
        tokio::spawn(obey(power::REBOOT, End::Reboot, Arc::clone(&system)));
        tokio::spawn(obey(power::OFF, End::PowerOff, Arc::clone(&system)));
        let code = tokio::select! {
            _ = hangup => ExitCode::FAILURE,
            code = system.ended() => code,
        };
        Ok::<_, io::Error>(code)
    });
    // The namespace dies with its process 1; nothing is worth waiting for.
    runtime.shutdown_background();
    code
}

/// Ends the droplet at a signal, which only its own root can send.
async fn obey(signal: Signal, end: End, system: Arc<System>) {
    let kind = SignalKind::from_raw(signal as i32);
    let Ok(mut signals) = tokio::signal::unix::signal(kind) else { return };
    while signals.recv().await.is_some() {
        system.finish(end);
    }
}

fn wait_for_hangup(life: &OwnedFd) {
    loop {
        let mut pipe = [PollFd::new(life.as_fd(), PollFlags::empty())];
        match poll(&mut pipe, PollTimeout::NONE) {
            Ok(_) if pipe.iter().any(|fd| fd.revents().is_some_and(|got| !got.is_empty())) => {
                return;
            }
            Err(error) if error != nix::errno::Errno::EINTR => return,
            _ => {}
        }
    }
}
