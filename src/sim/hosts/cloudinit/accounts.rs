//! `users` and `groups`: accounts in the droplet's own passwd, their homes, keys and sudo rules.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Uid, chown};
use serde_json::{Map, Value};

use super::{
    files::{id_in, truth},
    journal::Journal,
    keys::authorize,
    userdata::{list, text, words},
};

/// The first id of a person.
const FIRST: u32 = 1000;
/// What may be said of a user; the ones that ask for nothing here are accepted.
const KEYS: [&str; 14] = [
    "create_groups",
    "gecos",
    "groups",
    "homedir",
    "inactive",
    "lock_passwd",
    "name",
    "no_create_home",
    "no_user_group",
    "primary_group",
    "shell",
    "ssh_authorized_keys",
    "sudo",
    "uid",
];

/// Creates the groups and users of a configuration.
pub(super) fn create(journal: &Journal, config: &Map<String, Value>, many: bool) {
    for group in config.get("groups").map(list).unwrap_or_default() {
        let members: Vec<(String, Vec<String>)> = match group {
            Value::Object(map) => {
                map.iter().map(|(name, who)| (name.clone(), words(Some(who)))).collect()
            }
            other => words(Some(other)).into_iter().map(|name| (name, Vec::new())).collect(),
        };
        for (name, members) in members {
            note(journal, &format!("group {name}"), join_group(&name, &members, many));
        }
    }
    for user in config.get("users").map(list).unwrap_or_default() {
        match user {
            Value::String(name) if name == "default" => {}
            Value::String(names) => {
                for name in words(Some(&Value::String(names.clone()))) {
                    let made = create_user(journal, &name, &Map::new(), many);
                    note(journal, &format!("user {name}"), made);
                }
            }
            Value::Object(map) => {
                let name = map.get("name").and_then(text).unwrap_or_default();
                for key in map.keys().filter(|key| !KEYS.contains(&key.as_str())) {
                    journal.warn(&format!("the simulator does not run `{key}` of user {name}"));
                }
                note(journal, &format!("user {name}"), create_user(journal, &name, map, many));
            }
            _ => journal.warn("an item of users is neither a name nor a mapping"),
        }
    }
}

fn note(journal: &Journal, what: &str, done: io::Result<()>) {
    match done {
        Ok(()) => journal.note(&format!("created {what}")),
        Err(error) => journal.error(&format!("cannot create {what}: {error}")),
    }
}

fn create_user(
    journal: &Journal,
    name: &str,
    map: &Map<String, Value>,
    many: bool,
) -> io::Result<()> {
    if !plain(name) {
        return Err(io::Error::other("not a user's name"));
    }
    let home = map.get("homedir").and_then(text).map_or_else(
        || if name == "root" { PathBuf::from("/root") } else { Path::new("/home").join(name) },
        PathBuf::from,
    );
    let known = id_in("/etc/passwd", name).filter(|_| name.parse::<u32>().is_err());
    let (uid, gid) = match known {
        Some(uid) => (uid, id_in("/etc/group", name).unwrap_or(uid)),
        None => add(name, map, &home, many)?,
    };
    let groups = words(map.get("groups"));
    for group in &groups {
        join_group(group, &[name.to_owned()], many)?;
    }
    if !home.is_dir() && !truth(map.get("no_create_home")) {
        fs::create_dir_all(&home)?;
        fs::set_permissions(&home, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir("/etc/skel").into_iter().flatten().flatten() {
            let copy = home.join(entry.file_name());
            if entry.path().is_file() && fs::copy(entry.path(), &copy).is_ok() {
                give(&copy, uid, gid)?;
            }
        }
        give(&home, uid, gid)?;
    }
    let keys: Vec<String> = map
        .get("ssh_authorized_keys")
        .map(list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .collect();
    if !keys.is_empty() {
        authorize(&home, uid, gid, &keys)?;
    }
    let rules: Vec<String> = map
        .get("sudo")
        .map(list)
        .unwrap_or_default()
        .into_iter()
        .filter(|rule| !matches!(rule, Value::Bool(false)))
        .filter_map(text)
        .filter(|rule| !matches!(rule.to_ascii_lowercase().as_str(), "" | "no" | "false" | "off"))
        .collect();
    for rule in rules {
        let mut sudoers = OpenOptions::new()
            .append(true)
            .create(true)
            .open("/etc/sudoers.d/90-cloud-init-users")?;
        writeln!(sudoers, "{name} {rule}")?;
        journal.note(&format!("recorded the sudo rule of {name}"));
    }
    fs::set_permissions("/etc/sudoers.d", Permissions::from_mode(0o750))
}

/// Adds a line to passwd, shadow and group; returns the ids.
fn add(name: &str, map: &Map<String, Value>, home: &Path, many: bool) -> io::Result<(u32, u32)> {
    let asked = map.get("uid").and_then(text).and_then(|uid| uid.parse().ok());
    let uid = if many { asked.unwrap_or_else(|| free("/etc/passwd")) } else { 0 };
    let gid = match map.get("primary_group").and_then(text).filter(|group| plain(group)) {
        Some(group) => {
            join_group(&group, &[], many)?;
            id_in("/etc/group", &group).unwrap_or(0)
        }
        None => {
            if let Some(gid) = id_in("/etc/group", name) {
                gid
            } else {
                let gid = if many { free("/etc/group").max(uid) } else { 0 };
                append("/etc/group", &format!("{name}:x:{gid}:"))?;
                gid
            }
        }
    };
    let field = |key: &str, otherwise: &str| {
        let value = map.get(key).and_then(text).unwrap_or_else(|| otherwise.to_owned());
        value.replace([':', '\n'], " ")
    };
    let (gecos, shell) = (field("gecos", ""), field("shell", "/bin/sh"));
    let home = home.display().to_string().replace([':', '\n'], " ");
    append("/etc/passwd", &format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}"))?;
    append("/etc/shadow", &format!("{name}:!:19000:0:99999:7:::"))?;
    Ok((uid, gid))
}

/// Makes sure that a group exists and has these members.
fn join_group(group: &str, members: &[String], many: bool) -> io::Result<()> {
    if !plain(group) {
        return Err(io::Error::other(format!("`{group}` is not a group's name")));
    }
    let text = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut found = false;
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(':').collect();
            if fields.first() != Some(&group) || fields.len() != 4 {
                return line.to_owned();
            }
            found = true;
            let list = fields.pop().unwrap_or_default();
            let mut all: Vec<&str> = list.split(',').filter(|name| !name.is_empty()).collect();
            for member in members {
                if !all.contains(&member.as_str()) {
                    all.push(member);
                }
            }
            format!("{}:{}", fields.join(":"), all.join(","))
        })
        .collect();
    if !found {
        let gid = if many { free("/etc/group") } else { 0 };
        lines.push(format!("{group}:x:{gid}:{}", members.join(",")));
    }
    lines.push(String::new());
    fs::write("/etc/group", lines.join("\n"))
}

/// Returns the first id of a person that a file does not have.
fn free(file: &str) -> u32 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let highest = text
        .lines()
        .filter_map(|line| line.split(':').nth(2)?.parse::<u32>().ok())
        .filter(|id| (FIRST..60_000).contains(id))
        .max();
    highest.map_or(FIRST, |id| id + 1)
}

fn append(path: &str, line: &str) -> io::Result<()> {
    writeln!(OpenOptions::new().append(true).open(path)?, "{line}")
}

/// Returns whether a name is one that passwd can hold.
fn plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    !name.is_empty() && name.len() <= 32 && !name.starts_with('-') && name.chars().all(fits)
}

/// Gives a file to a user.
pub(super) fn give(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(Into::into)
}
