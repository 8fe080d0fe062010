//! Where the token and the API's address come from; the only reader of the environment.
//!
//! The flag, else `DIGITALOCEAN_ACCESS_TOKEN` or `DIGITALOCEAN_TOKEN`, else doctl's context.
//! There is no variable of our own.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::{
    error::{Error, Kind, Result},
    secret::{ExposeSecret as _, SecretString},
};

/// The production API.
const ORIGIN: &str = "https://api.digitalocean.com";

/// A token, and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) token: SecretString,
    pub(super) source: String,
}

/// doctl's configuration, as much of it as is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Doctl {
    access_token: Option<String>,
    context: Option<String>,
    auth_contexts: std::collections::BTreeMap<String, Option<String>>,
}

/// Returns the first of these variables that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "cli is where the environment is read")]
pub(super) fn environment(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
}

/// Finds the token.
///
/// # Errors
/// [`Kind::Refused`] when there is none; [`Kind::Usage`] when two variables disagree.
pub(super) fn find(flag: Option<&str>, context: Option<&str>) -> Result<Found> {
    if let Some(flag) = flag {
        return good(flag, "--access-token");
    }
    let access = environment(&["DIGITALOCEAN_ACCESS_TOKEN"]);
    let plain = environment(&["DIGITALOCEAN_TOKEN"]);
    match (access, plain) {
        (Some(one), Some(other)) if one != other => Err(Error::new(
            Kind::Usage,
            "DIGITALOCEAN_ACCESS_TOKEN and DIGITALOCEAN_TOKEN are set, and differ",
        )
        .hint("unset one of them")),
        (Some(token), _) => good(&token, "DIGITALOCEAN_ACCESS_TOKEN"),
        (None, Some(token)) => good(&token, "DIGITALOCEAN_TOKEN"),
        (None, None) => doctl(context),
    }
}

/// Returns the address of the API.
///
/// # Errors
/// [`Kind::Usage`] when `DIGITALOCEAN_API_URL` is no URL.
pub(super) fn origin() -> Result<Url> {
    let text = environment(&["DIGITALOCEAN_API_URL"]).unwrap_or_else(|| ORIGIN.to_owned());
    Url::parse(text.trim()).map_err(|source| {
        Error::new(Kind::Usage, "DIGITALOCEAN_API_URL is no URL").at("value", text).because(source)
    })
}

fn good(token: &str, source: &str) -> Result<Found> {
    let token = token.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Error::new(Kind::Refused, format!("the token from {source} is no token"))
            .hint(
                "it has blanks or other characters that a token never has; was it pasted whole?",
            ));
    }
    Ok(Found { token: SecretString::from(token.to_owned()), source: source.to_owned() })
}

fn doctl(context: Option<&str>) -> Result<Found> {
    let missing = || {
        Error::new(Kind::Refused, "there is no DigitalOcean API token")
            .hint("set DIGITALOCEAN_ACCESS_TOKEN, or log in with `doctl auth init`")
            .hint("to try remuda without an account: `remuda demo`")
    };
    let path = doctl_config().ok_or_else(missing)?;
    let Ok(text) = std::fs::read_to_string(&path) else { return Err(missing()) };
    let config: Doctl = serde_saphyr::from_str(&text).map_err(|_| {
        // the parser's message may quote the file, and the file holds the token
        Error::new(Kind::Refused, "cannot read doctl's configuration").at("file", path.display())
    })?;
    let asked = context
        .map(str::to_owned)
        .or_else(|| environment(&["DIGITALOCEAN_CONTEXT"]))
        .or_else(|| config.context.clone())
        .filter(|name| name != "default");
    let token = match &asked {
        None => config.access_token,
        Some(name) => config.auth_contexts.get(name).cloned().flatten(),
    };
    let name = asked.as_deref().unwrap_or("default");
    match token.filter(|token| !token.trim().is_empty()) {
        Some(token) => good(&token, &format!("doctl's context {name}")),
        None if asked.is_some() => {
            Err(Error::new(Kind::Refused, format!("doctl has no context {name}"))
                .at("file", path.display())
                .hint("see them with `doctl auth list`"))
        }
        None => Err(missing()),
    }
}

fn doctl_config() -> Option<PathBuf> {
    let base = environment(&["XDG_CONFIG_HOME"])
        .map(PathBuf::from)
        .or_else(|| environment(&["HOME"]).map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("doctl/config.yaml"))
}

impl Found {
    /// Returns the last four characters, for a person who compares.
    pub(super) fn tail(&self) -> String {
        let text = self.token.expose_secret();
        let from = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        if text.len() < 16 {
            "...".into()
        } else {
            format!("...{}", text.get(from..).unwrap_or_default())
        }
    }
}
