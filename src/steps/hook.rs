//! Runs the spec's own commands on the candidate at one moment of the release.

use serde::Serialize;

use super::{start::place, world::World};
use crate::{
    error::Result,
    run::{Done, Progress},
    spec::Hooks,
    stack,
};

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before the app starts.
    BeforeStart,
    /// After it has been started.
    AfterStart,
    /// After health, before traffic moves.
    BeforeCutover,
    /// After traffic has moved.
    AfterCutover,
}

impl Moment {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BeforeStart => "before_start",
            Self::AfterStart => "after_start",
            Self::BeforeCutover => "before_cutover",
            Self::AfterCutover => "after_cutover",
        }
    }

    pub(super) fn title(self) -> String {
        format!("run the {} hooks", self.name())
    }

    /// Once traffic has moved, a hook's failure is no reason to move it again.
    pub(super) const fn is_essential(self) -> bool {
        !matches!(self, Self::AfterCutover)
    }

    /// Returns the commands that the spec has for this moment.
    pub fn commands(self, hooks: &Hooks) -> &[String] {
        match self {
            Self::BeforeStart => &hooks.before_start,
            Self::AfterStart => &hooks.after_start,
            Self::BeforeCutover => &hooks.before_cutover,
            Self::AfterCutover => &hooks.after_cutover,
        }
    }
}

pub(super) async fn run(moment: Moment, world: &World, progress: &Progress) -> Result<Done> {
    let commands = moment.commands(&world.spec.spec.hooks);
    all(commands, world, progress).await?;
    Ok(Done::saying(match commands.len() {
        1 => "1 command".into(),
        many => format!("{many} commands"),
    }))
}

/// Runs commands one after the other; the first failure ends it.
pub(super) async fn all(commands: &[String], world: &World, progress: &Progress) -> Result<()> {
    let host = world.host().await?;
    let within = world.spec.spec.limits.command.0;
    for command in commands {
        progress.say(command.lines().next().unwrap_or_default());
        let script = stack::script(&place(world)?, command, &world.values())?;
        let line = |line: &str| progress.output(line);
        stack::command(&host, &script, within, &line).await?;
    }
    Ok(())
}
