//! The one error that reaches a user: what failed, where, what traffic does, what to type next.
//!
//! Rooms build it where the knowledge is; `ui` alone renders it. It holds no message of its own.

use std::fmt;

/// What kind of failure this is; decides the process's exit code (the README lists them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Failed, live traffic untouched: 1.
    Failed,
    /// Wrong usage or a wrong spec: 2.
    Usage,
    /// A plan has changes, under `--detailed-exitcode`: 3.
    Changes,
    /// Traffic was automatically returned to the old release: 4.
    Returned,
    /// Traffic state unknown or degraded, act now: 5.
    TrafficUnknown,
    /// Nothing to roll back to, or not found: 10.
    NotFound,
    /// Another run holds the lock: 11.
    Locked,
    /// Secrets cannot be decrypted: 12.
    Undecryptable,
    /// A backup or restore did not verify: 13.
    Unverified,
    /// A health gate failed before the cutover: 14.
    Unhealthy,
    /// Token, scope or quota: 15.
    Refused,
    /// A wait reached its bound: 16.
    TimedOut,
    /// Interrupted by SIGINT: 130.
    Interrupted,
    /// Terminated by SIGTERM: 143.
    Terminated,
}

impl Kind {
    /// Returns the process exit code of this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Changes => 3,
            Self::Returned => 4,
            Self::TrafficUnknown => 5,
            Self::NotFound => 10,
            Self::Locked => 11,
            Self::Undecryptable => 12,
            Self::Unverified => 13,
            Self::Unhealthy => 14,
            Self::Refused => 15,
            Self::TimedOut => 16,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Returns the stable word for machine output.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Changes => "changes",
            Self::Returned => "returned",
            Self::TrafficUnknown => "traffic_unknown",
            Self::NotFound => "not_found",
            Self::Locked => "locked",
            Self::Undecryptable => "undecryptable",
            Self::Unverified => "unverified",
            Self::Unhealthy => "unhealthy",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

/// A failure as a user meets it.
///
/// `what` is a lower-case fragment without a trailing period. `places` say where (resource id,
/// request id, host, file). `report` is a block shown verbatim, such as source snippets or the
/// tail of a log. `traffic` says what state traffic is in. `hints` are commands to type next.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    what: String,
    places: Vec<(&'static str, String)>,
    report: Option<String>,
    traffic: Option<String>,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result whose failure is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of this kind that says `what` failed.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            places: Vec::new(),
            report: None,
            traffic: None,
            hints: Vec::new(),
            source: None,
        }))
    }

    /// Adds where it failed, such as `("droplet", "412")`.
    #[must_use]
    pub fn at(mut self, label: &'static str, value: impl fmt::Display) -> Self {
        self.0.places.push((label, value.to_string()));
        self
    }

    /// Adds a next command to type, or what to change.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Sets a block that is shown as it is: snippets, the tail of a log.
    #[must_use]
    pub fn report(mut self, report: impl Into<String>) -> Self {
        self.0.report = Some(report.into());
        self
    }

    /// Sets the sentence that says what state traffic is in.
    #[must_use]
    pub fn traffic(mut self, traffic: impl Into<String>) -> Self {
        self.0.traffic = Some(traffic.into());
        self
    }

    /// Sets the cause, shown as `because` lines.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Changes the kind, where a caller knows better what the failure means.
    #[must_use]
    pub fn kind_is(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Returns what failed, without its causes.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Returns where it failed, label and value.
    pub fn places(&self) -> &[(&'static str, String)] {
        &self.0.places
    }

    /// Returns the next commands to type.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// Returns the block to show verbatim.
    pub fn block(&self) -> Option<&str> {
        self.0.report.as_deref()
    }

    /// Returns what state traffic is in, where that is known.
    pub fn traffic_state(&self) -> Option<&str> {
        self.0.traffic.as_deref()
    }

    /// Returns the messages of the causes, nearest first, each once.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next: Option<&dyn std::error::Error> =
            self.0.source.as_ref().map(|source| &**source as &dyn std::error::Error);
        while let Some(cause) = next {
            let text = cause.to_string();
            if causes.last().is_none_or(|last: &String| !last.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        for (label, value) in &self.0.places {
            write!(f, ", {label} {value}")?;
        }
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
