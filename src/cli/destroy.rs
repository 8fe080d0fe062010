//! `remuda destroy`: one droplet that nobody needs any more, or the whole environment.

use std::time::Duration;

use clap::Args;

use super::session::{Session, holder, run_id};
use crate::{
    error::{Error, Kind, Result},
    herd::{Herd, Lock, Member},
    retry::Deadline,
    steps::sweep,
};

/// How long moving an address off may take.
const UNASSIGN: Duration = Duration::from_mins(1);

/// The arguments of `remuda destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// The droplet: its name, id or version
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(super) droplet: Option<String>,
    /// Every droplet of the environment, the live one too
    #[arg(long)]
    pub(super) all: bool,
    /// With --all: give the reserved IP back to DigitalOcean, so that it costs nothing
    #[arg(long, requires = "all")]
    pub(super) release_address: bool,
}

/// Runs it.
pub(super) async fn run(args: DestroyArgs, session: &Session<'_>) -> Result<()> {
    let herd = session.herd().await?;
    let (ids, word) = choose(&args, &herd)?;
    let names: Vec<String> =
        ids.iter().filter_map(|id| herd.member(*id)).map(|m| consequence(&herd, m)).collect();
    let word = word.as_deref();
    session.ui.confirm("destroy this, with everything on it?", &names, word, session.global.yes)?;

    let me = holder(&run_id(), "destroy", "-");
    let (scope, interrupt) = (&session.scope, &session.interrupt);
    let lock = Lock::take(&session.cloud, scope, &me, session.lock_wait(), interrupt).await?;
    let result = locked(session, &args, &ids).await;
    super::unlock(lock, result).await
}

/// Returns the droplets that go, and the word to type where everything goes.
fn choose(args: &DestroyArgs, herd: &Herd) -> Result<(Vec<u64>, Option<String>)> {
    let Some(wanted) = &args.droplet else {
        let ids = herd.members.iter().map(|member| member.id).collect();
        return Ok((ids, Some(herd.scope.to_string())));
    };
    let is_it = |member: &&Member| {
        member.name == *wanted
            || member.id.to_string() == *wanted
            || member.version.as_ref().is_some_and(|version| version.as_str() == wanted)
    };
    let found: Vec<&Member> = herd.members.iter().filter(is_it).collect();
    match found.as_slice() {
        [] => Err(Error::new(Kind::NotFound, format!("{} has no droplet {wanted}", herd.scope))
            .hint("see the herd with `remuda status`")),
        [member] if herd.live().is_some_and(|live| live.id == member.id) => {
            Err(Error::new(Kind::Usage, format!("{} takes the traffic", member.name))
                .traffic(herd.traffic())
                .hint("move the traffic first (`remuda rollback`, `remuda release`), or destroy everything with `remuda destroy --all`"))
        }
        [member] => Ok((vec![member.id], None)),
        many => Err(Error::new(Kind::Usage, format!("{wanted} is {} droplets", many.len()))
            .at("droplets", many.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", "))
            .hint("name one of them")),
    }
}

fn consequence(herd: &Herd, member: &Member) -> String {
    let role = herd.role(member).word();
    let writes =
        if member.left.is_some() { ", which may hold writes that are nowhere else" } else { "" };
    format!("{} ({role}{writes})", member.name)
}

async fn locked(session: &Session<'_>, args: &DestroyArgs, agreed: &[u64]) -> Result<()> {
    let herd = session.herd().await?;
    let cutover = &session.spec.spec.cutover;
    let mut done = Vec::new();
    if args.all {
        done.extend(leave_names(session, &herd).await?);
        if let Some(address) = &herd.address {
            let deadline = Deadline::after(UNASSIGN, format!("{} to be free", address.ip));
            session.cloud.unassign_reserved_ip(address.ip, &deadline).await?;
        }
    }
    for member in herd.members.iter().filter(|member| agreed.contains(&member.id)) {
        session.ui.say(&format!("destroying {}", member.name));
        sweep(&session.cloud, &session.scope, cutover, member.id).await?;
        done.push(format!("destroyed {}", member.name));
    }
    if let Some(address) = &herd.address
        && args.release_address
    {
        session.cloud.delete_reserved_ip(address.ip).await?;
        done.push(format!("gave {} back", address.ip));
    } else if let Some(address) = &herd.address
        && args.all
    {
        done.push(format!(
            "kept the reserved IP {}, which costs while it is idle; `--release-address` gives it back",
            address.ip
        ));
    }
    session.ui.result(&done.join("\n"), &serde_json::json!({ "done": done }));
    Ok(())
}

/// Removes the records that would lead to nothing.
async fn leave_names(session: &Session<'_>, herd: &Herd) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for name in &herd.names {
        for record in &name.records {
            session.cloud.delete_record(&name.name.domain, record.id).await?;
            done.push(format!("removed {} {} {}", name.name.fqdn(), record.kind, record.data));
        }
    }
    Ok(done)
}
