//! `remuda man`: the manual in roff, made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::args::Cli;
use crate::{
    error::{Error, Kind, Result},
    ui::Ui,
};

/// The arguments of `remuda man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write one page for every command into this folder, instead of remuda(1) to standard output
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<()> {
    let command = Cli::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| Error::new(Kind::Failed, "cannot write the manual").because(error))?;
        let page = String::from_utf8_lossy(&page);
        ui.result(page.trim_end(), &serde_json::json!({ "page": page }));
        return Ok(());
    };
    let written =
        std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    written.map_err(|error| {
        Error::new(Kind::Failed, "cannot write the manual")
            .at("folder", dir.display())
            .because(error)
    })?;
    let dir = dir.display().to_string();
    ui.result(
        &format!("the manual is in {dir}: man -l {dir}/remuda.1"),
        &serde_json::json!({ "folder": dir }),
    );
    Ok(())
}
