//! Whom to log in to: the address, the name that its key is known by, and the keys accepted.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use ssh_key::{Algorithm, HashAlg, PublicKey};

use crate::error::{Error, Kind, Result};

/// A host to log in to, and the only keys by which it may prove to be that host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The droplet's name: host keys are known by it, never by an address, because addresses are
    /// recycled. `Host` patterns of `~/.ssh/config` match it, too.
    pub name: String,
    /// The address to connect to.
    pub address: IpAddr,
    /// The port of its SSH server.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The private key's file; the agent's and `~/.ssh/config`'s keys when absent.
    pub identity: Option<PathBuf>,
    /// Acceptable ed25519 host keys, as OpenSSH public lines; never empty.
    pub keys: Vec<String>,
}

impl Target {
    /// Returns the address and port.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Checks all that will be written into a configuration file.
    pub(super) fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name_is_good = self.name.len() <= 255
            && self.name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && self.name.chars().all(plain);
        if !name_is_good {
            return Err(self.wrong(format!("`{}` is not a name of a host", self.name)));
        }
        let user_is_good = self.user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && self.user.chars().all(plain);
        if !user_is_good {
            return Err(self.wrong(format!("`{}` is not a name of a user", self.user)));
        }
        if self.keys.is_empty() {
            return Err(self.wrong(format!(
                "no host key is known for {}, and no unknown host is ever trusted",
                self.name
            )));
        }
        for key in &self.keys {
            key_of(key).map_err(|error| error.at("host", &self.name))?;
        }
        Ok(())
    }

    /// Returns the lines of a known-hosts file that accept this target's keys and no others.
    pub(super) fn known_hosts(&self) -> Result<String> {
        let mut lines = String::new();
        for key in &self.keys {
            let mut key = key_of(key)?;
            key.set_comment("");
            let line = key.to_openssh().map_err(|error| unreadable().because(error))?;
            lines.push_str(&self.name);
            lines.push(' ');
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        Ok(lines)
    }

    /// Returns the fingerprints of the keys accepted.
    pub(super) fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().filter_map(|key| fingerprint(key).ok()).collect()
    }

    fn wrong(&self, what: String) -> Error {
        Error::new(Kind::Usage, what).at("address", self.socket())
    }
}

/// Returns the fingerprint `SHA256:…` of an OpenSSH public line, as `ssh-keygen -l` prints it.
///
/// # Errors
/// [`Kind::Failed`] when the line is not an ed25519 public key.
pub fn fingerprint(public_line: &str) -> Result<String> {
    Ok(key_of(public_line)?.fingerprint(HashAlg::Sha256).to_string())
}

fn key_of(public_line: &str) -> Result<PublicKey> {
    let key =
        PublicKey::from_openssh(public_line.trim()).map_err(|error| unreadable().because(error))?;
    if key.algorithm() == Algorithm::Ed25519 {
        Ok(key)
    } else {
        Err(Error::new(
            Kind::Failed,
            format!("a host key must be ed25519, not {}", key.algorithm()),
        ))
    }
}

fn unreadable() -> Error {
    Error::new(Kind::Failed, "this is not an OpenSSH public key")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me@here";

    fn target() -> Target {
        Target {
            name: "blog-production-v1-abc".into(),
            address: [127, 0, 0, 1].into(),
            port: 22,
            user: "root".into(),
            identity: None,
            keys: vec![KEY.into()],
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_ssh_keygen() {
        // ssh-keygen -lf on the same line.
        let expected = "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE";
        assert_eq!(fingerprint(KEY).unwrap(), expected);
        assert_eq!(fingerprint("ssh-ed25519 AAAA").unwrap_err().kind(), Kind::Failed);
        assert!(fingerprint("").is_err());
    }

    #[test]
    fn known_hosts_name_the_droplet_and_drop_comments() {
        let lines = target().known_hosts().unwrap();
        assert!(lines.starts_with("blog-production-v1-abc ssh-ed25519 AAAA"));
        assert_eq!(lines.lines().count(), 1);
        assert!(!lines.contains("me@here"));
    }

    #[test]
    fn nothing_that_ssh_would_read_as_more_than_a_name_passes() {
        assert!(target().check().is_ok());
        for name in ["", "-oProxyCommand=x", "a b", "a\nb", "*", "a/b", "!a", "é"] {
            let wrong = Target { name: name.into(), ..target() };
            assert!(wrong.check().is_err(), "{name:?}");
        }
        for user in ["", "-x", "a b", "a\n", "a@b"] {
            let wrong = Target { user: user.into(), ..target() };
            assert!(wrong.check().is_err(), "{user:?}");
        }
    }

    #[test]
    fn a_target_without_keys_is_refused() {
        let error = Target { keys: vec![], ..target() }.check().unwrap_err();
        assert!(error.what().contains("no unknown host is ever trusted"));
    }
}
