//! `remuda exec`: one command on a droplet, its streams and its exit status passed through.

use std::{ffi::OsString, io::IsTerminal as _, process::ExitCode};

use clap::Args;

use super::{session::Session, ssh};
use crate::{error::Result, host};

/// The arguments of `remuda exec`.
#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    /// The droplet: its version, name or id [default: the live one]
    #[arg(long, value_name = "DROPLET")]
    pub(super) on: Option<String>,
    /// The command; a single word is a line for the host's shell
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "CMD"
    )]
    pub(super) command: Vec<String>,
}

/// Runs it; its exit status is the command's.
pub(super) async fn run(args: ExecArgs, session: &Session<'_>) -> Result<ExitCode> {
    let line = line(&args.command)?;
    let herd = session.herd().await?;
    let member = ssh::member(&herd, args.on.as_deref())?;
    let mut words: Vec<OsString> = Vec::new();
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        // so that an editor or a console works, and Ctrl-C ends the command on the host
        words.push("-t".into());
    }
    words.extend(["--".into(), line.into()]);
    ssh::hand_over(session, member, &words).await
}

/// Writes the command as a line of shell: ssh knows no words, only a line.
fn line(words: &[String]) -> Result<String> {
    match words {
        [line] => Ok(line.clone()),
        words => {
            Ok(words.iter().map(|word| host::quote(word)).collect::<Result<Vec<_>>>()?.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_line_and_several_are_one_command() {
        let words = |words: &[&str]| line(&words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["cd /srv && ls"]).unwrap(), "cd /srv && ls");
        assert_eq!(
            words(&["sh", "-c", "echo $HOME 'a b'"]).unwrap(),
            r"sh -c 'echo $HOME '\''a b'\'''"
        );
        assert!(words(&["a", "b\0"]).is_err());
    }
}
