//! `write_files`: content in its encodings, permissions, owner, append.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use nix::unistd::{Gid, Uid, chown};
use serde_json::{Map, Value};

use super::{
    journal::Journal,
    userdata::{list, text},
};

/// The most that a file is unpacked to.
const LARGEST: u64 = 64 << 20;
/// What may be said of a file.
const KEYS: [&str; 7] = ["path", "content", "encoding", "permissions", "owner", "append", "defer"];

/// Writes the files: those that are deferred, or those that are not.
pub(super) fn write(journal: &Journal, files: Option<&Value>, deferred: bool, many: bool) {
    for file in files.map(list).unwrap_or_default() {
        let Value::Object(file) = file else {
            journal.warn("an item of write_files is not a mapping");
            continue;
        };
        if truth(file.get("defer")) != deferred {
            continue;
        }
        let path = file.get("path").and_then(Value::as_str).unwrap_or_default();
        for key in file.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            journal.warn(&format!("the simulator does not run `{key}` of write_files {path}"));
        }
        match write_one(file, path, many) {
            Ok(()) => journal.note(&format!("wrote {path}")),
            Err(error) => journal.error(&format!("write_files {path}: {error}")),
        }
    }
}

fn write_one(file: &Map<String, Value>, path: &str, many: bool) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("path is not absolute".to_owned());
    }
    let content = file.get("content").and_then(text).unwrap_or_default();
    let encoding = file.get("encoding").and_then(Value::as_str).unwrap_or("text/plain");
    let bytes = decode(content.as_bytes(), encoding)?;
    let mode = permissions(file.get("permissions"))?;
    let owner = owner(file.get("owner").and_then(Value::as_str).unwrap_or("root:root"), many)?;
    let path = Path::new(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    let append = truth(file.get("append"));
    let mut open = OpenOptions::new();
    open.create(true).mode(mode);
    if append {
        open.append(true)
    } else {
        open.write(true).truncate(true)
    };
    open.open(path)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(|error| error.to_string())?;
    chown(path, Some(owner.0), Some(owner.1)).map_err(|error| format!("chown: {error}"))
}

/// Undoes the encodings that cloud-init knows, outermost first.
fn decode(content: &[u8], encoding: &str) -> Result<Vec<u8>, String> {
    let gunzip = |bytes: &[u8]| {
        let mut plain = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(LARGEST);
        reader.read_to_end(&mut plain).map(|_| plain).map_err(|error| format!("gzip: {error}"))
    };
    let base64 = |bytes: &[u8]| {
        let packed: Vec<u8> = bytes.iter().filter(|c| !c.is_ascii_whitespace()).copied().collect();
        BASE64_STANDARD.decode(packed).map_err(|error| format!("base64: {error}"))
    };
    match encoding.trim().to_ascii_lowercase().as_str() {
        "b64" | "base64" => base64(content),
        "gz" | "gzip" => gunzip(content),
        "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => gunzip(&base64(content)?),
        // cloud-init takes what it does not know for plain text.
        _ => Ok(content.to_vec()),
    }
}

/// Reads permissions: octal text, or a number that YAML has read already.
fn permissions(value: Option<&Value>) -> Result<u32, String> {
    match value {
        None | Some(Value::Null) => Ok(0o644),
        Some(Value::String(text)) => {
            let digits = text.trim().trim_start_matches("0o");
            u32::from_str_radix(digits, 8)
                .map_err(|_| format!("permissions `{text}` are not octal"))
        }
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| format!("permissions {number} are out of range")),
        Some(other) => Err(format!("permissions {other} are not a number")),
    }
    .map(|mode| mode & 0o7777)
}

/// Finds the ids of `user:group`; without users of their own, everything is root's.
fn owner(text: &str, many: bool) -> Result<(Uid, Gid), String> {
    let (user, group) = text.split_once(':').unwrap_or((text, "root"));
    let uid = id_in("/etc/passwd", user).ok_or_else(|| format!("there is no user `{user}`"))?;
    let gid = id_in("/etc/group", group).ok_or_else(|| format!("there is no group `{group}`"))?;
    Ok(if many { (uid.into(), gid.into()) } else { (Uid::from_raw(0), Gid::from_raw(0)) })
}

/// Returns the id of a name in passwd or group, or the number that the name is.
pub(super) fn id_in(file: &str, name: &str) -> Option<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            fields.nth(1)?.parse().ok()
        })
        .or_else(|| name.parse().ok())
}

/// Reads a flag in any of YAML's spellings.
pub(super) fn truth(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => {
            matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
        }
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn encodings_are_undone() {
        assert_eq!(decode(b"a b", "text/plain").as_deref(), Ok(&b"a b"[..]));
        assert_eq!(decode(b"aGVs\nbG8=", "b64").as_deref(), Ok(&b"hello"[..]));
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(b"hello").expect("pack");
        let packed = BASE64_STANDARD.encode(zip.finish().expect("pack"));
        assert_eq!(decode(packed.as_bytes(), "gz+b64").as_deref(), Ok(&b"hello"[..]));
        assert!(decode(b"!", "base64").is_err() && decode(b"x", "gzip").is_err());
    }

    #[test]
    fn permissions_are_octal_text_or_a_number() {
        assert_eq!(permissions(Some(&json!("0600"))), Ok(0o600));
        assert_eq!(permissions(Some(&json!("0o755"))), Ok(0o755));
        assert_eq!(permissions(Some(&json!(420))), Ok(0o644));
        assert_eq!(permissions(None), Ok(0o644));
        assert!(permissions(Some(&json!("rw"))).is_err());
    }
}
