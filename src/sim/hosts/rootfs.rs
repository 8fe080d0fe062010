//! A droplet's view of the file system: its own disk, this machine's /usr read-only, a small /dev.
//!
//! Runs in the droplet's mount namespace and before its root is changed. The disk's content is not
//! to be trusted (a droplet's root wrote it), so no symbolic link on it is followed here.

use std::{
    fs,
    io::{self, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
};

use nix::mount::{MsFlags, mount};

use super::keeper::naming;

/// What a droplet sees of this machine, read-only, as far as this machine has it.
const SHARED: [&str; 8] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix"];
/// The devices that a droplet has.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Where the new root is mounted: any directory that everyone may pass does.
const PLACES: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/mnt"];
/// The directory inside in which remuda's own commands are, where /usr has no place for them.
pub(super) const SPARE_BIN: &str = "/run/remuda/bin";

/// Mounts the droplet's root and makes it the current directory.
///
/// `/proc` is missing still: it belongs to the process namespace, which only init is in.
pub(super) fn build(disk: &OwnedFd, program: Option<&OwnedFd>, many: bool) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .map_err(|error| naming("make the mounts private", error.into()))?;
    let place = PLACES
        .into_iter()
        .find(|place| Path::new(place).is_dir())
        .ok_or_else(|| io::Error::other("this machine has no /tmp to mount a droplet on"))?;
    bind(&by_fd(disk), Path::new(place))?;
    std::env::set_current_dir(place)?;
    for name in SHARED {
        share(name, place)?;
    }
    // Hundreds of links that /usr relies on (awk, sh, editors): shown, not copied.
    directory(Path::new("etc"))?;
    share("etc/alternatives", place)?;
    devices(many)?;
    directory(Path::new("run"))?;
    tmpfs("run", "mode=755,size=256m")?;
    for (dir, mode) in [("run/lock", 0o1777), ("run/user", 0o755), ("run/cloud-init", 0o755)] {
        fs::create_dir(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(mode))?;
    }
    for dir in ["proc", "sys", ".old"] {
        directory(Path::new(dir))?;
    }
    // A container may forbid a fresh sysfs; programs live without it.
    let _ = mount(
        Some("sysfs"),
        "sys",
        Some("sysfs"),
        MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        None::<&str>,
    );
    commands(program)
}

/// Shows one directory of this machine, or repeats its symbolic link (`/bin` of a merged `/usr`).
fn share(name: &str, place: &str) -> io::Result<()> {
    let outside = Path::new("/").join(name);
    let Ok(meta) = fs::symlink_metadata(&outside) else {
        return Ok(());
    };
    let inside = Path::new(name);
    if meta.is_symlink() {
        let target = fs::read_link(&outside)?;
        if fs::read_link(inside).is_ok_and(|there| there == target) {
            return Ok(());
        }
        remove(inside);
        return symlink(target, inside);
    }
    if !meta.is_dir() {
        return Ok(());
    }
    directory(inside)?;
    bind(&outside, inside)?;
    read_only(&Path::new(place).join(name))
}

/// Makes a mount and everything mounted under it read-only.
///
/// The kernel insists that a remount keeps the flags which came from outside the namespace.
fn read_only(top: &Path) -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(4);
        let (Some(point), Some(options)) = (fields.next(), fields.next()) else { continue };
        let point = PathBuf::from(unescape(point));
        if !point.starts_with(top) {
            continue;
        }
        let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        for option in options.split(',') {
            flags |= match option {
                "nosuid" => MsFlags::MS_NOSUID,
                "nodev" => MsFlags::MS_NODEV,
                "noexec" => MsFlags::MS_NOEXEC,
                "noatime" => MsFlags::MS_NOATIME,
                "nodiratime" => MsFlags::MS_NODIRATIME,
                "relatime" => MsFlags::MS_RELATIME,
                _ => MsFlags::empty(),
            };
        }
        mount(None::<&str>, &point, None::<&str>, flags, None::<&str>)
            .map_err(|error| naming("make /usr read-only", error.into()))?;
    }
    Ok(())
}

/// Undoes the octal escapes of mountinfo.
fn unescape(text: &str) -> String {
    ["\\040 ", "\\011\t", "\\012\n", "\\134\\"].iter().fold(text.to_owned(), |text, rule| {
        let (code, plain) = rule.split_at(4);
        text.replace(code, plain)
    })
}

fn devices(many: bool) -> io::Result<()> {
    directory(Path::new("dev"))?;
    tmpfs("dev", "mode=755,size=256m")?;
    for name in DEVICES {
        let inside = Path::new("dev").join(name);
        fs::File::create(&inside)?;
        bind(&Path::new("/dev").join(name), &inside)?;
    }
    for dir in ["dev/pts", "dev/shm"] {
        fs::create_dir(dir)?;
    }
    fs::set_permissions("dev/shm", fs::Permissions::from_mode(0o1777))?;
    let options = if many { "ptmxmode=0666,mode=0620,gid=5" } else { "ptmxmode=0666,mode=0620" };
    mount(
        Some("devpts"),
        "dev/pts",
        Some("devpts"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        Some(format!("newinstance,{options}").as_str()),
    )
    .map_err(|error| naming("mount /dev/pts", error.into()))?;
    for (target, link) in [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
    ] {
        symlink(target, Path::new("dev").join(link))?;
    }
    Ok(())
}

/// Puts `remuda` and the commands that it stands in for on the droplet's path.
fn commands(program: Option<&OwnedFd>) -> io::Result<()> {
    // The machine's own /usr/local/sbin is hidden by this; on most machines it is empty.
    let dir = if Path::new("usr/local/sbin").is_dir() {
        tmpfs("usr/local/sbin", "mode=755")?;
        PathBuf::from("usr/local/sbin")
    } else {
        fs::create_dir_all(SPARE_BIN.trim_start_matches('/'))?;
        PathBuf::from(SPARE_BIN.trim_start_matches('/'))
    };
    let remuda = dir.join("remuda");
    let bound = match program {
        Some(program) => {
            fs::File::create(&remuda)?;
            bind(&by_fd(program), &remuda).is_ok()
        }
        None => false,
    };
    if !bound {
        // The program's path is closed to this user, or the file has been replaced since it was
        // started: what runs can still be read.
        let mut running = fs::File::open("/proc/self/exe")?;
        let mut copy = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&remuda)?;
        io::copy(&mut running, &mut copy)?;
    }
    for name in ["cloud-init", "reboot", "poweroff", "shutdown", "sudo"] {
        let mut script =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(dir.join(name))?;
        writeln!(script, "#!/bin/sh\nexec \"$(dirname -- \"$0\")/remuda\" sim-host {name} \"$@\"")?;
    }
    mount(
        None::<&str>,
        &dir,
        None::<&str>,
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY,
        None::<&str>,
    )
    .or_else(|error| if dir.starts_with("run") { Ok(()) } else { Err(error) })
    .map_err(|error| naming("make the commands read-only", error.into()))
}

/// Makes sure that `path` is a real directory of the droplet's disk.
fn directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => {
            remove(path);
            fs::create_dir(path)
        }
        Err(_) => fs::create_dir(path),
    }
    .map_err(|error| naming(&format!("make /{}", path.display()), error))
}

/// Removes what is at `path`, a link itself and not what it points to.
fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .map_err(|error| naming(&format!("show {} to the droplet", from.display()), error.into()))
}

fn tmpfs(to: &str, options: &str) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), to, Some("tmpfs"), flags, Some(options))
        .map_err(|error| naming(&format!("mount /{to}"), error.into()))
}

/// Names an open file in a way that opens it again wherever it is.
fn by_fd(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_with_odd_names_are_read_back() {
        assert_eq!(unescape(r"/a\040b\134c"), r"/a b\c");
    }
}
