//! The disks of droplets: directories that are made, copied and removed whole.
//!
//! A droplet's root may close its files to their owner, who outside is an ordinary user; work on
//! a disk is therefore done by a process that is root in a user namespace of its own.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, chown},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use super::{init::log, keeper::DISK, uids::Uids};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// How long copying or removing a disk may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Works on disks.
#[derive(Debug)]
pub(super) struct Disks {
    /// The program that is started for the work.
    pub(super) program: PathBuf,
    /// Whose the disks are.
    pub(super) uids: Uids,
}

impl Disks {
    /// Makes a droplet's directory with a disk that is empty, or a copy of a snapshot.
    pub(super) async fn make(&self, dir: &Path, from: Option<&Path>) -> Result<()> {
        let disk = dir.join(DISK);
        DirBuilder::new().mode(0o700).create(dir).map_err(|error| failed("make", dir, error))?;
        if let Some(from) = from {
            return self.copy(from, &disk).await;
        }
        DirBuilder::new()
            .mode(0o755)
            .create(&disk)
            .map_err(|error| failed("make", &disk, error))?;
        if let Some(root) = self.uids.root() {
            chown(&disk, Some(root), Some(root))
                .map_err(|error| failed("give away", &disk, error))?;
        }
        Ok(())
    }

    /// Copies a disk with all that its files are.
    pub(super) async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        if let Some(parent) = to.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(|error| failed("make", parent, error))?;
        }
        if to.exists() {
            return Err(
                Error::new(Kind::Failed, "there is such a disk already").at("disk", to.display())
            );
        }
        let copied = self.work("copy", &[from, to]).await;
        if copied.is_err() {
            let _ = self.remove(to).await;
        }
        copied
    }

    /// Removes a directory and all in it; one that is not there is no error.
    pub(super) async fn remove(&self, dir: &Path) -> Result<()> {
        if fs::symlink_metadata(dir).is_err() {
            return Ok(());
        }
        // Quick and without another process where nothing stands in the way.
        let owned = dir.to_owned();
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(owned)).await;
        if matches!(removed, Ok(Ok(()))) {
            return Ok(());
        }
        self.work("remove", &[dir]).await
    }

    async fn work(&self, verb: &str, paths: &[&Path]) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
        let child = tokio::process::Command::new(&self.program)
            .args(["sim-host", "disk", verb])
            .arg(if self.uids == Uids::Own { "own" } else { "root" })
            .args(paths)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Error::new(Kind::Failed, "cannot start work on a disk").because(error)
            })?;
        let deadline = Deadline::after(PATIENCE, format!("a disk to be {verb}d"));
        deadline
            .bound(async {
                let output = child.wait_with_output().await.map_err(|error| {
                    Error::new(Kind::Failed, "cannot follow work on a disk").because(error)
                })?;
                if output.status.success() {
                    return Ok(());
                }
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Error::new(Kind::Failed, format!("cannot {verb} a disk")).report(why))
            })
            .await
    }
}

/// Runs `disk copy|remove own|root PATH…` in the process that was started for it.
pub(super) fn run(args: &[OsString]) -> ExitCode {
    let [verb, who, paths @ ..] = args else { return ExitCode::from(2) };
    let done = if who == "own" { become_root() } else { Ok(()) }.and_then(|()| {
        match (verb.to_str(), paths) {
            (Some("copy"), [from, to]) => copy_tree(Path::new(from), Path::new(to)),
            (Some("remove"), [dir]) => fs::remove_dir_all(dir),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn become_root() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))
}

/// Copies with the machine's `cp`, which keeps owners, modes, times, links and holes.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let status = std::process::Command::new("cp").arg("-a").arg("--").arg(from).arg(to).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("cp ended with {status}"))) }
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::new(Kind::Failed, format!("cannot {verb} a droplet's directory"))
        .at("directory", path.display())
        .because(error)
}
