//! Replacing the host key that was injected by one that has never left the host.
//!
//! The injected private key stood in the user-data, where everything on the droplet can read it
//! for as long as the droplet lives. It serves for one login. Both verbs may be cut off at any
//! point and repeated: each file changes by a rename, and the public half is always derived.

use std::time::Duration;

use super::{quote::quote, run::Run, session::Host, target::fingerprint};
use crate::error::{Error, Kind, Result};

/// How long either verb may take.
const WITHIN: Duration = Duration::from_mins(1);

/// What [`Host::activate_key`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// The public line of the key that the host has now.
    pub key: String,
    /// Whether the injected key is gone from cloud-init's files as well. It stays there while
    /// cloud-init still works; activating again, later, removes it.
    pub forgotten: bool,
}

impl Host {
    /// Makes a fresh host key on the host, not in use yet, and returns its public line.
    ///
    /// A key that was made earlier and is not in use yet is returned again. From now on both keys
    /// are accepted by new connections of this [`Host`].
    ///
    /// # Errors
    /// Those of [`Host::check`]; it needs root, or `sudo` without a password.
    pub async fn make_key(&self) -> Result<String> {
        let output = self.check(Run::new(&as_root(&make(""))?, WITHIN)).await?;
        let key = public_line(&output.stdout)?;
        let mut keys = self.target().keys;
        if !keys.contains(&key) {
            keys.push(key.clone());
        }
        self.accept(keys);
        Ok(key)
    }

    /// Puts the key of [`Host::make_key`] into use and destroys every other host key.
    ///
    /// From now on only the new key is accepted by new connections of this [`Host`]. Without a
    /// key that was made, it keeps the key in use and does the rest.
    ///
    /// # Errors
    /// Those of [`Host::check`]; it needs root, or `sudo` without a password.
    pub async fn activate_key(&self) -> Result<Activated> {
        let output = self.check(Run::new(&as_root(&activate(""))?, WITHIN)).await?;
        let key = public_line(&output.stdout)?;
        self.accept(vec![key.clone()]);
        let forgotten = output.stdout.lines().any(|line| line == "forgotten");
        Ok(Activated { key, forgotten })
    }

    /// Returns the public line of the ed25519 host key that the host has in use.
    ///
    /// # Errors
    /// Those of [`Host::check`].
    pub async fn live_key(&self) -> Result<String> {
        let script = "cat /etc/ssh/ssh_host_ed25519_key.pub";
        let output = self.check(Run::new(script, WITHIN)).await?;
        public_line(&output.stdout)
    }
}

/// Returns a script that runs `script` as root: directly, or by `sudo` without a password.
///
/// The script is seen in the host's process list while it runs: no secrets in it.
///
/// # Errors
/// [`Kind::Usage`] when the script holds a NUL.
pub fn as_root(script: &str) -> Result<String> {
    let script = quote(script)?;
    Ok(format!(
        "if [ \"$(id -u)\" = 0 ]; then exec sh -c {script}; fi\n\
         command -v sudo >/dev/null || {{ echo 'this needs root, and there is no sudo' >&2; exit 126; }}\n\
         exec sudo -n sh -c {script}\n"
    ))
}

/// Finds the key among the lines of an output and drops its comment.
fn public_line(output: &str) -> Result<String> {
    let line = output.lines().find(|line| line.starts_with("ssh-ed25519 ")).unwrap_or_default();
    fingerprint(line)?;
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    if words.len() < 2 {
        return Err(Error::new(Kind::Failed, "the host has no ed25519 host key"));
    }
    Ok(words.join(" "))
}

/// The script of [`Host::make_key`]; `root` is put in front of every path.
fn make(root: &str) -> String {
    format!(
        "\
set -eu
umask 077
new={root}/etc/ssh/remuda_host_ed25519_key
if ! ssh-keygen -y -P '' -f \"$new\" >/dev/null 2>&1; then
    rm -f \"$new\" \"$new.half\" \"$new.half.pub\"
    ssh-keygen -q -t ed25519 -N '' -C '' -f \"$new.half\"
    rm -f \"$new.half.pub\"
    sync \"$new.half\" 2>/dev/null || sync
    mv -f \"$new.half\" \"$new\"
fi
ssh-keygen -y -P '' -f \"$new\"
"
    )
}

/// The script of [`Host::activate_key`]; `root` is put in front of every path.
///
/// The old key is hard-linked to `.burnt` before it is replaced, so that it can be overwritten
/// afterwards even when this was cut off in between. `cloud-init` writes its files anew when it
/// runs, so they are cleaned only after it has ended.
fn activate(root: &str) -> String {
    let reload = if root.is_empty() { RELOAD } else { "" };
    format!(
        "\
set -eu
umask 077
cd {root}/etc/ssh
live=ssh_host_ed25519_key
new=remuda_host_ed25519_key
burn() {{
    for file do
        [ -f \"$file\" ] || continue
        shred -fu \"$file\" 2>/dev/null || rm -f \"$file\"
    done
}}
publish() {{
    ssh-keygen -y -P '' -f \"$live\" >\"$live.pub.half\"
    chmod 644 \"$live.pub.half\"
    mv -f \"$live.pub.half\" \"$live.pub\"
}}
if ssh-keygen -y -P '' -f \"$new\" >/dev/null 2>&1; then
    if [ -f \"$live\" ]; then ln -f \"$live\" \"$live.burnt\"; fi
    chmod 600 \"$new\"
    mv -f \"$new\" \"$live\"
fi
publish
burn \"$live.burnt\" \"$new.half\" ssh_host_rsa_key ssh_host_ecdsa_key ssh_host_dsa_key
rm -f \"$new\" ssh_host_rsa_key*.pub ssh_host_ecdsa_key*.pub ssh_host_dsa_key*.pub
rm -f ssh_host_*_key-cert.pub
{reload}cat \"$live.pub\"
cloud={root}/var/lib/cloud
run={root}/run/cloud-init
if [ -d \"$run\" ] && [ ! -f \"$run/result.json\" ]; then exit 0; fi
for file in \"$cloud\"/instance*/user-data.txt \"$cloud\"/instance*/user-data.txt.i \\
    \"$cloud\"/instances/*/user-data.txt \"$cloud\"/instances/*/user-data.txt.i \\
    \"$cloud\"/instances/*/obj.pkl \"$cloud\"/seed/*/user-data; do
    [ -s \"$file\" ] || continue
    case $(od -An -tx1 -N2 \"$file\") in *'1f 8b'*) secret=yes ;; *) secret= ;; esac
    if [ -n \"$secret\" ] || grep -aq 'PRIVATE KEY' \"$file\"; then
        case $file in
            *user-data*) shred -f \"$file\" 2>/dev/null || :; : >\"$file\" ;;
            *) burn \"$file\" ;;
        esac
    fi
done
grep -rlaIs 'PRIVATE KEY' \"$cloud\" \"$run\" 2>/dev/null | while IFS= read -r file; do
    sed -e '/-----BEGIN [A-Z ]*PRIVATE KEY-----/,/-----END [A-Z ]*PRIVATE KEY-----/{{' \\
        -e 's/-----BEGIN [A-Z ]*PRIVATE KEY-----.*-----END [A-Z ]*PRIVATE KEY-----/removed by remuda/g' \\
        -e '/removed by remuda/!d' -e '}}' \"$file\" >\"$file.half\"
    chmod --reference=\"$file\" \"$file.half\" 2>/dev/null || :
    chown --reference=\"$file\" \"$file.half\" 2>/dev/null || :
    ln -f \"$file\" \"$file.burnt\"
    mv -f \"$file.half\" \"$file\"
    burn \"$file.burnt\"
done
echo forgotten
"
    )
}

/// Makes a running sshd read its keys again, if there is one: an sshd without systemd is found by
/// its pid file, and one that reads its keys at each connection needs nothing.
const RELOAD: &str = "\
{ systemctl reload ssh || systemctl reload sshd || service ssh reload || service sshd reload ||
  kill -HUP \"$(cat /run/sshd.pid)\" || :; } >/dev/null 2>&1
";

#[cfg(test)]
mod tests;
