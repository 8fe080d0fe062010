//! `remuda logs`: what the app, the droplet's boot, or a failed run had to say.

use std::{fmt::Write as _, path::Path, time::Duration};

use clap::Args;

use super::{
    args::Global,
    history,
    session::{self, Session},
    ssh,
};
use crate::{
    error::{Error, Kind, Result},
    herd::Member,
    host::{Host, Run, as_root, quote},
    retry::Deadline,
    spec::Values,
    stack::{self, Place},
    steps::Subject,
    ui::Ui,
};

/// How long printing a log may take.
const EACH: Duration = Duration::from_mins(1);

/// cloud-init's own log; only root and the group adm may read it.
const BOOT: &str = "cat /var/log/cloud-init-output.log";

/// The arguments of `remuda logs`.
#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The droplet: its version, name or id [default: the live one]
    #[arg(conflicts_with = "run")]
    pub(super) droplet: Option<String>,
    /// What cloud-init printed when the droplet was made
    #[arg(long, conflicts_with = "run")]
    pub(super) boot: bool,
    /// What was gathered here when a run failed: its id, or `last`
    #[arg(long, value_name = "RUN")]
    pub(super) run: Option<String>,
}

/// Runs it.
pub(super) async fn run(args: LogsArgs, global: Global, ui: &Ui) -> Result<()> {
    if let Some(wanted) = &args.run {
        return evidence(wanted, &global, ui);
    }
    let session = Session::open(global, ui)?;
    let herd = session.herd().await?;
    let member = ssh::member(&herd, args.droplet.as_deref())?;
    let work = print(&session, member, args.boot);
    let log = tokio::select! {
        log = work => log?,
        reason = session.interrupt.wait() => return Err(reason.error()),
    };
    let json =
        serde_json::json!({ "droplet": member.name, "version": member.version_text(), "log": log });
    ui.result(log.trim_end_matches('\n'), &json);
    Ok(())
}

async fn print(session: &Session<'_>, member: &Member, boot: bool) -> Result<String> {
    let target = Subject::of_member(member).target(&session.spec, None)?;
    let deadline = Deadline::after(ssh::LOGIN, format!("a login to {}", member.name));
    let host = Host::connect(&target, &deadline).await?;
    if boot {
        return Ok(host.check(Run::new(&as_root(BOOT)?, EACH)).await?.stdout);
    }
    let values = Values {
        version: member.version_text().to_owned(),
        app: session.scope.app.clone(),
        env: session.scope.env.clone(),
        name: member.name.clone(),
    };
    let place = place(&host, &session.scope.app).await?;
    let commands = session.spec.spec.stack.commands.as_ref();
    stack::logs(&host, &place, commands, &values, EACH).await?.ok_or_else(|| {
        Error::new(Kind::Usage, "the spec does not say how to print the app's log")
            .at(
                "file",
                session
                    .spec
                    .files
                    .first()
                    .map_or("droplets.yaml".into(), |f| f.display().to_string()),
            )
            .hint("add `logs:` to stack.commands, such as `docker compose logs --tail 200`")
            .hint("or see the boot's with `remuda logs --boot`")
    })
}

/// Finds where the app's files are on this host: another release may have had other files.
async fn place(host: &Host, app: &str) -> Result<Place> {
    let folder = Place::new(app, "")?;
    let parent = Path::new(folder.path()).parent().map(|p| p.display().to_string());
    let script = format!("ls -1t {} 2>/dev/null | head -n 1", quote(&parent.unwrap_or_default())?);
    let seen = host.run(Run::new(&script, EACH)).await?.stdout;
    Place::new(app, seen.trim())
}

/// Prints the logs of a run's evidence, each under its name.
fn evidence(wanted: &str, global: &Global, ui: &Ui) -> Result<()> {
    let spec = session::load(global)?;
    let folder = spec.dir.join(".remuda/evidence");
    let runs = folders(&folder);
    let run = history::pick(&runs, Some(wanted)).map_err(|error| {
        error
            .at("folder", folder.display())
            .hint("evidence is gathered when a release fails; `remuda history` lists all runs")
    })?;
    let dir = folder.join(run);
    let mut text = format!("evidence of {run} in {}\n", dir.display());
    let mut files = serde_json::Map::new();
    for name in folders(&dir) {
        let path = dir.join(&name);
        if path.extension().is_some_and(|extension| extension == "log") || name == "MISSING" {
            let log = std::fs::read(&path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            // writing to a String cannot fail
            let _ = write!(text, "\n==> {name} <==\n{}\n", log.trim_end());
            files.insert(name, log.into());
        } else {
            let _ = writeln!(text, "see also {}", path.display());
        }
    }
    ui.result(text.trim_end(), &serde_json::json!({ "run": run, "folder": dir, "logs": files }));
    Ok(())
}

/// Returns the names in a folder, sorted; none when there is no such folder.
fn folders(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
