//! Events become terminal, plain lines or JSON; errors with hints; tables. The only code that
//! writes to the terminal.
//!
//! Everything goes through one path: secrets are taken out ([`Redactor`]), then what could steer a
//! terminal, then it is laid out and coloured, then written. The story goes to standard error, the
//! result to standard output; a closed pipe ends the writing quietly.
//!
//! A display shows what it is told. It decides nothing, and knows no step by name.

mod ask;
mod checklist;
mod clean;
mod failure;
mod forms;
mod ink;
mod live;
mod machine;
mod mode;
mod plain;
mod redact;
mod stage;
mod streams;
mod table;
mod wording;

#[cfg(test)]
mod tests;

pub use ink::{Ink, ink};
pub use mode::{Choice, Mode, Output};
pub use redact::Redactor;
pub use stage::Ui;
pub use streams::Streams;
