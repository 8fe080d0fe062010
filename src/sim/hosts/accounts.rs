//! The users of a droplet, as its own /etc/passwd has them.

use std::{fs, path::PathBuf};

/// One line of passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: PathBuf,
    pub(super) shell: String,
}

impl User {
    /// Finds a user by name.
    pub(super) fn find(name: &str) -> Option<Self> {
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().filter_map(Self::parse).find(|user| user.name == name)
    }

    /// Finds a user by id; the first of several.
    pub(super) fn by_id(uid: u32) -> Option<Self> {
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().filter_map(Self::parse).find(|user| user.uid == uid)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let _comment = fields.next()?;
        let home = PathBuf::from(fields.next()?);
        let shell = fields.next().filter(|shell| !shell.is_empty()).unwrap_or("/bin/sh");
        Some(Self { name, uid, gid, home, shell: shell.to_owned() })
    }

    /// Returns whether one of the user's authorized keys is this one, in base64.
    pub(super) fn authorizes(&self, key: &str) -> bool {
        let keys = self.home.join(".ssh/authorized_keys");
        fs::read_to_string(keys).is_ok_and(|text| holds(&text, key))
    }
}

/// Returns whether an `authorized_keys` text holds a key, whatever options stand before it.
fn holds(text: &str, key: &str) -> bool {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).any(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        words.windows(2).any(|pair| {
            matches!(pair, [kind, data] if *data == key && !key.is_empty()
                && ["ssh-", "ecdsa-", "sk-"].iter().any(|start| kind.starts_with(start)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_behind_options_and_nothing_else_is_a_key() {
        let text = "# ssh-ed25519 AAAAno x\n\nssh-ed25519 AAAAone me\n\
            from=\"10.0.0.1\",no-pty ssh-ed25519 AAAAtwo you\n";
        assert!(holds(text, "AAAAone") && holds(text, "AAAAtwo"));
        assert!(!holds(text, "AAAAno") && !holds(text, "me") && !holds(text, ""));
    }

    #[test]
    fn passwd_lines_are_read_or_skipped() {
        let user = User::parse("deploy:x:1000:1001:,,,:/home/deploy:");
        assert_eq!(
            user.map(|user| (user.uid, user.gid, user.shell)),
            Some((1000, 1001, "/bin/sh".into()))
        );
        assert_eq!(User::parse("deploy:x:no:1:::"), None);
        assert_eq!(User::parse(""), None);
    }
}
