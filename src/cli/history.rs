//! `remuda history`: the runs that were made from this folder, and one of them as a timeline.
//!
//! The journals are memory, not truth: what stands is what `remuda status` reads in the account.

use std::{path::Path, time::Duration};

use clap::{Args, Subcommand};
use jiff::{Timestamp, tz::TimeZone};

use super::{args::Global, session, timeline};
use crate::{
    error::{Error, Kind, Result},
    run::journal::{self, Closing, Entry, Opening, Record},
    size,
    ui::Ui,
};

/// The arguments of `remuda history`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    pub(super) command: Option<HistoryCommand>,
    /// How many runs are listed, the latest last
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(super) limit: usize,
}

/// What can be asked about the past.
#[derive(Debug, Subcommand)]
pub(super) enum HistoryCommand {
    /// Replay one run: each step with its time, what was measured, how it ended
    Show {
        /// The run's id, or the end of it [default: the last run]
        run: Option<String>,
    },
}

/// One run, as its journal tells it.
pub(super) struct Past {
    pub(super) opening: Opening,
    pub(super) began: Timestamp,
    pub(super) closing: Option<Closing>,
    pub(super) records: Vec<Record>,
}

/// Runs it.
pub(super) fn run(args: &HistoryArgs, global: &Global, ui: &Ui) -> Result<()> {
    let folder = session::load(global)?.runs();
    let mut runs = read(&folder);
    if let Some(env) = global.env() {
        runs.retain(|run| run.opening.env == env);
    }
    let Some(HistoryCommand::Show { run }) = &args.command else {
        list(&runs, args.limit, ui);
        return Ok(());
    };
    let ids: Vec<String> = runs.iter().map(|run| run.opening.run.clone()).collect();
    let id = pick(&ids, run.as_deref()).map_err(|error| error.at("folder", folder.display()))?;
    if let Some(past) = runs.iter().find(|run| run.opening.run == id) {
        ui.result(&timeline::text(past, ui), &timeline::json(past));
    }
    Ok(())
}

/// Reads all journals that begin as one, oldest first.
fn read(folder: &Path) -> Vec<Past> {
    journal::list(folder).iter().filter_map(|path| Past::of(journal::read(path).ok()?)).collect()
}

impl Past {
    fn of(records: Vec<Record>) -> Option<Self> {
        let (began, opening) = records.iter().find_map(|record| match &record.entry {
            Entry::Opened(opening) => Some((record.at, opening.clone())),
            _ => None,
        })?;
        let closing = records.iter().find_map(|record| match &record.entry {
            Entry::Closed(closing) => Some(closing.clone()),
            _ => None,
        });
        Some(Self { opening, began, closing, records })
    }

    /// Returns how it ended, in a word.
    pub(super) fn outcome(&self) -> &str {
        self.closing.as_ref().map_or("unfinished", |closing| closing.outcome.as_str())
    }
}

/// Picks a run by its id, by a beginning or an end of it that only one has, or as the last one.
///
/// # Errors
/// [`Kind::NotFound`] when there is none, [`Kind::Usage`] when there are several.
pub(super) fn pick<'a>(ids: &'a [String], wanted: Option<&str>) -> Result<&'a str> {
    let wanted = wanted.filter(|wanted| *wanted != "last");
    let Some(wanted) = wanted else {
        return ids
            .last()
            .map(String::as_str)
            .ok_or_else(|| Error::new(Kind::NotFound, "nothing is recorded here"));
    };
    let part = |id: &&String| id.starts_with(wanted) || id.ends_with(wanted);
    let found: Vec<&String> = match ids.iter().find(|id| *id == wanted) {
        Some(exact) => vec![exact],
        None => ids.iter().filter(part).collect(),
    };
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Error::new(Kind::NotFound, format!("no run {wanted} is recorded here"))),
        many => Err(Error::new(Kind::Usage, format!("{wanted} is {} runs", many.len()))
            .hint("give more of its id")),
    }
}

fn list(runs: &[Past], limit: usize, ui: &Ui) {
    let runs = runs.get(runs.len().saturating_sub(limit)..).unwrap_or_default();
    let json: Vec<_> = runs.iter().map(timeline::summary).collect();
    let text = if runs.is_empty() {
        "no runs are recorded here; `remuda status` shows what stands".to_owned()
    } else {
        let headers = ["RUN", "BEGAN", "ENV", "WHAT", "OUTCOME", "TOOK", "API CALLS", "BY"];
        ui.table(&headers, &runs.iter().map(row).collect::<Vec<_>>())
    };
    ui.result(&text, &serde_json::json!({ "runs": json }));
}

fn row(run: &Past) -> Vec<String> {
    let Opening { run: id, verb, version, env, who, .. } = &run.opening;
    let end = |show: fn(&Closing) -> String| run.closing.as_ref().map_or_else(|| "-".into(), show);
    let aim = version.as_deref().filter(|version| *version != "unknown").unwrap_or_default();
    vec![
        id.clone(),
        local(run.began),
        env.clone(),
        format!("{verb} {aim}").trim_end().to_owned(),
        run.outcome().to_owned(),
        end(|closing| size::duration(Duration::from_millis(closing.millis))),
        end(|closing| closing.api_calls.to_string()),
        who.clone(),
    ]
}

/// Writes a moment in this machine's time zone.
pub(super) fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_picked_by_any_part_that_only_it_has() {
        let ids = ["r20261120-101500-aaaa", "r20261121-020000-7f3k"].map(str::to_owned);
        assert_eq!(pick(&ids, None).unwrap(), ids[1]);
        assert_eq!(pick(&ids, Some("last")).unwrap(), ids[1]);
        assert_eq!(pick(&ids, Some("aaaa")).unwrap(), ids[0]);
        assert_eq!(pick(&ids, Some("r20261120")).unwrap(), ids[0]);
        assert_eq!(pick(&ids, Some(&ids[0])).unwrap(), ids[0]);
        assert_eq!(pick(&ids, Some("r2026")).unwrap_err().kind(), Kind::Usage);
        assert_eq!(pick(&ids, Some("zzzz")).unwrap_err().kind(), Kind::NotFound);
        assert_eq!(pick(&[], None).unwrap_err().kind(), Kind::NotFound);
    }
}
