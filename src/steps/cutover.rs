//! Moves the reserved IP straight to the subject and proves it: by the host key that answers on
//! the address, then by the app's own answer through it.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    health::public_check,
    listen,
    world::{Subject, Traffic, World},
};
use crate::{
    cloud::Target,
    error::{Error, Kind, Result},
    herd::{Mark, Member},
    host, probe,
    retry::Deadline,
    run::{Done, Progress, event::What},
};

/// The pause between two questions through the moved address.
const PAUSE: Duration = Duration::from_millis(50);

/// Moves the traffic from the droplet that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cutover {
    /// Where it comes from, and goes back to.
    pub from: Origin,
    /// Whether the app must prove its release in its answer.
    pub expect_release: bool,
    /// Whether the subject is a candidate: one that fails here is marked before traffic leaves it.
    pub is_candidate: bool,
}

/// Where traffic goes back to when a cutover is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// No droplet had it: the address leads nowhere again.
    Nowhere,
    /// This droplet.
    Droplet(u64),
    /// It stays: this move is itself the way back.
    Stay,
}

impl Origin {
    fn member(self, world: &World) -> Option<&Member> {
        match self {
            Self::Droplet(id) => world.herd.member(id),
            Self::Nowhere | Self::Stay => None,
        }
    }
}

impl Cutover {
    pub(super) async fn run(&self, world: &World, progress: &Progress) -> Result<Done> {
        let subject = world.subject()?;
        let limit = world.spec.spec.limits.cutover.0;
        let deadline = Deadline::after(limit, format!("traffic to move to {}", subject.name));
        let started = Instant::now();
        world.fence.assert_held().await?;
        if let Some(watch) = world.watch() {
            watch.mark("cutover");
        }
        world.set_traffic(Traffic::Moved);
        let Some(address) = world.spec.spec.cutover.reserved_ip else {
            return Ok(Done::saying("no reserved IP: the DNS records move next"));
        };
        progress.say(format!("assigning {address} to {}", subject.name));
        let cloud = world.cloud.urgent();
        if world.herd.live().is_some_and(|live| live.id == subject.id) {
            // a run that died has moved it: then there may be nothing to do
            cloud.assign_reserved_ip(address, subject.id, &deadline).await?;
        } else {
            cloud.move_reserved_ip(address, subject.id, &deadline).await?;
        }
        progress.say(format!("proving that {address} is {}", subject.name));
        self.prove(world, &subject, address, &deadline, progress).await?;
        listen::begin_if_needed(world)?;
        let took = started.elapsed();
        let from = self.from.member(world).map(|member| member.name.clone());
        tell_moved(progress, from, &subject.name, took);
        Ok(Done::saying(format!("{address} is {}", subject.name)))
    }

    /// Proves that the address is the subject and the app answers through it, side by side.
    async fn prove(
        &self,
        world: &World,
        subject: &Subject,
        address: Ipv4Addr,
        deadline: &Deadline,
        progress: &Progress,
    ) -> Result<()> {
        let target = world.target(subject, Some(address))?;
        let key = host::prove_key(&target, deadline);
        let say = |text: &str| progress.say(text);
        let check = public_check(
            &world.spec.spec,
            &world.values(),
            Some(IpAddr::V4(address)),
            self.expect_release,
        )?;
        let app = async {
            if let Some(check) = &check {
                let ask = || probe::http(check);
                probe::until_well(ask, 1, PAUSE, deadline, &say).await?;
            }
            Ok::<_, Error>(())
        };
        tokio::try_join!(key, app).map(|_| ())
    }

    /// Moves the traffic back to where it was. In an environment that had no live droplet the
    /// address is given up instead, so that it never leads to a failed candidate.
    pub(super) async fn undo(&self, world: &World, progress: &Progress) -> Result<Done> {
        if world.traffic() == Traffic::Untouched {
            return Ok(Done::saying("traffic had not moved"));
        }
        // only a proof that it is back may say so
        world.set_traffic(Traffic::Unknown);
        if self.from == Origin::Stay {
            return Err(Error::new(Kind::TrafficUnknown, "this move was itself the way back"));
        }
        if self.is_candidate {
            // marked first: whoever finds the herd after a crash here finishes the return
            quarantine(world).await?;
        }
        let Some(address) = world.spec.spec.cutover.reserved_ip else {
            world.set_traffic(Traffic::Returned);
            return Ok(Done::saying("no reserved IP to move back"));
        };
        let limit = world.spec.spec.limits.cutover.0;
        let deadline = Deadline::after(limit, format!("{address} to move back"));
        let cloud = world.cloud.urgent();
        let Some(from) = self.from.member(world).map(Subject::of_member) else {
            cloud.unassign_reserved_ip(address, &deadline).await?;
            world.set_traffic(Traffic::Returned);
            return Ok(Done::saying(format!("{address} leads nowhere, as before")));
        };
        progress.say(format!("moving {address} back to {}", from.name));
        let started = Instant::now();
        cloud.assign_reserved_ip(address, from.id, &deadline).await?;
        host::prove_key(&world.target(&from, Some(address))?, &deadline).await?;
        world.set_traffic(Traffic::Returned);
        let left = world.subject_if_any().map(|subject| subject.name);
        tell_moved(progress, left, &from.name, started.elapsed());
        Ok(Done::saying(format!("{address} is {} again", from.name)))
    }

    /// Says what a failed return leaves behind.
    pub fn unknown(error: Error, address: Option<Ipv4Addr>) -> Error {
        let address = address.map_or_else(|| "the DNS records".into(), |ip| ip.to_string());
        error
            .kind_is(Kind::TrafficUnknown)
            .traffic(format!("unknown: {address} may lead to the failed candidate"))
            .hint("see where it is with `remuda status`, then `remuda rollback`")
    }
}

fn tell_moved(progress: &Progress, from: Option<String>, to: &str, took: Duration) {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    progress.tell().tell(What::TrafficMoved { from, to: to.to_owned(), millis });
}

/// Marks the subject as failed, once.
pub(super) async fn quarantine(world: &World) -> Result<()> {
    let id = world.subject()?.id;
    let Some(droplet) = world.cloud.droplet(id).await? else { return Ok(()) };
    let is_marked = |tag: &String| matches!(Mark::parse(tag), Some(Mark::Quarantined(_)));
    if !droplet.tags.iter().any(is_marked) {
        let tag = Mark::Quarantined(crate::clock::now().as_second()).to_string();
        world.cloud.create_tag(&tag).await?;
        world.cloud.tag(&tag, Target::Droplet(id)).await?;
    }
    Ok(())
}
