//! `remuda status`: the herd as the account shows it.

use super::session::Session;
use crate::{
    error::Result,
    herd::{Herd, Lock, Member, Role, lock::Seen},
    size,
};

/// Runs it.
pub(super) async fn run(session: &Session<'_>) -> Result<()> {
    let (herd, lock) =
        tokio::try_join!(session.herd(), Lock::look(&session.cloud, &session.scope))?;
    session.ui.result(&text(session, &herd, lock.as_ref()), &json(&herd, lock.as_ref()));
    Ok(())
}

fn text(session: &Session<'_>, herd: &Herd, lock: Option<&Seen>) -> String {
    let mut out = format!("{}: traffic {}\n", herd.scope, herd.traffic());
    if let Some(address) = &herd.address {
        out = format!("{out}reserved IP {}\n", address.ip);
    }
    if herd.members.is_empty() {
        out.push_str("\nno droplets yet: `remuda release VERSION` makes the first\n");
    } else {
        let rows: Vec<_> = herd.members.iter().map(|member| row(herd, member)).collect();
        let headers = ["VERSION", "ROLE", "GEN", "DROPLET", "ADDRESS", "AGE", "$/MONTH"];
        out.push('\n');
        out.push_str(&session.ui.table(&headers, &rows));
        out.push('\n');
        let prices = herd.members.iter().filter_map(|member| member.price_monthly);
        let total = prices.fold(0.0, |sum, price| sum + price);
        out = format!("{out}\n${total:.2} a month\n");
    }
    for line in remarks(herd, lock) {
        out.push_str(&line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn row(herd: &Herd, member: &Member) -> Vec<String> {
    let dash = || "-".to_owned();
    vec![
        member.version_text().to_owned(),
        herd.role(member).word().to_owned(),
        member.generation.map_or_else(dash, |number| number.to_string()),
        member.name.clone(),
        member.ipv4.map_or_else(dash, |ip| ip.to_string()),
        age(member).unwrap_or_else(dash),
        member.price_monthly.map_or_else(dash, |price| format!("{price:.2}")),
    ]
}

fn age(member: &Member) -> Option<String> {
    let seconds = crate::clock::now().as_second() - member.created_at?.as_second();
    let seconds = u64::try_from(seconds).ok()?;
    Some(match seconds {
        0..120 => format!("{seconds} s"),
        120..172_800 => size::duration(std::time::Duration::from_secs(seconds)),
        _ => format!("{} d", seconds / 86_400),
    })
}

/// What a person must know besides the table.
fn remarks(herd: &Herd, lock: Option<&Seen>) -> Vec<String> {
    let mut remarks = Vec::new();
    let is_held = lock.is_some_and(|lock| !lock.is_stale(crate::clock::now()));
    if let Some(lock) = lock {
        let state = if is_held { "held by" } else { "left behind by" };
        remarks.push(format!("lock: {state} {}", lock.describe()));
    }
    if !herd.is_settled() && !is_held {
        remarks.push(
            "unfinished: a run moved the traffic and died; finish it with `remuda resume`, or undo it with `remuda abort`"
                .to_owned(),
        );
    }
    for member in &herd.members {
        if member.left.is_some() {
            remarks.push(format!(
                "{name} was left by a rollback and may hold writes; it costs until `remuda destroy {name}`",
                name = member.name
            ));
        }
        if herd.role(member) == Role::Candidate && !is_held {
            remarks.push(format!(
                "{} is left over from a run that died; `remuda resume` goes on with it, `remuda abort` clears it away",
                member.name
            ));
        }
    }
    remarks
}

fn json(herd: &Herd, lock: Option<&Seen>) -> serde_json::Value {
    let members: Vec<_> = herd
        .members
        .iter()
        .map(|member| {
            serde_json::json!({
                "id": member.id,
                "name": member.name,
                "version": member.version.as_ref().map(ToString::to_string),
                "role": herd.role(member),
                "generation": member.generation,
                "ipv4": member.ipv4,
                "ipv6": member.ipv6,
                "created_at": member.created_at,
                "price_monthly": member.price_monthly,
                "left": member.left.is_some(),
            })
        })
        .collect();
    serde_json::json!({
        "app": herd.scope.app,
        "env": herd.scope.env,
        "reserved_ip": herd.address.as_ref().map(|address| address.ip),
        "live": herd.live().map(|live| live.name.clone()),
        "settled": herd.is_settled(),
        "droplets": members,
        "lock": lock.map(|lock| serde_json::json!({
            "holder": lock.describe(),
            "until": lock.until,
            "stale": lock.is_stale(crate::clock::now()),
        })),
    })
}
