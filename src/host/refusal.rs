//! What ssh says when it does not log in, and what that means to a person.

use super::target::Target;
use crate::{
    error::{Error, Kind},
    retry::Deadline,
};

/// Why an attempt to log in failed, as far as ssh says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing listens yet, nobody answers, or sshd is not ready.
    NotYet,
    /// The host accepts none of our keys; the user may not exist yet.
    Denied,
    /// The host is not the one that was meant; its key's fingerprint, where ssh says it.
    WrongKey(Option<String>),
    /// The jump host is not known, is not the one that was meant, or does not let us through.
    JumpHost,
    /// Trying again cannot help.
    Hopeless,
}

/// Reads what ssh said when it did not log in to the host known as `name`.
pub(super) fn read(target: &Target, log: &str) -> Refusal {
    let says = |words: &str| log.contains(words);
    let Target { name, user, address, .. } = target;
    if says(&format!("Host key for {name} has changed"))
        || says(&format!("host key is known for {name} and"))
        || says("no matching host key type found")
        || says(&format!("Host key for {name} was revoked"))
    {
        let seen = log
            .split(|c: char| c.is_whitespace())
            .find(|word| word.starts_with("SHA256:"))
            .map(|word| word.trim_end_matches('.').to_owned());
        return Refusal::WrongKey(seen);
    }
    if says("Host key verification failed") {
        return Refusal::JumpHost;
    }
    let hopeless = [
        "bad configuration option",
        "Bad configuration option",
        "Bad owner or permissions",
        "no matching key exchange method",
        "no matching cipher",
        "too long for Unix domain socket",
    ];
    if hopeless.iter().any(|words| says(words)) {
        return Refusal::Hopeless;
    }
    if says(&format!("{user}@{address}: Permission denied ("))
        || says("Too many authentication failures")
    {
        return Refusal::Denied;
    }
    if says("Permission denied (") {
        return Refusal::JumpHost;
    }
    Refusal::NotYet
}

/// Makes the error of a refusal that is final.
pub(super) fn refused(target: &Target, refusal: &Refusal, log: &str) -> Error {
    let name = &target.name;
    let error = match refusal {
        Refusal::WrongKey(seen) => return wrong_key(target, seen.as_deref(), log),
        Refusal::Denied => {
            let key = target.identity.as_ref().map_or_else(
                || "any key of your agent and ~/.ssh".to_owned(),
                |identity| identity.display().to_string(),
            );
            Error::new(Kind::Failed, format!("{name} does not let {} in", target.user))
                .at("tried", key)
                .hint(
                    "ssh-add -l    # is the key there, and one that the droplet was created with?",
                )
        }
        Refusal::JumpHost => {
            let what = format!("the jump host on the way to {name} is not trusted, or refuses");
            Error::new(Kind::Failed, what)
                .hint("ssh -G HOST | grep -i proxy    # which one; log in to it once by hand")
        }
        Refusal::Hopeless | Refusal::NotYet => {
            Error::new(Kind::Failed, format!("ssh cannot log in to {name}"))
        }
    };
    error.at("address", target.socket()).report(log.trim_end())
}

fn wrong_key(target: &Target, seen: Option<&str>, log: &str) -> Error {
    let name = &target.name;
    let expected = target.fingerprints().join(" or ");
    let seen = seen.unwrap_or("no ed25519 key");
    Error::new(
        Kind::Failed,
        format!("the host that answers is not {name}: its host key is another"),
    )
    .at("address", target.socket())
    .report(format!(
        "expected {expected}\nseen     {seen}\n\
             Another machine may hold this address, the droplet may have been rebuilt, or somebody \
             stands in between.\nNothing was sent to it.\n\nssh said:\n{}",
        log.trim_end()
    ))
    .hint("remuda status    # whose address is this now?")
    .hint(
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub    # on the droplet's web console: \
             is it the key that was expected?",
    )
}

/// Makes the error of a login that did not succeed in time.
pub(super) fn too_late(
    target: &Target,
    deadline: &Deadline,
    last: Option<(Refusal, String)>,
    seen: &str,
) -> Error {
    let (refusal, log) = last.unwrap_or((Refusal::NotYet, String::new()));
    if !matches!(refusal, Refusal::NotYet) {
        return refused(target, &refusal, &log);
    }
    let said = if seen.trim().is_empty() { log.as_str() } else { seen };
    let error = deadline.error().at("host", &target.name).at("address", target.socket());
    let waited = "it did not answer";
    error
        .report(if said.trim().is_empty() { waited.to_owned() } else { said.trim_end().to_owned() })
        .hint(format!(
            "nc -vz -w 5 {} {}    # is a firewall in between?",
            target.address, target.port
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            name: "blog-v1".into(),
            address: [127, 0, 0, 1].into(),
            port: 22,
            user: "root".into(),
            identity: None,
            keys: vec![
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
                    .into(),
            ],
        }
    }

    const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
The fingerprint for the ED25519 key sent by the remote host is
SHA256:hl4Y4u8IuCpHeVkTSKBEX0IjMMvHBrHPqHRFf1iYIAQ.
Please contact your system administrator.
Host key for blog-v1 has changed and you have requested strict checking.
Host key verification failed.
";

    #[test]
    fn refusals_are_told_apart() {
        let seen = Some("SHA256:hl4Y4u8IuCpHeVkTSKBEX0IjMMvHBrHPqHRFf1iYIAQ".to_owned());
        assert_eq!(read(&target(), CHANGED), Refusal::WrongKey(seen));
        for (log, refusal) in [
            ("ssh: connect to host 127.0.0.1 port 2: Connection refused\r\n", Refusal::NotYet),
            ("ssh: connect to host 10.0.0.1 port 22: Connection timed out", Refusal::NotYet),
            ("kex_exchange_identification: Connection closed by remote host", Refusal::NotYet),
            ("\"System is booting up. See pam_nologin(8)\"\nConnection closed", Refusal::NotYet),
            ("root@127.0.0.1: Permission denied (publickey).", Refusal::Denied),
            ("deploy@bastion: Permission denied (publickey).", Refusal::JumpHost),
            ("", Refusal::NotYet),
            (
                "No ED25519 host key is known for blog-v1 and you have requested strict checking.",
                Refusal::WrongKey(None),
            ),
            (
                "Unable to negotiate with 127.0.0.1 port 2: no matching host key type found. \
                 Their offer: rsa-sha2-512",
                Refusal::WrongKey(None),
            ),
            (
                "No ED25519 host key is known for bastion and you have requested strict checking.\n\
                 Host key verification failed.\nConnection closed by UNKNOWN port 65535",
                Refusal::JumpHost,
            ),
            ("/root/.ssh/config: line 1: Bad configuration option: x", Refusal::Hopeless),
        ] {
            assert_eq!(read(&target(), log), refusal, "{log}");
        }
    }

    #[test]
    fn a_wrong_key_says_what_was_expected_and_seen() {
        let target = target();
        let error = refused(&target, &read(&target, CHANGED), CHANGED);
        let block = error.block().unwrap();
        assert!(block.contains("expected SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE\n"));
        assert!(block.contains("seen     SHA256:hl4Y4u8IuCpHeVkTSKBEX0IjMMvHBrHPqHRFf1iYIAQ\n"));
        assert!(error.hints().iter().any(|hint| hint.contains("remuda status")));
        assert!(error.places().contains(&("address", "127.0.0.1:22".into())));
    }
}
