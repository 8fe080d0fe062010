//! The droplet's host key: one file, read for each connection, so that replacing it is enough.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

/// Where the key is.
pub(super) const PATH: &str = "/etc/ssh/ssh_host_ed25519_key";

/// Reads the host key.
pub(super) fn read() -> io::Result<PrivateKey> {
    let text = fs::read_to_string(PATH)?;
    PrivateKey::from_openssh(text).map_err(io::Error::other)
}

/// Makes sure that there is a host key with its public half beside it.
///
/// # Errors
/// When the key is not there and cannot be written.
pub(in super::super) fn ensure() -> io::Result<()> {
    let public = format!("{PATH}.pub");
    if let Ok(key) = read() {
        if !Path::new(&public).exists() {
            let line = key.public_key().to_openssh().map_err(io::Error::other)?;
            fs::write(&public, format!("{line}\n"))?;
        }
        return Ok(());
    }
    let seed: [u8; 32] = rand::random();
    let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    key.set_comment("root@droplet");
    let text = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let _ = fs::remove_file(PATH);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(PATH)?
        .write_all(text.as_bytes())?;
    let line = key.public_key().to_openssh().map_err(io::Error::other)?;
    fs::write(public, format!("{line}\n"))
}
