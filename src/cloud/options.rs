//! How the client behaves: its patience, its name, and who watches its calls.

use std::{fmt, sync::Arc, time::Duration};

/// One request that was sent, for `--trace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer; none when there was no answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The API's name for the request.
    pub request_id: Option<String>,
}

/// Is told of every call, after it.
pub type OnCall = Arc<dyn Fn(&Call) + Send + Sync>;

/// What may be chosen about a client; the default is what DigitalOcean expects of one.
#[derive(Clone)]
pub struct Options {
    /// The longest one request may take.
    pub timeout: Duration,
    /// The longest a request that creates a droplet may take.
    pub create_timeout: Duration,
    /// The longest a connection may take to be made.
    pub connect_timeout: Duration,
    /// The longest a call may take with all its retries, where no deadline is given.
    pub patience: Duration,
    /// How often a request is sent before giving up.
    pub tries: usize,
    /// The first pause between tries, which then doubles.
    pub first_pause: Duration,
    /// The longest pause between tries.
    pub longest_pause: Duration,
    /// How long a creation whose answer was lost is looked for before it is sent again, and how
    /// long a droplet that was just created may be invisible.
    pub reconcile: Duration,
    /// How many requests may be sent in a minute.
    pub per_minute: usize,
    /// The name under which requests are sent.
    pub user_agent: String,
    /// Is told of every call.
    pub on_call: Option<OnCall>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            create_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(5),
            patience: Duration::from_mins(3),
            tries: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            reconcile: Duration::from_mins(1),
            per_minute: 240,
            user_agent: concat!("remuda/", env!("CARGO_PKG_VERSION")).into(),
            on_call: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .field("tries", &self.tries)
            .field("reconcile", &self.reconcile)
            .field("per_minute", &self.per_minute)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
