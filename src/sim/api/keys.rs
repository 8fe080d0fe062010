//! `/v2/account/keys`: SSH keys by number or by the MD5 of their blob.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::sim::{
    http::{Answer, Call, Refusal, Reply},
    state::{Key, State},
};

pub(crate) async fn list(call: Call) -> Answer {
    let keys: Vec<Key> = call.world.read(|state| state.keys.values().cloned().collect());
    call.page("ssh_keys", &keys, view)
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    let public_key = call.body.need("public_key")?;
    let public_key = public_key.trim();
    let fingerprint = fingerprint(public_key).ok_or_else(|| {
        Refusal::unprocessable("Key invalid, key should be of the format `ssh-rsa <key>`")
    })?;
    call.world.change(|state| {
        if state.keys.values().any(|key| key.fingerprint == fingerprint) {
            return Err(Refusal::unprocessable("SSH Key is already in use on your account"));
        }
        let id = state.id();
        let key = Key { id, name, fingerprint, line: public_key.to_owned() };
        let reply = json!({"ssh_key": view(&key)});
        state.keys.insert(id, key);
        Ok(Reply::created(reply))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let key = call.world.read(|state| find(state, call.part("key")).cloned());
    Ok(Reply::ok(json!({"ssh_key": view(&key.ok_or_else(Refusal::not_found)?)})))
}

pub(crate) async fn rename(call: Call) -> Answer {
    let name = call.body.need("name")?;
    call.world.change(|state| {
        let id = find(state, call.part("key")).map(|key| key.id);
        let key = id.and_then(|id| state.keys.get_mut(&id)).ok_or_else(Refusal::not_found)?;
        key.name = name;
        Ok(Reply::ok(json!({"ssh_key": view(key)})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| {
        let id = find(state, call.part("key")).map(|key| key.id).ok_or_else(Refusal::not_found)?;
        state.keys.remove(&id);
        Ok(Reply::gone())
    })
}

/// Finds a key by its number or its fingerprint.
pub(crate) fn find<'a>(state: &'a State, which: &str) -> Option<&'a Key> {
    match which.parse::<u64>() {
        Ok(id) => state.keys.get(&id),
        Err(_) => state.keys.values().find(|key| key.fingerprint == which),
    }
}

fn view(key: &Key) -> Value {
    json!({
        "id": key.id,
        "fingerprint": key.fingerprint,
        "public_key": key.line,
        "name": key.name,
    })
}

/// Returns the MD5 of a public key's blob, in pairs of hex digits.
fn fingerprint(public_key: &str) -> Option<String> {
    let mut words = public_key.split_whitespace();
    let (kind, blob) = (words.next()?, words.next()?);
    let blob = base64::engine::general_purpose::STANDARD.decode(blob).ok()?;
    // the blob begins with its own kind; what does not is no key
    let named = blob.get(4..4 + kind.len())?;
    if named != kind.as_bytes() {
        return None;
    }
    let mut text = String::new();
    for byte in md5::compute(&blob).0 {
        if !text.is_empty() {
            text.push(':');
        }
        write!(text, "{byte:02x}").ok()?;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // ssh-keygen -l -E md5
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIMZpAu0J+O8z1CqUWNTN5VF4S5ptbCBTy5kSSDdmJ2C x";
        let text = fingerprint(key).unwrap();
        assert_eq!(text.len(), 47);
        assert_eq!(fingerprint(key).unwrap(), text);
        for wrong in
            ["", "ssh-rsa", "ssh-rsa !!!", "ssh-rsa AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA"]
        {
            assert_eq!(fingerprint(wrong), None, "{wrong}");
        }
    }
}
