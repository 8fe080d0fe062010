//! An environment as the account shows it: members, roles, generations, the lock.
//!
//! The account is the state: everything here is read back from droplet tags, the reserved IP and
//! the DNS records. This is the only room that spells names and tags.

mod holder;
pub mod lock;
pub mod member;
pub mod names;
mod read;

pub use holder::{Holder, Process};
pub use lock::Lock;
pub use member::{Member, Role};
pub use names::{Mark, Scope, Version};
pub use read::{Address, Herd, Name};
