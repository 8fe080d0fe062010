//! Waits for cloud-init's end: 0 is done, 2 is degraded and shown, anything else fails with its log.

use std::time::Duration;

use serde::Deserialize;

use super::world::{Reached, World};
use crate::{
    error::{Error, Kind, Result},
    host::{Host, Run},
    run::{Done, Progress},
};

/// The end of the log that is shown when cloud-init failed.
const TAIL: &str = "tail -n 40 /var/log/cloud-init-output.log 2>/dev/null";

/// How long reading it may take.
const LOOK: Duration = Duration::from_secs(20);

/// What `cloud-init status --format json` says, as much as is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(rename = "status")]
    word: Option<String>,
    errors: Vec<String>,
    recoverable_errors: std::collections::BTreeMap<String, Vec<String>>,
}

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let host = world.host().await?;
    progress.say("cloud-init is running");
    let output = host
        .run(Run::new("cloud-init status --wait --format json", world.spec.spec.limits.provision.0))
        .await?;
    let status: Status = serde_json::from_str(&output.stdout).unwrap_or_default();
    match output.status {
        0 => {}
        2 => {
            for (level, texts) in &status.recoverable_errors {
                for text in texts {
                    progress.warn(format!("cloud-init: {level}: {text}"));
                }
            }
        }
        code => return Err(failed(world, &host, code, &status, &output.stderr).await),
    }
    world.reach(Reached::Provisioned);
    // while cloud-init worked, its own files still held the key that the first login has burned
    if !host.activate_key().await?.forgotten {
        progress.warn("the burned host key is still in cloud-init's files on the host");
    }
    let said = status.word.unwrap_or_else(|| "done".into());
    Ok(Done::saying(if output.status == 2 { format!("{said}, degraded") } else { said }))
}

async fn failed(world: &World, host: &Host, code: i32, status: &Status, stderr: &str) -> Error {
    let mut tail =
        host.run(Run::new(TAIL, LOOK)).await.map(|output| output.stdout).unwrap_or_default();
    for text in &status.errors {
        tail.push_str(text);
        tail.push('\n');
    }
    if tail.is_empty() {
        stderr.clone_into(&mut tail);
    }
    let name = world.subject_if_any().map_or_else(String::new, |subject| subject.name);
    Error::new(Kind::Failed, format!("cloud-init failed with status {code}"))
        .at("droplet", name)
        .at("log", "/var/log/cloud-init-output.log")
        .report(tail)
        .hint(format!("mend {} and release again", world.spec.spec.droplet.cloud_init))
}
