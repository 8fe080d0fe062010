//! Whether this machine and user can have namespace droplets, and what to do where not.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{Birth, Hosts, Kind, uids::Uids};
use crate::error::{Error, Kind as Failure, Result};

/// Whether this process called [`super::entry`]: only then is the running program remuda itself,
/// which answers when it is started as part of a droplet.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// Notes that the running program is remuda.
pub(super) fn entered() {
    ENTERED.store(true, Ordering::Relaxed);
}

/// Returns the path by which the running program is started as part of a droplet.
///
/// # Errors
/// When the running program is not remuda, but something that is linked with it.
pub(super) fn this_program() -> Result<PathBuf> {
    if ENTERED.load(Ordering::Relaxed) {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        Err(Error::new(
            Failure::Failed,
            "this program is not remuda and cannot be a droplet's init",
        ))
    }
}

/// Returns the path of a program as another process can open it.
pub(super) fn path_of(program: &Path) -> PathBuf {
    fs::read_link(program)
        .ok()
        .filter(|_| program.starts_with("/proc"))
        .or_else(|| fs::canonicalize(program).ok())
        .unwrap_or_else(|| program.to_owned())
}

/// Makes a droplet and destroys it; says why not and what to do where that fails.
///
/// # Errors
/// The reason, with what can be done, as text for people.
pub fn probe() -> Result<(), String> {
    probe_with(&this_program().map_err(|error| error.to_string())?)
}

/// Like [`probe`], with `program` as the droplet's init.
///
/// # Errors
/// As [`probe`].
pub fn probe_with(program: &Path) -> Result<(), String> {
    let program = program.to_owned();
    // A thread of its own, as the caller may be in a runtime.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(trial(program)).map_err(|error| {
            let mut text = error.to_string();
            for line in error.block().into_iter().chain(error.hints().iter().map(String::as_str)) {
                text.push_str("; ");
                text.push_str(line);
            }
            text
        })
    })
    .join()
    .unwrap_or_else(|_| Err("the probe broke".to_owned()))
}

async fn trial(program: PathBuf) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("remuda-probe-{:016x}", rand::random::<u64>()));
    let result = async {
        let hosts = Hosts::open_with(Kind::Namespace, dir.clone(), program)?;
        let birth = Birth {
            id: 1,
            hostname: "probe".to_owned(),
            image: "probe".to_owned(),
            user_data: Vec::new(),
            ssh_keys: Vec::new(),
            region: "nyc3".to_owned(),
            public_ip: Ipv4Addr::LOCALHOST,
        };
        hosts.create(birth).await?;
        hosts.destroy(1).await
    }
    .await;
    let _ = fs::remove_dir_all(dir);
    result
}

/// Returns what to change about this machine, where something is known to stand in the way.
pub(super) fn remedies() -> Vec<String> {
    let setting = |path: &str| {
        fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse::<u64>().ok()
    };
    let mut remedies = Vec::new();
    if setting("user/max_user_namespaces") == Some(0) {
        remedies
            .push("allow user namespaces: sudo sysctl user.max_user_namespaces=15000".to_owned());
    }
    if setting("kernel/unprivileged_userns_clone") == Some(0) {
        remedies.push(
            "allow user namespaces: sudo sysctl kernel.unprivileged_userns_clone=1".to_owned(),
        );
    }
    if setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        let program = path_of(Path::new("/proc/self/exe"));
        remedies.push(format!(
            "AppArmor takes all rights from namespaces here; allow remuda its own: \
             printf 'abi <abi/4.0>,\\nprofile remuda {} flags=(unconfined) {{ userns, }}\\n' \
             | sudo tee /etc/apparmor.d/remuda && sudo apparmor_parser -r /etc/apparmor.d/remuda",
            program.display()
        ));
    }
    remedies
}

/// Returns what namespace droplets need and have here: what, whether it is well, and details.
pub fn doctor() -> Vec<(String, bool, String)> {
    let mut lines = Vec::new();
    let mut say = |what: &str, ok: bool, detail: String| lines.push((what.to_owned(), ok, detail));
    match probe() {
        Ok(()) => say("namespace droplets", true, "one was made and destroyed".to_owned()),
        Err(why) => say("namespace droplets", false, why),
    }
    match Uids::choose() {
        Ok(Uids::Range(base)) => {
            say("users of a droplet", true, format!("its own, ids from {base} on this machine"));
        }
        Ok(Uids::One(id)) => say(
            "users of a droplet",
            true,
            format!("only root, which is id {id} here; other users are root by another name"),
        ),
        Ok(Uids::Own) => say(
            "users of a droplet",
            true,
            "only root, which is you here; other users are root by another name".to_owned(),
        ),
        Err(why) => say("users of a droplet", false, why),
    }
    let ssh = ["/usr/bin/ssh", "/usr/bin/ssh-keygen"];
    let missing: Vec<&str> = ssh.into_iter().filter(|path| !Path::new(path).exists()).collect();
    if missing.is_empty() {
        say(
            "OpenSSH client",
            true,
            "ssh and ssh-keygen are in /usr/bin, here and in droplets".to_owned(),
        );
    } else {
        say(
            "OpenSSH client",
            false,
            format!("missing: {}; install openssh-client", missing.join(", ")),
        );
    }
    let lowest = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse::<u16>().ok())
        .unwrap_or(1024);
    let root = nix::unistd::geteuid().is_root();
    say(
        "low ports",
        true,
        if root || lowest == 0 {
            "can be forwarded".to_owned()
        } else {
            format!("ports below {lowest} of droplets cannot be reached from here; use ssh on 2222")
        },
    );
    say(
        "real",
        true,
        "processes, files, network stack, SSH; simulated: cloud-init (in part); absent: systemd, Docker, packages, RSA keys for logging in".to_owned(),
    );
    lines
}
