//! The app's own commands, as scripts for the host.

use std::time::Duration;

use super::bundle::Place;
use crate::{
    error::Result,
    host::{Host, Output, Run, quote},
    spec::{Commands, Values, render_shell},
};

/// Writes the script that runs `command` in `place`, with the values quoted for the shell.
///
/// # Errors
/// When a template in the command is wrong.
pub fn script(place: &Place, command: &str, values: &Values) -> Result<String> {
    let dir = quote(place.path())?;
    let command = render_shell(command, values)?;
    Ok(format!("mkdir -p {dir} && cd {dir} || exit 125\n{command}\n"))
}

/// Runs a script; each line that it prints goes to `line`.
///
/// # Errors
/// When it ends with another status than 0, with the end of what it printed.
pub async fn command(
    host: &Host,
    script: &str,
    within: Duration,
    line: &(dyn Fn(&str) + Send + Sync),
) -> Result<Output> {
    let on_line = |_, text: &str| line(text);
    host.check(Run::new(script, within).on_line(&on_line)).await
}

/// Returns the app's recent log; `None` when the spec has no command for it.
///
/// # Errors
/// When the command fails.
pub async fn logs(
    host: &Host,
    place: &Place,
    commands: Option<&Commands>,
    values: &Values,
    within: Duration,
) -> Result<Option<String>> {
    let Some(logs) = commands.and_then(|commands| commands.logs.as_deref()) else {
        return Ok(None);
    };
    let script = script(place, logs, values)?;
    let output = host.check(Run::new(&script, within)).await?;
    Ok(Some(output.stdout))
}
