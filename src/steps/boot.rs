//! Waits until the droplet is active, has a public address and answers on its SSH port.

use std::net::{IpAddr, SocketAddr};

use super::world::{Subject, World};
use crate::{
    error::{Error, Kind, Result},
    host,
    retry::Deadline,
    run::{Done, Progress},
};

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let limits = &world.spec.spec.limits;
    let mut subject = world.subject()?;
    if subject.ipv4.is_none() {
        let deadline =
            Deadline::after(limits.create.0, format!("{} to become active", subject.name));
        let say = |text: &str| progress.say(text);
        let droplet = world.cloud.await_active(subject.id, &deadline, &say).await?;
        let fresh = Subject::of_droplet(&world.scope, &droplet);
        world.change_subject(|known| {
            known.ipv4 = fresh.ipv4;
            known.ipv6 = fresh.ipv6;
        });
        subject = world.subject()?;
    }
    let Some(ip) = subject.ipv4 else {
        return Err(Error::new(
            Kind::Failed,
            "the droplet is active but has no public IPv4 address",
        )
        .at("droplet", subject.id));
    };
    let door = SocketAddr::new(IpAddr::V4(ip), world.spec.spec.ssh.port);
    progress.say(format!("waiting for SSH at {door}"));
    let deadline = Deadline::after(limits.boot.0, format!("SSH at {door}"));
    host::wait_for_port(door, &deadline).await?;
    Ok(Done::saying(format!("SSH answers at {door}")))
}
