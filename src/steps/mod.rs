//! Everything remuda can do to the world, and undo: one file per step.
//!
//! A step is a screenful of calls that introduces nouns which must not know each other. The order
//! of steps is `plan`'s; how one is done is here. Steps reach the world through [`World`] alone.

mod boot;
mod create;
mod cutover;
mod deliver;
pub mod evidence;
mod health;
mod hook;
mod leave;
mod listen;
pub mod preflight;
mod promote;
mod provision;
mod records;
mod retire;
mod start;
mod trust;
mod wake;
mod watch;
mod world;

use std::time::Duration;

pub use create::Create;
pub use cutover::{Cutover, Origin};
pub use health::public_check;
pub use hook::Moment;
pub use preflight::Catalogue;
pub use retire::{Retire, sweep};
pub use watch::outage_text;
pub use world::{Reached, Subject, Surroundings, Traffic, World};

use crate::{
    error::Result,
    run::{Deed, Done, Progress},
};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Creates the droplet, or goes on with one that an earlier run left.
    Create(Create),
    /// Waits until it is active, has an address and answers on its SSH port.
    Boot,
    /// First login: proves the injected host key, replaces it, pins the new one.
    Trust,
    /// Waits for cloud-init's end.
    Provision,
    /// Packs the app's files here.
    Pack,
    /// Delivers them.
    Deliver,
    /// Runs the spec's commands for one moment.
    Hook(Moment),
    /// Starts the app.
    Start,
    /// Waits until the app is well at its own address.
    Health,
    /// Powers the rollback target on, where it is off.
    Wake,
    /// Begins to probe the public address.
    Listen,
    /// Marks the live droplet as left by a rollback.
    Leave,
    /// Moves the reserved IP and proves it.
    Cutover(Cutover),
    /// Moves the DNS records.
    Records,
    /// Watches the public address.
    Watch,
    /// Gives the droplet its generation: the aim is reached.
    Promote,
    /// Destroys droplets that are not kept any longer.
    Retire(Retire),
}

impl Deed<World> for Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Boot => "boot",
            Self::Trust => "trust",
            Self::Provision => "provision",
            Self::Pack => "pack",
            Self::Deliver => "deliver",
            Self::Hook(moment) => moment.name(),
            Self::Start => "start",
            Self::Health => "health",
            Self::Wake => "wake",
            Self::Listen => "listen",
            Self::Leave => "leave",
            Self::Cutover(_) => "cutover",
            Self::Records => "dns",
            Self::Watch => "watch",
            Self::Promote => "promote",
            Self::Retire(_) => "prune",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Create(create) => create.title(),
            Self::Boot => "wait for the droplet".into(),
            Self::Trust => "log in and pin its host key".into(),
            Self::Provision => "wait for cloud-init".into(),
            Self::Pack => "pack the app's files".into(),
            Self::Deliver => "deliver the app's files".into(),
            Self::Hook(moment) => moment.title(),
            Self::Start => "start the app".into(),
            Self::Health => "wait until the app is well".into(),
            Self::Wake => "see that the droplet is up".into(),
            Self::Listen => "probe the public address".into(),
            Self::Leave => "mark the droplet that is left".into(),
            Self::Cutover(_) => "move the traffic".into(),
            Self::Records => "move the DNS records".into(),
            Self::Watch => "watch the public address".into(),
            Self::Promote => "promote".into(),
            Self::Retire(retire) => retire.title(),
        }
    }

    async fn run(&self, world: &World, progress: &Progress) -> Result<Done> {
        match self {
            Self::Create(create) => create.run(world, progress).await,
            Self::Boot => boot::run(world, progress).await,
            Self::Trust => trust::run(world, progress).await,
            Self::Provision => provision::run(world, progress).await,
            Self::Pack => deliver::pack(world).await,
            Self::Deliver => deliver::run(world, progress).await,
            Self::Hook(moment) => hook::run(*moment, world, progress).await,
            Self::Start => start::run(world, progress).await,
            Self::Health => health::run(world, progress).await,
            Self::Wake => wake::run(world, progress).await,
            Self::Listen => listen::run(world, progress),
            Self::Leave => leave::run(world).await,
            Self::Cutover(cutover) => cutover.run(world, progress).await,
            Self::Records => records::run(world).await,
            Self::Watch => watch::run(world, progress).await,
            Self::Promote => promote::run(world).await,
            Self::Retire(retire) => retire.run(world, progress).await,
        }
    }

    async fn undo(&self, world: &World, progress: &Progress) -> Result<Done> {
        match self {
            Self::Create(create) => create.undo(world, progress).await,
            Self::Leave => leave::undo(world).await,
            Self::Cutover(cutover) => cutover.undo(world, progress).await,
            Self::Records => records::undo(world).await,
            Self::Listen => Ok(listen::stop(world)),
            // see `leaves_traces`
            _ => Ok(Done::saying("nothing to undo")),
        }
    }

    /// What the others do lives on the candidate alone, and goes or stays with it.
    fn leaves_traces(&self) -> bool {
        matches!(
            self,
            Self::Create(_) | Self::Leave | Self::Cutover(_) | Self::Records | Self::Listen
        )
    }

    fn undo_within(&self) -> Duration {
        match self {
            Self::Create(_) | Self::Cutover(_) => Duration::from_mins(5),
            _ => Duration::from_mins(1),
        }
    }

    fn settles(&self) -> bool {
        matches!(self, Self::Promote)
    }

    fn essential(&self) -> bool {
        match self {
            Self::Retire(retire) => retire.asked,
            Self::Hook(moment) => moment.is_essential(),
            _ => true,
        }
    }
}
