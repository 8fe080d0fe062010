//! Carries a plan through: journal, engine, interrupt, events. Knows no step and no cloud.

pub mod engine;
pub mod event;
pub mod journal;
mod next;

pub use engine::{Deed, Done, Ended, Node, Outcome, Progress};
pub use journal::Journal;
