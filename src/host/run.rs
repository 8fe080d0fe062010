//! Running a script on a host.

use std::{fmt, time::Duration};

use super::{exchange::Input, session::Host};
use crate::error::{Error, Kind, Result};

/// How many lines of a failed command's output an error shows.
const SHOWN: usize = 40;

/// Which output of a script a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Is told each line of a script's output as it comes.
pub type OnLine<'a> = &'a (dyn Fn(Stream, &str) + Send + Sync);

/// A script for `sh`, and how to run it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The script. It travels on standard input, but errors show its first line: no secrets in it.
    pub script: &'a str,
    /// What the script reads from standard input; nothing when absent. Secrets travel here.
    pub input: Option<&'a [u8]>,
    /// How long it may take; then it is ended on the host, too.
    pub within: Duration,
    /// Is told each line as it comes.
    pub on_line: Option<OnLine<'a>>,
}

impl<'a> Run<'a> {
    /// Makes a run of `script` that may take `within`.
    pub fn new(script: &'a str, within: Duration) -> Self {
        Self { script, input: None, within, on_line: None }
    }

    /// Gives the script `input` to read.
    #[must_use]
    pub fn input(mut self, input: &'a [u8]) -> Self {
        self.input = Some(input);
        self
    }

    /// Tells `on_line` each line as it comes.
    #[must_use]
    pub fn on_line(mut self, on_line: OnLine<'a>) -> Self {
        self.on_line = Some(on_line);
        self
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The input may be a secret.
        f.debug_struct("Run")
            .field("script", &self.script)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; 128 + the signal when a signal ended its last command.
    pub status: i32,
    /// The end of its standard output, at most 1 MiB.
    pub stdout: String,
    /// The end of its standard error, at most 1 MiB.
    pub stderr: String,
}

impl Host {
    /// Runs a script and returns how it ended, whatever its status.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] when it did not end in time: it has been told to end on the host.
    /// [`Kind::Failed`] when the link was lost or the host's shell was killed: then nobody knows
    /// how far the script came.
    pub async fn run(&self, run: Run<'_>) -> Result<Output> {
        let input = run.input.map_or(Input::None, Input::Bytes);
        self.exchange(run.script, input, run.within, run.on_line).await
    }

    /// Runs a script that must end with status 0.
    ///
    /// # Errors
    /// Those of [`Host::run`], and [`Kind::Failed`] for another status, with the end of the output.
    pub async fn check(&self, run: Run<'_>) -> Result<Output> {
        let output = self.run(run).await?;
        if output.status == 0 { Ok(output) } else { Err(self.failed(run.script, &output)) }
    }

    /// Makes the error of a script that ended with another status than 0.
    pub(super) fn failed(&self, script: &str, output: &Output) -> Error {
        let error = Error::new(
            Kind::Failed,
            format!("{} ended with status {}", title(script), output.status),
        );
        with_tail(error.at("host", self.name()), &output.stdout, &output.stderr)
    }
}

/// Names a script by its first line that does something.
pub(super) fn title(script: &str) -> String {
    let mut lines =
        script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("set -"));
    let first = lines.next().unwrap_or("nothing");
    let more = lines.next().is_some() || first.chars().count() > 60;
    let first: String = first.chars().take(60).collect();
    format!("`{first}{}`", if more { " …" } else { "" })
}

/// Adds the end of what a script wrote.
pub(super) fn with_tail(error: Error, stdout: &str, stderr: &str) -> Error {
    let tail = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
    };
    match (stdout.trim().is_empty(), stderr.trim().is_empty()) {
        (true, true) => error,
        (false, true) => error.report(tail(stdout)),
        (true, false) => error.report(tail(stderr)),
        (false, false) => error.report(format!("{}\n{}", tail(stdout), tail(stderr))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_named_by_its_first_deed() {
        assert_eq!(title("docker compose up -d"), "`docker compose up -d`");
        assert_eq!(title("\nset -eu\ncd /srv\n./up"), "`cd /srv …`");
        assert_eq!(title(""), "`nothing`");
        assert_eq!(title(&"é".repeat(100)), format!("`{} …`", "é".repeat(60)));
    }

    #[test]
    fn an_error_shows_the_end_of_both_outputs() {
        let long: String = (0..100).fold(String::new(), |text, n| text + &n.to_string() + "\n");
        let error = with_tail(Error::new(Kind::Failed, "x"), &long, "bad\n");
        let block = error.block().unwrap();
        assert!(block.starts_with("60\n") && block.ends_with("99\nbad"), "{block}");
    }

    #[test]
    fn input_is_not_shown_by_debug() {
        let run = Run::new("cat", Duration::from_secs(1)).input(b"hunter2");
        assert!(!format!("{run:?}").contains("104, 117"));
        assert!(!format!("{run:?}").contains("hunter2"));
    }
}
