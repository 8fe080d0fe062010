//! What can be learned from a failed candidate, gathered into one folder before it is left alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{start::place, world::World};
use crate::{
    error::{Error, Kind, Result},
    host::{Host, Run},
    run::Progress,
    stack,
};

/// The longest that one piece may take.
const EACH: Duration = Duration::from_secs(20);

/// Logs of the host, as file name and the command that prints it.
const LOGS: [(&str, &str); 4] = [
    ("cloud-init-output.log", "cat /var/log/cloud-init-output.log"),
    ("cloud-init.log", "tail -n 2000 /var/log/cloud-init.log"),
    (
        "journal.log",
        "journalctl --no-pager -n 2000 2>/dev/null || tail -n 2000 /var/log/syslog 2>/dev/null || echo 'the host keeps no journal'",
    ),
    ("state.txt", "uptime; df -h; free -m; ps -ef; ss -tlnp 2>/dev/null"),
];

/// Gathers the bundle and returns its folder. A piece that cannot be had is named in `MISSING`.
///
/// # Errors
/// When the folder cannot be written.
pub(super) async fn gather(world: &World, progress: &Progress) -> Result<PathBuf> {
    let dir = world.evidence.join(&world.run);
    std::fs::create_dir_all(&dir).map_err(|source| unwritable(&dir, source))?;
    let mut missing = Vec::new();
    if let Some(watch) = world.watch() {
        let timeline = serde_json::to_string_pretty(&watch.timeline()).unwrap_or_default();
        keep(&dir, "probe-timeline.json", &timeline)?;
    }
    keep(&dir, "spec.yaml", &world.spec.merged)?;
    match last_good_spec(world) {
        Some((run, good)) => keep(&dir, "spec.diff", &diff(&run, &good, &world.spec.merged))?,
        None => missing.push("spec.diff: no earlier release is known here".to_owned()),
    }
    match world.host_if_any() {
        Some(host) => logs(world, &host, &dir, &mut missing, progress).await?,
        None => missing.push("the host's logs: nobody could log in".to_owned()),
    }
    if let Some(journal) = progress.journal_path() {
        let copied = std::fs::copy(journal, dir.join("journal.jsonl"));
        copied.map_err(|source| unwritable(&dir, source))?;
    }
    if !missing.is_empty() {
        keep(&dir, "MISSING", &missing.join("\n"))?;
    }
    Ok(dir)
}

async fn logs(
    world: &World,
    host: &Host,
    dir: &Path,
    missing: &mut Vec<String>,
    progress: &Progress,
) -> Result<()> {
    for (name, script) in LOGS {
        progress.say(format!("gathering {name}"));
        match host.run(Run::new(script, EACH)).await {
            Ok(output) => keep(dir, name, &output.stdout)?,
            Err(error) => missing.push(format!("{name}: {error}")),
        }
    }
    let commands = world.spec.spec.stack.commands.as_ref();
    match stack::logs(host, &place(world)?, commands, &world.values(), EACH).await {
        Ok(Some(text)) => keep(dir, "app.log", &text)?,
        Ok(None) => missing.push("app.log: the spec has no stack.commands.logs".to_owned()),
        Err(error) => missing.push(format!("app.log: {error}")),
    }
    Ok(())
}

/// Returns where the merged spec of a run is kept, for later comparison.
pub fn spec_file(runs: &Path, run: &str) -> PathBuf {
    runs.join(format!("{run}.spec.yaml"))
}

/// Returns the spec of the last release that ended well on this machine.
fn last_good_spec(world: &World) -> Option<(String, String)> {
    use crate::run::journal::{Entry, list, read};
    let runs = world.spec.runs();
    list(&runs).into_iter().rev().find_map(|path| {
        let records = read(&path).ok()?;
        let opening = records.iter().find_map(|record| match &record.entry {
            Entry::Opened(opening) => Some(opening.clone()),
            _ => None,
        })?;
        let good = records.iter().any(
            |record| matches!(&record.entry, Entry::Closed(closing) if closing.outcome == "done"),
        );
        let ours = opening.env == world.scope.env && opening.verb == "release";
        let text = std::fs::read_to_string(spec_file(&runs, &opening.run)).ok()?;
        (good && ours).then_some((opening.run, text))
    })
}

/// Compares two texts line by line: what only the old one has, then what only the new one has.
fn diff(run: &str, old: &str, new: &str) -> String {
    let only = |a: &str, b: &str, sign: char| -> String {
        let other: Vec<&str> = b.lines().collect();
        let mut lines = String::new();
        for line in a.lines().filter(|line| !other.contains(line)) {
            lines.extend([&format!("{sign} "), line, "\n"]);
        }
        lines
    };
    let changes = only(old, new, '-') + &only(new, old, '+');
    if changes.is_empty() {
        format!("the spec is the one of {run}\n")
    } else {
        format!("against {run}\n{changes}")
    }
}

fn keep(dir: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::write(dir.join(name), text).map_err(|source| unwritable(dir, source))
}

fn unwritable(dir: &Path, source: std::io::Error) -> Error {
    Error::new(Kind::Failed, "cannot write the evidence")
        .at("folder", dir.display())
        .because(source)
}
