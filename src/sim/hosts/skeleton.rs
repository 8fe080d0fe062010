//! The first content of a droplet's disk: a small /etc of its own, and the usual directories.
//!
//! From this machine come only files on a short list that everyone may read: no passwords, no
//! keys, no environment, nobody's users.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::keeper::naming;

/// What is taken from this machine's /etc, as far as it is there.
const TAKEN: [&str; 19] = [
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "login.defs",
    "magic",
    "magic.mime",
    "mime.types",
    "os-release",
    "debian_version",
    "pki/tls/certs",
    "protocols",
    "rpc",
    "services",
    "skel",
    "ssl/certs/ca-certificates.crt",
    "ssl/openssl.cnf",
    "timezone",
];
/// The largest file that is taken.
const LARGEST: u64 = 2 << 20;

/// The users that every droplet has, without passwords: name, id and group id, home, shell.
const USERS: &[(&str, u32, &str, &str)] = &[
    ("root", 0, "/root", "/bin/bash"),
    ("daemon", 1, "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, "/bin", "/usr/sbin/nologin"),
    ("sys", 3, "/dev", "/usr/sbin/nologin"),
    ("man", 6, "/var/cache/man", "/usr/sbin/nologin"),
    ("mail", 8, "/var/mail", "/usr/sbin/nologin"),
    ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
    ("backup", 34, "/var/backups", "/usr/sbin/nologin"),
    ("nobody", 65_534, "/nonexistent", "/usr/sbin/nologin"),
];
/// Groups beyond those of the users.
const GROUPS: &[(&str, u32)] = &[
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("sudo", 27),
    ("audio", 29),
    ("video", 44),
    ("staff", 50),
    ("users", 100),
    ("nogroup", 65_534),
];

/// The directories of a fresh disk and their modes.
const DIRECTORIES: &[(&str, u32)] = &[
    ("etc", 0o755),
    ("etc/ssh", 0o755),
    ("etc/ssh/sshd_config.d", 0o755),
    ("etc/ssl", 0o755),
    ("etc/ssl/certs", 0o755),
    ("etc/ssl/private", 0o700),
    ("etc/cron.d", 0o755),
    ("etc/systemd", 0o755),
    ("etc/systemd/system", 0o755),
    ("etc/sudoers.d", 0o750),
    ("root", 0o700),
    ("root/.ssh", 0o700),
    ("home", 0o755),
    ("opt", 0o755),
    ("srv", 0o755),
    ("mnt", 0o755),
    ("media", 0o755),
    ("var", 0o755),
    ("var/backups", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/cloud", 0o755),
    ("var/lib/cloud/instance", 0o755),
    ("var/lib/cloud/data", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
    ("var/www", 0o755),
    ("tmp", 0o1777),
];

const SSHD_CONFIG: &str = "# read by the simulator's SSH server: Port lines, here and in the files included\n\
    Include /etc/ssh/sshd_config.d/*.conf\n\
    #Port 22\n\
    PermitRootLogin prohibit-password\n\
    PasswordAuthentication no\n";

/// What a taken file is.
enum Taken {
    File(Vec<u8>),
    Link(PathBuf),
}

/// The content of a fresh disk, in memory.
pub(super) struct Skeleton {
    fresh: bool,
    taken: Vec<(PathBuf, Taken)>,
}

impl Skeleton {
    /// Reads from this machine what a `fresh` disk needs.
    pub(super) fn read(fresh: bool) -> Self {
        let mut taken = Vec::new();
        if fresh {
            for name in TAKEN {
                take(&Path::new("/etc").join(name), &mut taken, 4);
            }
        }
        Self { fresh, taken }
    }

    /// Writes to the root directory, which is the droplet's by now.
    pub(super) fn write(self, many: bool) -> io::Result<()> {
        for (dir, mode) in DIRECTORIES {
            let dir = Path::new("/").join(dir);
            if !dir.is_dir() {
                fs::create_dir_all(&dir)
                    .and_then(|()| fs::set_permissions(&dir, Permissions::from_mode(*mode)))
                    .map_err(|error| naming(&format!("make {}", dir.display()), error))?;
            }
        }
        empty(Path::new("/tmp"));
        for (link, target) in [("/var/run", "/run"), ("/var/lock", "/run/lock")] {
            let _ = symlink(target, link);
        }
        let _ = symlink("/proc/self/mounts", "/etc/mtab");
        if !self.fresh {
            return Ok(());
        }
        for (path, taken) in self.taken {
            if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
                fs::create_dir_all(parent)?;
            }
            match taken {
                Taken::File(bytes) => fs::write(&path, bytes)?,
                Taken::Link(target) => {
                    symlink(target, &path)?;
                }
            }
        }
        accounts(many)?;
        let file = |path: &str, text: &str| {
            if Path::new(path).exists() { Ok(()) } else { fs::write(path, text) }
        };
        file("/etc/ssh/sshd_config", SSHD_CONFIG)?;
        file("/etc/resolv.conf", "# a simulated droplet reaches no other network\n")?;
        file(
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
        )?;
        file("/etc/profile", "umask 022\n[ -z \"$BASH\" ] || PS1='\\u@\\h:\\w\\$ '\n")?;
        file("/etc/shells", "/bin/sh\n/bin/bash\n")?;
        file("/etc/environment", "")?;
        file("/etc/fstab", "")?;
        let id = format!("{:032x}", rand::random::<u128>());
        file("/etc/machine-id", &format!("{id}\n"))?;
        file("/root/.bashrc", "[ -z \"$PS1\" ] || PS1='\\u@\\h:\\w\\$ '\n")
    }
}

/// Writes passwd, group and shadow. With one id, every user is root under another name.
fn accounts(many: bool) -> io::Result<()> {
    let (mut passwd, mut group, mut shadow) = (String::new(), String::new(), String::new());
    let id = |id: u32| if many { id } else { 0 };
    for (name, uid, home, shell) in USERS {
        let uid = id(*uid);
        passwd.push_str(
            &[
                name,
                ":x:",
                &uid.to_string(),
                ":",
                &uid.to_string(),
                ":",
                name,
                ":",
                home,
                ":",
                shell,
                "\n",
            ]
            .concat(),
        );
        shadow.push_str(&[name, ":*:19000:0:99999:7:::\n"].concat());
        if *name != "nobody" {
            group.push_str(&[name, ":x:", &uid.to_string(), ":\n"].concat());
        }
    }
    for (name, gid) in GROUPS {
        group.push_str(&[name, ":x:", &id(*gid).to_string(), ":\n"].concat());
    }
    fs::write("/etc/passwd", passwd)?;
    fs::write("/etc/group", group)?;
    fs::write("/etc/shadow", shadow)?;
    fs::set_permissions("/etc/shadow", Permissions::from_mode(0o600))?;
    fs::write("/etc/gshadow", "")?;
    fs::set_permissions("/etc/gshadow", Permissions::from_mode(0o600))
}

/// Takes a file, a link, or what is in a directory; what not everyone may read is left.
fn take(path: &Path, taken: &mut Vec<(PathBuf, Taken)>, depth: u8) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    if meta.is_symlink() {
        // A link into /etc or to nowhere is as useful inside as outside.
        if let Ok(target) = fs::read_link(path) {
            taken.push((path.to_owned(), Taken::Link(target)));
        }
    } else if meta.is_dir() && depth > 0 {
        let Ok(entries) = fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            take(&entry.path(), taken, depth - 1);
        }
    } else if meta.is_file()
        && meta.permissions().mode() & 0o004 != 0
        && meta.len() <= LARGEST
        && let Ok(bytes) = fs::read(path)
    {
        taken.push((path.to_owned(), Taken::File(bytes)));
    }
}

/// Empties a directory, as a boot does with /tmp.
fn empty(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if fs::remove_file(entry.path()).is_err() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
