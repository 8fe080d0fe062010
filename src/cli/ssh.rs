//! `remuda ssh`: a shell on a droplet, by the user's own ssh and the droplet's pinned key.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use clap::Args;

use super::session::Session;
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Member},
    host,
    retry::Deadline,
    steps::Subject,
};

/// How long a login may take: the droplet has been up for a while.
pub(super) const LOGIN: Duration = Duration::from_secs(30);

/// The arguments of `remuda ssh`.
#[derive(Debug, Args)]
pub(super) struct SshArgs {
    /// The droplet: its version, name or id [default: the live one]
    pub(super) droplet: Option<String>,
    /// More for ssh's own command line: options, a command
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<OsString>,
}

/// Runs it; its exit status is ssh's own.
pub(super) async fn run(args: SshArgs, session: &Session<'_>) -> Result<ExitCode> {
    let herd = session.herd().await?;
    let member = member(&herd, args.droplet.as_deref())?;
    session.ui.say(&format!("{} ({})", member.name, herd.role(member).word()));
    hand_over(session, member, &args.args).await
}

/// Gives the terminal to ssh until it ends, or until remuda is told to stop.
pub(super) async fn hand_over(
    session: &Session<'_>,
    member: &Member,
    words: &[OsString],
) -> Result<ExitCode> {
    let target = Subject::of_member(member).target(&session.spec, None)?;
    let deadline = Deadline::after(LOGIN, format!("a login to {}", member.name));
    let stop = async { drop(session.interrupt.wait().await) };
    let status = host::interactive(&target, words, &deadline, stop).await?;
    match session.interrupt.raised() {
        Some(reason) => Err(reason.error()),
        None => Ok(ExitCode::from(status)),
    }
}

/// Returns the droplet that was asked for by version, name or id; the live one by default.
///
/// # Errors
/// [`Kind::NotFound`] when there is none, [`Kind::Usage`] when there are several.
pub(super) fn member<'a>(herd: &'a Herd, wanted: Option<&str>) -> Result<&'a Member> {
    let Some(wanted) = wanted else {
        return herd.live().ok_or_else(|| {
            Error::new(Kind::NotFound, format!("{} has no live droplet", herd.scope))
                .traffic(herd.traffic())
                .hint("name one; `remuda status` lists them")
        });
    };
    let is_it = |member: &&Member| {
        member.name == wanted
            || member.id.to_string() == wanted
            || member.version.as_ref().is_some_and(|version| version.as_str() == wanted)
    };
    let found: Vec<&Member> = herd.members.iter().filter(is_it).collect();
    let live = herd.live().filter(|live| found.iter().any(|member| member.id == live.id));
    match (live, found.as_slice()) {
        (Some(live), _) => Ok(live),
        (None, [one]) => Ok(one),
        (None, []) => {
            Err(Error::new(Kind::NotFound, format!("{} has no droplet {wanted}", herd.scope))
                .hint("see the herd with `remuda status`"))
        }
        (None, many) => {
            Err(Error::new(Kind::Usage, format!("{wanted} is {} droplets", many.len()))
                .at("droplets", many.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", "))
                .hint("name one of them"))
        }
    }
}
