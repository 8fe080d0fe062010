//! Destroys droplets that are not kept any longer; never one that takes traffic.

use std::time::Duration;

use serde::Serialize;

use super::world::World;
use crate::{
    cloud::Client,
    error::{Error, Kind, Result},
    herd::{Member, Scope},
    retry::Deadline,
    run::{Done, Progress},
    spec::Cutover,
};

/// How long a droplet may take to disappear.
const DESTROY: Duration = Duration::from_mins(2);

/// Destroys droplets, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retire {
    /// Ids and names of the droplets that go.
    pub droplets: Vec<(u64, String)>,
    /// Whether the user asked for it: then a failure is one. In a release it only warns.
    pub asked: bool,
}

impl Retire {
    pub(super) fn title(&self) -> String {
        match self.droplets.as_slice() {
            [] => "see that nothing is left over".into(),
            [(_, name)] => format!("destroy {name}"),
            all => format!("destroy {} droplets", all.len()),
        }
    }

    pub(super) async fn run(&self, world: &World, progress: &Progress) -> Result<Done> {
        let mut going = self.droplets.clone();
        if !self.asked {
            going.extend(late_twins(world, &going).await?);
        }
        let mut names = Vec::new();
        for (id, name) in going {
            progress.say(format!("destroying {name}"));
            destroy(world, id).await?;
            names.push(name);
        }
        Ok(Done::saying(match names.as_slice() {
            [] => "nothing to destroy".into(),
            names => format!("destroyed {}", names.join(", ")),
        }))
    }
}

/// Finds droplets that an answer which was lost has made, and that no list showed at the time.
async fn late_twins(world: &World, known: &[(u64, String)]) -> Result<Vec<(u64, String)>> {
    let subject = world.subject()?.id;
    let droplets = world.cloud.droplets().await?;
    let members = droplets.iter().filter_map(|droplet| Member::read(&world.scope, droplet));
    Ok(members
        .filter(|member| {
            member.id != subject
                && member.generation.is_none()
                && member.quarantined.is_none()
                && known.iter().all(|(id, _)| *id != member.id)
        })
        .map(|member| (member.id, member.name))
        .collect())
}

/// Destroys one droplet of this run's herd, by its id.
pub(super) async fn destroy(world: &World, id: u64) -> Result<()> {
    world.fence.assert_held().await?;
    sweep(&world.cloud, &world.scope, &world.spec.spec.cutover, id).await
}

/// Destroys a droplet by its id, after a fresh look: it must carry the herd's tag, and must not
/// hold the reserved IP. The tags that only it carried go with it.
///
/// # Errors
/// When it is live or of another herd, or the API refuses.
pub async fn sweep(cloud: &Client, scope: &Scope, cutover: &Cutover, id: u64) -> Result<()> {
    let Some(droplet) = cloud.droplet(id).await? else { return Ok(()) };
    let Some(member) = Member::read(scope, &droplet) else {
        return Err(Error::new(
            Kind::Failed,
            format!("droplet {id} is not of {scope}: left alone"),
        )
        .at("droplet", droplet.name));
    };
    refuse_live(cloud, cutover, &member).await?;
    let deadline = Deadline::after(DESTROY, format!("{} to be destroyed", member.name));
    cloud.destroy_droplet(id, &deadline).await?;
    for tag in member.unique_tags() {
        cloud.delete_tag(&tag).await?;
    }
    Ok(())
}

async fn refuse_live(cloud: &Client, cutover: &Cutover, member: &Member) -> Result<()> {
    let Some(ip) = cutover.reserved_ip else {
        return refuse_named(cloud, cutover, member).await;
    };
    let holder = cloud.reserved_ip(ip).await?.and_then(|found| found.droplet_id);
    if holder == Some(member.id) {
        return Err(Error::new(
            Kind::Failed,
            format!("{} takes the traffic: left alone", member.name),
        )
        .at("reserved IP", ip));
    }
    Ok(())
}

/// In an environment without a reserved IP the first DNS name says who is live.
async fn refuse_named(cloud: &Client, cutover: &Cutover, member: &Member) -> Result<()> {
    let (Some(name), Some(ip)) = (cutover.dns.first(), member.ipv4) else { return Ok(()) };
    let records = cloud.records(&name.domain, Some(&name.fqdn()), Some("A")).await?;
    if records.iter().any(|record| record.data == ip.to_string()) {
        return Err(Error::new(
            Kind::Failed,
            format!("{} takes the traffic: left alone", member.name),
        )
        .at("DNS name", name.fqdn()));
    }
    Ok(())
}
