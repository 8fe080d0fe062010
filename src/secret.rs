//! Text that must not be printed: the API token, private keys.

pub use secrecy::{ExposeSecret, SecretString};
