//! What goes wrong on purpose: rules, and the book that says which of them strikes now.

mod book;
mod grammar;
mod pattern;
mod rule;

pub(crate) use book::{Book, Released, Strike};
pub use grammar::GRAMMAR;
pub(crate) use rule::{Act, Fault, Rule, Span};
