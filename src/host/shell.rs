//! The shell on the host that reads a script from standard input, runs it and reports its end.
//!
//! ssh cannot tell a command that was killed from a link that was lost, and nobody on the host
//! ends a command whose caller has gone. So the script runs under a small shell program that
//! - reads the script from standard input: a script is never seen in a process list;
//! - writes a trailer with the script's status behind its output, under a name made up for this
//!   one run, so that no output can forge it;
//! - ends the script's whole process group when standard input ends early (this process is gone,
//!   or has stopped waiting), and in any case some time after the time given.

use std::{sync::Arc, time::Duration};

use openssh::{Child, ChildStderr, ChildStdin, ChildStdout, Session, Stdio};
use tokio::sync::OwnedSemaphorePermit;

use super::link::Link;
use crate::{
    error::{self, Error, Kind},
    size,
};

/// What the shell does with its standard input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Input only keeps the script alive; both outputs end with a trailer.
    Watch,
    /// Input is the script's own; both outputs end with a trailer.
    Input,
    /// As `Watch`, but nothing is added to the output: it may be anything.
    Fetch,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Input => "input",
            Self::Fetch => "fetch",
        }
    }
}

/// Works in dash, bash and busybox. The login shell, whatever it is, reads it between single
/// quotes: so no single quote, no backslash and no newline may be in it.
///
/// Variables begin with `R`, because the script sees them. The watcher acts only where this shell
/// leads its process group, as under sshd it does: otherwise it would hit more than the script.
///
/// This shell traps TERM only after it has started the watcher, and the watcher kills its own child
/// with KILL: a child loses a TERM that comes while it still has its parent's trap, and a watcher
/// that outlives its script would end what the script left running.
const PROGRAM: &str = concat!(
    "IFS= read -r Rn && IFS= read -r Rm && IFS= read -r Rt && IFS= read -r Rs || exit 125; ",
    "Rs=$(printf %b. \"$Rs\"); Rs=${Rs%.}; exec 3<&0 0</dev/null; Rw=; ",
    "Rq() { kill -KILL $!; exit; }; ",
    "read -r Ra Rb Rc Rd Rg Re </proc/$$/stat; ",
    "if [ \"$Rg\" = $$ ]; then ( ",
    "exec >/dev/null 2>&1; trap Rq TERM; Rx=; command -v timeout && Rx=\"timeout $Rt\"; ",
    "if [ $Rm = input ]; then exec 3<&-; sleep $Rt & else $Rx cat <&3 & fi; ",
    "wait $!; trap \"\" TERM; kill -0 $$ || exit; ",
    "kill -TERM -$$; sleep 3; kill -KILL -$$ ",
    ") & Rw=$!; fi; trap : TERM; ",
    "if [ $Rm = input ]; then ( exec 0<&3 3<&-; eval \"$Rs\" ); ",
    "else ( exec 3<&-; eval \"$Rs\" ); fi; ",
    "Rr=$?; [ -z \"$Rw\" ] || kill $Rw; ",
    "[ $Rm = fetch ] || printf %s:%d: \"$Rn\" $Rr; printf %s:%d: \"$Rn\" $Rr >&2; exit 0",
);

/// How much longer than its caller the host waits before it ends a script.
const GRACE: Duration = Duration::from_secs(10);

/// A shell that was started on the host. Dropping it ends what it runs.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) child: Child<Arc<Session>>,
    pub(super) link: Arc<Link>,
    /// What a trailer begins with.
    pub(super) marker: String,
    /// The lines that the program reads before anything else.
    pub(super) head: String,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Shell {
    pub(super) async fn start(
        link: &Arc<Link>,
        mode: Mode,
        script: &str,
        within: Duration,
    ) -> Result<Self, openssh::Error> {
        let permit = link.permit().await;
        let program = format!("exec sh -c '{PROGRAM}'");
        let child = Session::to_raw_command(Arc::clone(&link.session), program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await?;
        let marker = format!("remuda-{:032x}", rand::random::<u128>());
        let head = head(&marker, mode, script, within);
        Ok(Self { child, link: Arc::clone(link), marker, head, _permit: permit })
    }

    /// Hands out standard input, output and error.
    pub(super) fn pipes(&mut self) -> error::Result<(ChildStdin, ChildStdout, ChildStderr)> {
        let child = &mut self.child;
        match (child.stdin().take(), child.stdout().take(), child.stderr().take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok((stdin, stdout, stderr)),
            _ => Err(Error::new(Kind::Failed, "a command over ssh has no pipes")),
        }
    }
}

/// Makes the error of a command that did not end in time.
pub(super) fn too_long(name: &str, what: &str, within: Duration) -> Error {
    let within = size::duration(within);
    Error::new(Kind::TimedOut, format!("{what} did not end within {within}")).at("host", name)
}

fn head(marker: &str, mode: Mode, script: &str, within: Duration) -> String {
    let seconds = (within + GRACE).as_secs();
    let script = script.replace('\\', r"\\").replace('\n', r"\n");
    format!("{marker}\n{}\n{seconds}\n{script}\n", mode.word())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Output},
    };

    use proptest::prelude::*;

    use super::*;

    /// Runs the program as sshd would, with a local shell.
    #[expect(clippy::disallowed_methods, reason = "the program is proved against a real shell")]
    fn run(mode: Mode, script: &str, input: &[u8]) -> Output {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec sh -c '{PROGRAM}'")])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(head("MARK", mode, script, Duration::from_secs(5)).as_bytes()).unwrap();
        stdin.write_all(input).ok();
        if mode == Mode::Input {
            drop(stdin);
        }
        child.wait_with_output().unwrap()
    }

    #[test]
    fn the_program_fits_between_single_quotes() {
        assert!(!PROGRAM.contains(['\'', '\\', '\n']));
    }

    #[test]
    fn both_outputs_end_with_the_status() {
        let output = run(Mode::Watch, "echo out; echo err >&2; exit 7", b"");
        assert_eq!(output.stdout, b"out\nMARK:7:");
        assert_eq!(output.stderr, b"err\nMARK:7:");
    }

    #[test]
    fn a_fetch_adds_nothing_to_its_output() {
        let output = run(Mode::Fetch, "printf abc", b"");
        assert_eq!(output.stdout, b"abc");
        assert_eq!(output.stderr, b"MARK:0:");
    }

    #[test]
    fn the_script_reads_its_input_and_nothing_of_the_head() {
        let output = run(Mode::Input, "wc -c", &vec![7; 100_000]);
        assert_eq!(output.stdout, b"100000\nMARK:0:");
        let output = run(Mode::Watch, "cat", b"not for the script");
        assert_eq!(output.stdout, b"MARK:0:");
    }

    #[test]
    fn a_syntax_error_is_a_status() {
        let output = run(Mode::Watch, "if", b"");
        assert!(output.stdout.starts_with(b"MARK:2:"), "{output:?}");
    }

    #[test]
    fn errexit_and_several_lines_work() {
        let output = run(Mode::Watch, "set -eu\ncd /\nfalse\necho never", b"");
        assert_eq!(output.stdout, b"MARK:1:");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, fork: false, ..ProptestConfig::default() })]

        #[test]
        fn any_script_arrives_as_it_is(text in "([^\u{0}']|[\\\\\n\r%$\"` ]){0,60}") {
            // A script whose only deed is to print a literal.
            let output = run(Mode::Watch, &format!("printf %s '{text}'"), b"");
            prop_assert_eq!(output.stdout, format!("{text}MARK:0:").into_bytes());
        }
    }
}
