//! `ssh_keys` and authorized keys: who the host is, and whom root lets in.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    accounts::give,
    files::truth,
    journal::Journal,
    userdata::{list, text},
};

/// Installs the host's keys and root's.
pub(super) fn install(journal: &Journal, config: &Map<String, Value>, root: &[String]) {
    // A droplet born from a snapshot must not answer with the keys of another.
    if !config.contains_key("ssh_deletekeys") || truth(config.get("ssh_deletekeys")) {
        for entry in fs::read_dir("/etc/ssh").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    if let Some(Value::Object(keys)) = config.get("ssh_keys") {
        for (name, key) in keys {
            host_key(journal, name, key);
        }
    }
    let more = config.get("ssh_authorized_keys").map(list).unwrap_or_default();
    let keys: Vec<String> = root.iter().cloned().chain(more.into_iter().filter_map(text)).collect();
    if truth(config.get("disable_root")) {
        journal.note("disable_root: root lets nobody in");
    } else if !keys.is_empty()
        && let Err(error) = authorize(Path::new("/root"), 0, 0, &keys)
    {
        journal.error(&format!("cannot write root's authorized keys: {error}"));
    }
}

fn host_key(journal: &Journal, name: &str, key: &Value) {
    let (Some((kind, half)), Some(key)) = (name.rsplit_once('_'), text(key)) else {
        journal.warn(&format!("the simulator does not run `{name}` of ssh_keys"));
        return;
    };
    let (path, mode) = match (kind, half) {
        ("ed25519" | "rsa" | "ecdsa", "private") => {
            (PathBuf::from(format!("/etc/ssh/ssh_host_{kind}_key")), 0o600)
        }
        ("ed25519" | "rsa" | "ecdsa", "public") => {
            (PathBuf::from(format!("/etc/ssh/ssh_host_{kind}_key.pub")), 0o644)
        }
        _ => {
            journal.warn(&format!("the simulator does not run `{name}` of ssh_keys"));
            return;
        }
    };
    if kind != "ed25519" && half == "private" {
        journal.warn(&format!("the simulator's SSH server has no use for `{name}`"));
    }
    let _ = fs::remove_file(&path);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{}\n", key.trim_end()).as_bytes()));
    match written {
        Ok(()) => journal.note(&format!("installed the host key {}", path.display())),
        Err(error) => journal.error(&format!("cannot write {}: {error}", path.display())),
    }
}

/// Adds keys to a user's `authorized_keys`, each once.
pub(super) fn authorize(home: &Path, uid: u32, gid: u32, keys: &[String]) -> io::Result<()> {
    let dir = home.join(".ssh");
    fs::create_dir_all(&dir)?;
    fs::set_permissions(&dir, Permissions::from_mode(0o700))?;
    let path = dir.join("authorized_keys");
    let mut lines: Vec<String> =
        fs::read_to_string(&path).unwrap_or_default().lines().map(ToOwned::to_owned).collect();
    for key in keys.iter().map(|key| key.trim()).filter(|key| !key.is_empty()) {
        if !lines.iter().any(|line| line == key) {
            lines.push(key.replace('\n', " "));
        }
    }
    lines.push(String::new());
    fs::write(&path, lines.join("\n"))?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    give(&dir, uid, gid)?;
    give(&path, uid, gid)
}
