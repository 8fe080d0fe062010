//! What must be right on this machine: ssh, the spec, the key.

use std::os::unix::fs::PermissionsExt as _;

use super::{super::session, Check};
use crate::{
    error::{Error, Result},
    host,
    run::journal::{self, Entry},
    spec::Loaded,
};

/// The first OpenSSH that knows all the settings by which remuda pins a host key.
const OLDEST: (u32, u32) = (8, 5);

pub(super) async fn checks(spec: &Result<Loaded, Error>) -> Vec<Check> {
    let mut checks = vec![client(host::version().await.as_deref())];
    match spec {
        Err(error) => {
            checks
                .push(Check::error("spec", error).advice("see all with `remuda config validate`"));
            checks.push(Check::skipped("key", "no spec"));
        }
        Ok(spec) => {
            let files = spec.files.len();
            let what = format!("{}/{}, {files} files", spec.spec.app, spec.env);
            checks.push(Check::ok("spec", what.replace("1 files", "1 file")));
            checks.push(key(spec));
            checks.push(unfinished(spec));
        }
    }
    checks
}

fn client(version: Option<&str>) -> Check {
    let name = "ssh client";
    let Some(said) = version else {
        return Check::fail(name, "there is no `ssh` on this machine")
            .advice("install an OpenSSH client, such as Debian's openssh-client");
    };
    match number(said) {
        Some(number) if number < OLDEST => Check::fail(name, said)
            .advice(format!("install OpenSSH {}.{} or later", OLDEST.0, OLDEST.1)),
        Some(_) => Check::ok(name, said),
        None => Check::warn(name, said).advice("remuda knows only OpenSSH"),
    }
}

/// Reads `OpenSSH_9.2p1 Debian-2` as `(9, 2)`.
fn number(said: &str) -> Option<(u32, u32)> {
    let rest = said.split_once("OpenSSH_")?.1;
    let rest = rest.strip_prefix("for_Windows_").unwrap_or(rest);
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn key(spec: &Loaded) -> Check {
    let name = "key";
    let Some(identity) = &spec.spec.ssh.identity else {
        return Check::ok(name, "those of the agent and ~/.ssh (the spec names none)");
    };
    let path = spec.path(identity);
    let shown = path.display().to_string();
    let Ok(meta) = std::fs::metadata(&path) else {
        return Check::fail(name, format!("{shown} is not there"))
            .advice(format!("ssh-keygen -t ed25519 -f {shown}, or correct ssh.identity"));
    };
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Check::fail(
            name,
            format!("{shown} can be read by others ({mode:o}): ssh will not use it"),
        )
        .advice(format!("chmod 600 {shown}"));
    }
    let public = match session::authorized_keys(spec) {
        Ok(public) => public,
        Err(error) => return Check::error(name, &error),
    };
    if public.is_empty() {
        return Check::warn(
            name,
            format!("{shown} has no public half: droplets will not let it in"),
        )
        .advice(format!("ssh-keygen -y -f {shown} > {shown}.pub"));
    }
    Check::ok(name, shown)
}

/// The journals are memory of this folder alone; the account says what there is to do.
fn unfinished(spec: &Loaded) -> Check {
    let name = "last run";
    let paths = journal::list(&spec.runs());
    let last = paths.iter().rev().find_map(|path| {
        let records = journal::read(path).ok()?;
        let ours = records.iter().find_map(|record| match &record.entry {
            Entry::Opened(opening) if opening.env == spec.env => Some(opening.run.clone()),
            _ => None,
        })?;
        let outcome = records.iter().find_map(|record| match &record.entry {
            Entry::Closed(closing) => Some(closing.outcome.clone()),
            _ => None,
        });
        Some((ours, outcome))
    });
    match last {
        None => Check::ok(name, "none from this folder yet"),
        Some((run, Some(outcome))) => Check::ok(name, format!("{run}: {outcome}")),
        Some((run, None)) => {
            Check::warn(name, format!("{run} has no end: it died, or is still going"))
                .advice("remuda status, then remuda resume or remuda abort")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn versions_of_ssh_are_read() {
        assert_eq!(number("OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.15"), Some((9, 2)));
        assert_eq!(number("OpenSSH_10.0p2"), Some((10, 0)));
        assert_eq!(number("Sun_SSH_1.1"), None);
        assert_eq!(client(Some("OpenSSH_8.4p1")).state, State::Fail);
        assert_eq!(client(Some("OpenSSH_8.5p1")).state, State::Ok);
        assert_eq!(client(Some("dropbear")).state, State::Warn);
        assert_eq!(client(None).state, State::Fail);
    }
}
