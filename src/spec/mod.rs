//! `droplets.yaml`: types, reading, overlays, findings with their place in the file, schema.
//!
//! A spec goes `source → tree → merge → shape → rules → types`: text becomes a tree whose nodes
//! know their places, overlays are laid on it, its shape is judged against the schema and its
//! meaning by rules, and only a tree without findings becomes a [`Spec`].

pub mod finding;
mod load;
mod merge;
mod node;
mod quoting;
mod rules;
pub mod scalar;
mod schema;
mod shape;
pub mod shell;
pub mod source;
pub mod template;
pub mod tree;
mod types;
mod values;
mod words;

pub use load::{DEFAULT_ENV, FILE, Load, Loaded, load, parse};
pub use schema::schema;
pub use shape::nearest;
pub use types::{
    Check, Commands, Cutover, DnsName, Droplet, Hooks, Limits, Retain, Span, Spec, Ssh, Stack,
};
pub use values::{Unfit, Values, render_shell, render_text};
