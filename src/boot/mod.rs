//! cloud-init: templates → user-data, host keys known before first contact.
//!
//! A template is rendered into pieces (`spec::template`), written and proved (`verify`), judged
//! (`cloud_config`), given its host key (`render`) and made to fit (`user_data`).

mod authorized_keys;
mod cloud_config;
mod host_key;
mod render;
mod user_data;
mod verify;

pub use authorized_keys::authorized_keys;
pub use host_key::{HostKey, from_hex, to_hex};
pub use render::{Birth, check, render};
pub use user_data::{MAX_BYTES, UserData};
