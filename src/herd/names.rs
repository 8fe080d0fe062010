//! The one file that spells names and tags: what remuda writes into the account, and reads back.
//!
//! DigitalOcean's tags match `^[a-zA-Z0-9_\-:]+$` (no dots), its droplet names are hostnames (no
//! underscores). A version is `[A-Za-z0-9.-]`, so a dot becomes `_` in a tag and back, without loss.

use std::fmt;

use crate::error::{Error, Kind, Result};

/// The longest version that fits into a droplet's name beside app, environment and operation id.
const LONGEST_VERSION: usize = 64;

/// An app and one of its environments: the key of everything in the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The app's name.
    pub app: String,
    /// The environment's name.
    pub env: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.env)
    }
}

impl Scope {
    /// Returns the tag that every droplet of this herd carries.
    pub fn tag(&self) -> String {
        format!("remuda:{}:{}", self.app, self.env)
    }

    /// Returns the droplet name of a version, unique by the operation's id.
    pub fn droplet_name(&self, version: &Version, operation: &str) -> String {
        format!("{}-{}-{}-{operation}", self.app, self.env, version)
    }

    /// Returns the name of the cloud firewall that is this environment's lock.
    pub fn lock_name(&self) -> String {
        format!("remuda-lock.{}.{}", self.app, self.env)
    }

    /// Returns the prefix of the tags that say who holds this environment's lock.
    pub fn lock_tag_prefix(&self) -> String {
        format!("remuda-lock:{}:{}:", self.app, self.env)
    }
}

/// A version as a user types it, fit for a droplet's name and a tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(String);

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it has other characters than letters, digits, dots and hyphens, or
    /// does not begin and end with a letter or digit, or is longer than 64.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric();
        let good = !text.is_empty()
            && text.len() <= LONGEST_VERSION
            && text.chars().all(|c| plain(c) || c == '.' || c == '-')
            && text.starts_with(plain)
            && text.ends_with(plain);
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(Kind::Usage, format!("`{}` cannot be a version", text.escape_debug()))
            .hint("use letters, digits, dots and hyphens, at most 64, such as v1.4.0"))
    }

    /// Returns what stands for the version of a droplet whose tag is gone.
    pub fn unknown() -> Self {
        Self("unknown".into())
    }

    /// Returns the version as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A fact about a droplet that a tag carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The version that it runs.
    Version(Version),
    /// The number of the cutover that brought it live, the last one if there were several.
    Generation(u64),
    /// The ed25519 public key that cloud-init injected, as 64 hex digits; goes after first login.
    BornKey(String),
    /// The ed25519 public key that was made on the host, as 64 hex digits: the pin.
    PinnedKey(String),
    /// The digest of the spec that it was created from.
    Spec(String),
    /// It failed and is kept for a look, since this Unix second.
    Quarantined(i64),
    /// A rollback left it, at this Unix second.
    Left(i64),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "remuda-version:{}", version.as_str().replace('.', "_"))
            }
            Self::Generation(number) => write!(f, "remuda-generation:{number}"),
            Self::BornKey(hex) => write!(f, "remuda-bornkey:{hex}"),
            Self::PinnedKey(hex) => write!(f, "remuda-hostkey:{hex}"),
            Self::Spec(digest) => write!(f, "remuda-spec:{digest}"),
            Self::Quarantined(since) => write!(f, "remuda-quarantined:{since}"),
            Self::Left(since) => write!(f, "remuda-left:{since}"),
        }
    }
}

impl Mark {
    /// Reads a tag; `None` when it is not one of remuda's marks.
    pub fn parse(tag: &str) -> Option<Self> {
        let (kind, value) = tag.strip_prefix("remuda-")?.split_once(':')?;
        Some(match kind {
            "version" => Self::Version(Version::parse(&value.replace('_', ".")).ok()?),
            "generation" => Self::Generation(value.parse().ok()?),
            "bornkey" => Self::BornKey(key_hex(value)?),
            "hostkey" => Self::PinnedKey(key_hex(value)?),
            "spec" => Self::Spec(value.to_owned()),
            "quarantined" => Self::Quarantined(value.parse().ok()?),
            "left" => Self::Left(value.parse().ok()?),
            _ => return None,
        })
    }

    /// Returns whether at most one droplet ever carries this very tag, so that it goes with it.
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::BornKey(_) | Self::PinnedKey(_))
    }
}

fn key_hex(text: &str) -> Option<String> {
    let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase())
}

/// Returns a fresh operation id: four letters and digits that are hard to mix up.
pub fn operation_id() -> String {
    const ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
    (0..4).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// Makes `text` fit for a field of a tag: everything else becomes `_`, and it is cut at 40.
pub fn tag_field(text: &str) -> String {
    let field: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    if field.is_empty() { "-".into() } else { field }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_version_survives_its_tag(text in "[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?") {
            let version = Version::parse(&text).unwrap();
            let tag = Mark::Version(version.clone()).to_string();
            let legal = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
            prop_assert!(tag.chars().all(legal) && tag.len() <= 255);
            prop_assert_eq!(Mark::parse(&tag), Some(Mark::Version(version)));
        }

        #[test]
        fn no_tag_and_no_version_panics(text in ".{0,300}") {
            drop(Mark::parse(&text));
            drop(Mark::parse(&format!("remuda-{text}")));
            drop(Version::parse(&text));
            prop_assert!(tag_field(&text).len() <= 40);
        }
    }

    #[test]
    fn hostile_versions_are_refused() {
        for text in ["", "v1_0", "-v1", "v1-", "v1 2", "v1;rm", "v1\n", &"a".repeat(65)] {
            assert_eq!(Version::parse(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }

    #[test]
    fn marks_read_back() {
        let marks = [
            Mark::Generation(7),
            Mark::BornKey("ab".repeat(32)),
            Mark::PinnedKey("0f".repeat(32)),
            Mark::Spec("0123abcd".into()),
            Mark::Quarantined(1_700_000_000),
            Mark::Left(1_700_000_000),
        ];
        for mark in marks {
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        }
    }
}
