//! `remuda config`: the spec as remuda understands it, whether it is right, and its schema.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{args::Global, session};
use crate::{
    boot,
    error::{Error, Kind, Result},
    spec::{self, Loaded},
    ui::Ui,
};

/// The arguments of `remuda config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) command: ConfigCommand,
}

/// What can be asked about the spec.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the spec of an environment: overlays merged, with -o json the defaults filled in
    Show,
    /// Judge the spec and its cloud-init template; say all problems at once
    Validate,
    /// Print the JSON Schema of droplets.yaml, for editors
    Schema,
}

/// Runs it.
pub(super) fn run(args: &ConfigArgs, global: &Global, ui: &Ui) -> Result<()> {
    match args.command {
        ConfigCommand::Show => show(global, ui),
        ConfigCommand::Validate => validate(global, ui),
        ConfigCommand::Schema => {
            let schema = spec::schema();
            ui.result(&format!("{schema:#}"), &schema);
            Ok(())
        }
    }
}

fn show(global: &Global, ui: &Ui) -> Result<()> {
    let loaded = session::load(global)?;
    let json = serde_json::to_value(&loaded.spec)
        .map_err(|error| Error::new(Kind::Failed, "cannot write the spec").because(error))?;
    ui.result(loaded.merged.trim_end(), &json);
    Ok(())
}

fn validate(global: &Global, ui: &Ui) -> Result<()> {
    let loaded = judge(global)?;
    let here = std::env::current_dir().unwrap_or_default();
    let near = |file: &PathBuf| file.strip_prefix(&here).unwrap_or(file).display().to_string();
    let files: Vec<String> = loaded.files.iter().map(near).collect();
    let (app, env) = (&loaded.spec.app, &loaded.env);
    let json = serde_json::json!({ "valid": true, "app": app, "env": env, "files": files });
    ui.result(&format!("{app}/{env} is valid ({})", files.join(", ")), &json);
    Ok(())
}

/// Reads the spec and makes a droplet's user-data of it, for what shows only then: its size, and
/// what cloud-init would refuse.
///
/// # Errors
/// [`Kind::Usage`], with all problems.
pub(super) fn judge(global: &Global) -> Result<Loaded> {
    let loaded = session::load(global)?;
    let host_key = boot::HostKey::generate()?;
    let keys = session::authorized_keys(&loaded)?;
    let birth = boot::Birth {
        version: "v0",
        name: "validate",
        host_key: &host_key,
        authorized_keys: &keys,
    };
    boot::render(&loaded, &birth)?;
    Ok(loaded)
}
