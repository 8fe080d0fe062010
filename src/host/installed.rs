//! Whether this machine has an OpenSSH client, and which.

use std::process::Stdio;

/// Returns whether `ssh` can be started here.
pub async fn is_installed() -> bool {
    version().await.is_some()
}

/// Returns what `ssh -V` says, such as `OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1`; none when `ssh`
/// cannot be started here.
#[expect(clippy::disallowed_methods, reason = "this room starts the OpenSSH client")]
pub async fn version() -> Option<String> {
    let asked = tokio::process::Command::new("ssh")
        .arg("-V")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output();
    let said = asked.await.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&said.stderr).lines().next().unwrap_or_default().to_owned())
}
