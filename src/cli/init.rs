//! `remuda init`: a spec, a cloud-init template and a CI file that are right from the first day.
//!
//! It asks the account nothing and needs no token. What it writes passes `config validate`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{args::Global, config, token};
use crate::{
    error::{Error, Kind, Result},
    spec,
    ui::Ui,
};

/// The names that compose looks for.
const COMPOSE: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// Private keys that ssh looks for, the best first.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
/// What of this folder is remuda's memory and nobody else's business.
const IGNORED: &str = "/.remuda";

const NEXT: &str = "\
next:
  1. reserve an address and put it into droplets.yaml as cutover.reserved_ip:
       doctl compute reserved-ip create --region @REGION@
  2. remuda doctor            # is everything there?
  3. remuda plan v1           # what would happen, and what it costs
  4. remuda release v1

in GitHub Actions a tag v* releases; it needs the secrets DIGITALOCEAN_ACCESS_TOKEN and
SSH_PRIVATE_KEY. In GitLab, with the same two as protected variables, the job's script is
  remuda release \"$CI_COMMIT_TAG\" --yes --lock-wait 30m
with `resource_group: production` and `rules: [{ if: $CI_COMMIT_TAG =~ /^v/ }]`";

/// The arguments of `remuda init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The app's name [default: this folder's]
    #[arg(long, value_name = "NAME")]
    pub(super) app: Option<String>,
    /// The region's slug
    #[arg(long, value_name = "SLUG", default_value = "nyc3")]
    pub(super) region: String,
    /// Write anew what exists already
    #[arg(long)]
    pub(super) force: bool,
}

/// Runs it.
pub(super) fn run(args: &InitArgs, global: &Global, ui: &Ui) -> Result<()> {
    let here = std::env::current_dir()
        .map_err(|source| Error::new(Kind::Failed, "there is no current folder").because(source))?;
    if here.join(spec::FILE).exists() && !args.force {
        return Err(Error::new(Kind::Usage, format!("there is a {} here", spec::FILE))
            .at("folder", here.display())
            .hint("write everything anew with `remuda init --force`")
            .hint("see whether it is right with `remuda config validate`"));
    }
    let words = Words::find(args, &here)?;
    let mut done = Vec::new();
    for (name, text) in words.files() {
        let path = here.join(name);
        // the app's own file is never remuda's to replace
        if path.exists() && (!args.force || name == COMPOSE[0]) {
            done.push(format!("kept {name}"));
        } else {
            write(&path, &words.fill(text))?;
            done.push(format!("wrote {name}"));
        }
    }
    if ignore(&here.join(".gitignore"))? {
        done.push("extended .gitignore".to_owned());
    }
    let config = Some(here.join(spec::FILE));
    config::judge(&Global { config, env: None, destination: None, ..global.clone() })?;
    let text = format!("{}\n\n{}", done.join("\n"), words.fill(NEXT));
    ui.result(
        &text,
        &serde_json::json!({ "app": words.app, "region": words.region, "done": done }),
    );
    Ok(())
}

/// What the templates are filled with.
struct Words {
    app: String,
    region: String,
    identity: String,
    compose: String,
}

impl Words {
    fn find(args: &InitArgs, here: &Path) -> Result<Self> {
        let folder = here.file_name().unwrap_or_default().to_string_lossy();
        let app = args.app.clone().unwrap_or_else(|| name_of(&folder));
        let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for (what, word) in [("--app", &app), ("--region", &args.region)] {
            let good = (1..=32).contains(&word.len())
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(part);
            if !good {
                return Err(Error::new(
                    Kind::Usage,
                    format!("`{}` cannot be {what}", word.escape_debug()),
                )
                .hint("lower-case letters, digits and hyphens, at most 32, a letter first"));
            }
        }
        let ssh = token::environment(&["HOME"]).map(|home| PathBuf::from(home).join(".ssh"));
        let has = |key: &&&str| ssh.as_ref().is_some_and(|ssh| ssh.join(key).is_file());
        let key = KEYS.iter().find(has).unwrap_or(&KEYS[0]);
        let compose = COMPOSE.iter().find(|name| here.join(name).is_file()).unwrap_or(&COMPOSE[0]);
        Ok(Self {
            app,
            region: args.region.clone(),
            identity: format!("~/.ssh/{key}"),
            compose: (*compose).to_owned(),
        })
    }

    /// Returns what is written: the app's own file only where it has none.
    fn files(&self) -> Vec<(&'static str, &'static str)> {
        let mut files = vec![
            (spec::FILE, include_str!("init/droplets.yaml")),
            ("cloud-init/docker-host.yaml", include_str!("init/docker-host.yaml")),
            (".github/workflows/release.yml", include_str!("init/release.yml")),
        ];
        if self.compose == COMPOSE[0] {
            files.push((COMPOSE[0], include_str!("init/compose.yaml")));
        }
        files
    }

    fn fill(&self, text: &str) -> String {
        text.replace("@TOOL@", env!("CARGO_PKG_VERSION"))
            .replace("@APP@", &self.app)
            .replace("@REGION@", &self.region)
            .replace("@IDENTITY@", &self.identity)
            .replace("@COMPOSE@", &self.compose)
    }
}

/// Makes an app's name of a folder's.
fn name_of(folder: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = folder.chars().map(plain).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let name: String = name
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
        .chars()
        .take(32)
        .collect();
    if name.is_empty() { "app".into() } else { name.trim_end_matches('-').to_owned() }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|source| {
        Error::new(Kind::Failed, "cannot write").at("file", path.display()).because(source)
    })
}

/// Adds the line that keeps remuda's memory out of the repository, once.
fn ignore(path: &Path) -> Result<bool> {
    let old = fs::read_to_string(path).unwrap_or_default();
    if old
        .lines()
        .any(|line| matches!(line.trim(), "/.remuda" | ".remuda" | ".remuda/" | "/.remuda/"))
    {
        return Ok(false);
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    write(path, &format!("{old}{gap}{IGNORED}\n"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_an_app() {
        for (folder, name) in [
            ("blog", "blog"),
            ("My Blog.v2", "my-blog-v2"),
            ("2nd", "nd"),
            ("été", "t"),
            ("", "app"),
            ("__", "app"),
        ] {
            assert_eq!(name_of(folder), name, "{folder}");
        }
    }
}
