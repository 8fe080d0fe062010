//! Asking a person before something that cannot be undone. Never waits where nobody can answer.

use std::io::{BufRead, Read as _};

use crate::error::{Error, Kind, Result};

/// The longest answer that is read.
const LONGEST: u64 = 1024;

/// Returns the refusal where there is nobody to ask.
pub(super) fn nobody(question: &str) -> Error {
    Error::new(Kind::Usage, format!("{question} needs a yes, and there is no terminal to ask in"))
        .traffic("untouched, nothing was done")
        .hint("add `--yes` if that is what you want")
}

/// Returns what to show before the answer.
pub(super) fn prompt(question: &str, expected: Option<&str>) -> String {
    match expected {
        Some(word) => format!("{question}: type `{word}` to go on: "),
        None => format!("{question}? [y/N] "),
    }
}

/// Reads the answer. Calls `end_line` when it ended without one.
///
/// # Errors
/// [`Kind::Failed`] for anything but a yes, the end of the input among them.
pub(super) fn answer(
    stdin: &mut dyn BufRead,
    expected: Option<&str>,
    end_line: impl FnOnce(),
) -> Result<()> {
    let mut line = Vec::new();
    stdin
        .take(LONGEST)
        .read_until(b'\n', &mut line)
        .map_err(|error| Error::new(Kind::Failed, "cannot read the answer").because(error))?;
    if !line.ends_with(b"\n") {
        // the answer did not end the line of the question
        end_line();
    }
    let answer = String::from_utf8_lossy(&line);
    let answer = answer.trim();
    let yes = match expected {
        Some(word) => answer == word,
        None => ["y", "yes"].contains(&answer.to_lowercase().as_str()),
    };
    if yes {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, "not confirmed").traffic("untouched, nothing was done"))
}
