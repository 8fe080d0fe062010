//! Spec and herd become a plan, a value that can be printed, priced and compared. Pure, no async.

mod cost;
mod estimate;
mod release;
mod retention;
mod rollback;
mod show;

use serde::Serialize;

pub use cost::Cost;
pub use estimate::{estimate, typical};
pub use release::{Release, release};
pub use retention::{Keep, outdated};
pub use rollback::{Rollback, rollback};
pub use show::text;

use crate::{
    error::Result,
    herd::{Scope, Version},
    run::Node,
    steps::{Step, Subject},
};

/// What a run will do, before it does it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `release`, `rollback`, `prune`, …
    pub verb: &'static str,
    /// The app and environment.
    pub scope: Scope,
    /// The version that it is about.
    pub version: Version,
    /// The droplet that it is about, where it is known beforehand.
    pub subject: Option<Subject>,
    /// The steps, each with the steps that it stands on.
    pub steps: Vec<Node<Step>>,
    /// What will be created, moved, destroyed, and what cannot be undone, in words.
    pub outline: Outline,
    /// What it costs; `None` where nothing is created.
    pub cost: Option<Cost>,
}

impl Plan {
    /// Returns the version that it is about, where it is about one.
    pub fn version_if_any(&self) -> Option<String> {
        (self.version != Version::unknown()).then(|| self.version.to_string())
    }
}

/// A plan's effects in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// What will be created.
    pub creates: Vec<String>,
    /// What will be moved.
    pub moves: Vec<String>,
    /// What will be destroyed; this cannot be undone.
    pub destroys: Vec<String>,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// What to do about a command, as the herd stands.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Carry this plan through.
    Run(Box<Plan>),
    /// It is as asked already; says so.
    Nothing(String),
    /// An earlier run died on its way back: finish that return, and say that it returned.
    Return(Box<Plan>),
}

impl Decision {
    /// Returns the plan, if there is one.
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Run(plan) | Self::Return(plan) => Some(plan),
            Self::Nothing(_) => None,
        }
    }
}

/// Puts steps in order: each stands on the one before, unless it is said otherwise.
#[derive(Debug, Default)]
struct Order {
    nodes: Vec<Node<Step>>,
    last: Option<usize>,
}

impl Order {
    /// Adds a step that stands on the one before.
    fn then(&mut self, step: Step) -> usize {
        self.after(step, Vec::new())
    }

    /// Adds a step that stands on the one before and on these.
    fn after(&mut self, deed: Step, more: Vec<usize>) -> usize {
        let needs = self.last.into_iter().chain(more).collect();
        self.nodes.push(Node { deed, needs });
        let place = self.nodes.len() - 1;
        self.last = Some(place);
        place
    }

    /// Adds a step that stands on nothing; the next step does not stand on it either.
    fn aside(&mut self, deed: Step) -> usize {
        self.nodes.push(Node { deed, needs: Vec::new() });
        self.nodes.len() - 1
    }
}

/// A result of planning.
type Planned = Result<Decision>;
