//! A host key that is known before the first contact.
//!
//! Made here, carried to the droplet by cloud-init, expected on the first login and then replaced.

use std::fmt;

use ssh_key::{
    LineEnding, PrivateKey, PublicKey,
    private::{Ed25519Keypair, KeypairData},
    public::{Ed25519PublicKey, KeyData},
};

use crate::{
    error::{Error, Kind, Result},
    secret::SecretString,
};

/// An ed25519 host key with its private half.
pub struct HostKey {
    private: SecretString,
    public: [u8; 32],
}

impl HostKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`Kind::Failed`] when it cannot be written in OpenSSH's form, which is not known to happen.
    pub fn generate() -> Result<Self> {
        let cannot = |error: ssh_key::Error| {
            Error::new(Kind::Failed, "cannot make a host key").because(error)
        };
        let pair = Ed25519Keypair::random(&mut rand::rng());
        let public = pair.public.0;
        let key = PrivateKey::new(KeypairData::from(pair), "").map_err(cannot)?;
        let private = key.to_openssh(LineEnding::LF).map_err(cannot)?;
        Ok(Self { private: SecretString::from(private.as_str()), public })
    }

    /// Returns the private half in OpenSSH's form.
    pub fn private(&self) -> &SecretString {
        &self.private
    }

    /// Returns the public half as a line of OpenSSH, `ssh-ed25519 AAAA…`.
    ///
    /// # Errors
    /// [`Kind::Failed`], which is not known to happen.
    pub fn public_line(&self) -> Result<String> {
        line(self.public)
    }

    /// Returns the public half as 64 hexadecimal digits, for the tag that pins it.
    pub fn hex(&self) -> String {
        hex(&self.public)
    }
}

/// Returns the line of OpenSSH for a public ed25519 key of 64 hexadecimal digits.
///
/// # Errors
/// [`Kind::Failed`] when the digits are not such a key.
pub fn from_hex(hex: &str) -> Result<String> {
    let wrong = || {
        Error::new(Kind::Failed, "a pinned host key is not 64 hexadecimal digits")
            .at("pin", hex.chars().take(80).collect::<String>())
    };
    let mut key = [0_u8; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (at, byte) in key.iter_mut().enumerate() {
        let digits = hex.get(at * 2..at * 2 + 2).unwrap_or_default();
        if digits.starts_with('+') {
            return Err(wrong());
        }
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    line(key)
}

/// Returns the 64 hexadecimal digits of a line `ssh-ed25519 AAAA… [comment]`.
///
/// # Errors
/// [`Kind::Failed`] when the line is not an ed25519 key.
pub fn to_hex(line: &str) -> Result<String> {
    let wrong = || Error::new(Kind::Failed, "not a public ed25519 key in OpenSSH's form");
    let key = PublicKey::from_openssh(line.trim()).map_err(|error| wrong().because(error))?;
    let KeyData::Ed25519(key) = key.key_data() else { return Err(wrong()) };
    Ok(hex(&key.0))
}

fn hex(public: &[u8; 32]) -> String {
    let digits = public.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn line(public: [u8; 32]) -> Result<String> {
    PublicKey::new(KeyData::Ed25519(Ed25519PublicKey(public)), "")
        .to_openssh()
        .map(|line| line.trim_end().to_owned())
        .map_err(|error| Error::new(Kind::Failed, "cannot write a public key").because(error))
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret as _;

    #[test]
    fn a_key_comes_back_from_its_hex() {
        let key = HostKey::generate().unwrap();
        let line = key.public_line().unwrap();
        assert!(line.starts_with("ssh-ed25519 AAAA"), "{line}");
        assert_eq!(from_hex(&key.hex()).unwrap(), line);
        assert_eq!(to_hex(&format!("{line} root@host\n")).unwrap(), key.hex());
        let private = PrivateKey::from_openssh(key.private().expose_secret()).unwrap();
        assert_eq!(private.public_key().to_openssh().unwrap().trim(), line);
        assert_ne!(HostKey::generate().unwrap().hex(), key.hex());
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for hex in ["", "zz", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32), &"0".repeat(63)]
        {
            assert!(from_hex(hex).is_err(), "{hex}");
        }
        for line in ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-ed25519 AAAA"] {
            assert!(to_hex(line).is_err(), "{line}");
        }
    }

    #[test]
    fn debug_shows_no_private_half() {
        assert!(!format!("{:?}", HostKey::generate().unwrap()).contains("PRIVATE"));
    }
}
