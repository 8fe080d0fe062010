//! Carries a plan through: journal, engine, lock, interrupt, events. Knows no step and no cloud.

pub mod event;
