//! Which public keys a new droplet's users accept.

use std::{fs, path::Path};

use crate::error::{Error, Kind, Result};

/// Returns the public half of the identity that the spec names: the lines of its `.pub` file.
///
/// A relative `identity` is taken against `dir`, and `~/` against `home`. No identity and no `.pub`
/// file mean no lines: then the keys are in the agent, and the account's keys open the door.
///
/// # Errors
/// [`Kind::Usage`] when the file cannot be read, or holds what is not a public key.
pub fn authorized_keys(
    identity: Option<&str>,
    dir: &Path,
    home: Option<&Path>,
) -> Result<Vec<String>> {
    let Some(identity) = identity else { return Ok(Vec::new()) };
    let mut path = match (identity.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => dir.join(identity),
    };
    path.as_mut_os_string().push(".pub");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| {
            Error::new(Kind::Usage, "cannot read a public key")
                .at("file", path.display())
                .because(error)
        })?,
    };
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            ssh_key::PublicKey::from_openssh(line).map(|_| line.to_owned()).map_err(|error| {
                Error::new(Kind::Usage, "not a public key in OpenSSH's form")
                    .at("file", path.display())
                    .because(error)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_lies_beside_the_identity() {
        let dir = tempfile::tempdir().unwrap();
        let line = crate::boot::HostKey::generate().unwrap().public_line().unwrap();
        fs::write(dir.path().join("id.pub"), format!("# mine\n{line} ops\n")).unwrap();
        fs::write(dir.path().join("bad.pub"), "what\n").unwrap();
        let keys = |identity, home| authorized_keys(identity, dir.path(), home);
        assert_eq!(keys(Some("id"), None).unwrap(), [format!("{line} ops")]);
        assert_eq!(keys(Some("~/id"), Some(dir.path())).unwrap().len(), 1);
        assert!(keys(Some("other"), None).unwrap().is_empty());
        assert!(keys(None, None).unwrap().is_empty());
        assert!(keys(Some("bad"), None).is_err());
    }
}
