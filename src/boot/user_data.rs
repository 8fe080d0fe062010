//! User-data as the API takes it: a text of at most 64 KiB, small enough or packed.
//!
//! Packing is MIME with a base64 part of gzip, because the API takes a text and gzip is none
//! (docs/decisions/0004).

use std::{fmt, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};

use crate::{
    error::{Error, Kind, Result},
    secret::{ExposeSecret as _, SecretString},
    size,
};

/// The largest user-data that `DigitalOcean` takes, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// What cloud-init gets; holds a private key, so it is not printed.
pub struct UserData {
    text: SecretString,
    /// What is strange about the document without being wrong, for the user.
    pub warnings: Vec<String>,
    /// Whether the document had to be packed.
    pub packed: bool,
}

impl UserData {
    /// Takes a cloud-config document, packs it when it is too large, and refuses it when that does
    /// not help.
    ///
    /// # Errors
    /// [`Kind::Usage`] with both sizes.
    pub(super) fn new(document: String, warnings: Vec<String>) -> Result<Self> {
        let plain = document.len();
        if plain <= MAX_BYTES {
            return Ok(Self { text: document.into(), warnings, packed: false });
        }
        let refuse = |why: String| {
            Err(Error::new(Kind::Usage, why)
                .hint("install the larger files from a package or an image instead"))
        };
        let most = size::bytes(MAX_BYTES as u64);
        if let Some(at) = document.find(|c: char| !c.is_ascii()) {
            let line = document.get(..at).unwrap_or_default().lines().count().max(1);
            return refuse(format!(
                "user-data of {} is over {most}, and can be packed only if it is ASCII: line {line} is not",
                size::bytes(plain as u64)
            ));
        }
        let packed = pack(&document)?;
        if packed.len() > MAX_BYTES {
            return refuse(format!(
                "user-data of {} ({plain} bytes), {} packed ({} bytes), is over {most}",
                size::bytes(plain as u64),
                size::bytes(packed.len() as u64),
                packed.len()
            ));
        }
        Ok(Self { text: packed.into(), warnings, packed: true })
    }

    /// Returns the text for the API.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// Returns the bytes of the text for the API.
    pub fn bytes(&self) -> &[u8] {
        self.text.expose_secret().as_bytes()
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("bytes", &self.bytes().len())
            .field("packed", &self.packed)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Packs a document as the one part of a MIME message.
fn pack(document: &str) -> Result<String> {
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Failed, "cannot pack the user-data").because(error)
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(document.as_bytes()).map_err(cannot)?;
    let base64 = STANDARD.encode(encoder.finish().map_err(cannot)?);
    // Neither `=` + `_` nor `--` is in base64, so the boundary cannot be in the part.
    let boundary = "==remuda_user_data==";
    let mut out = format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n\
         --{boundary}\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\
         Content-Disposition: attachment; filename=\"cloud-config.yaml\"\n\n"
    );
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(76));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out.extend(["--", boundary, "--\n"]);
    Ok(out)
}
