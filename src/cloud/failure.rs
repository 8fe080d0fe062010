//! What went wrong with a request, classified by what may be done about it, and as a user sees it.

use std::{fmt, time::Duration};

use crate::{
    cloud::scopes,
    error::{Error, Kind},
};

/// What a failure means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request certainly had no effect: no connection, or the server refused to look at it.
    NotExecuted,
    /// Too many requests: no effect, may be sent again when the API says so.
    RateLimited,
    /// Another action of the resource is still running: no effect, may be sent again after it.
    Pending,
    /// The API asks to try again: no effect, a few times.
    TryAgain,
    /// It may or may not have had its effect: no answer, a broken answer, or a 5xx.
    Ambiguous,
    /// It was carried out, says the status, but the answer cannot be read.
    Unreadable,
    /// There is no such thing.
    NotFound,
    /// It exists already.
    Conflict,
    /// The token is not accepted.
    Unauthorized,
    /// The token lacks a scope.
    Forbidden,
    /// The account has reached a limit.
    Limit,
    /// An action ended as errored and its effect is not there.
    Errored,
    /// A droplet that was accepted for creation will never exist: create it under a new name.
    Vanished,
    /// The time given has passed.
    TimedOut,
    /// Anything else; the same request will fail again.
    Final,
}

/// A request that failed: which one, how, and everything the API said about it.
///
/// It is the cause inside of every [`Error`] of this room; [`class_of`] finds its class there.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it means.
    pub class: Class,
    /// The method, such as `POST`.
    pub method: Box<str>,
    /// The path, without the query.
    pub path: Box<str>,
    /// The status of the answer; none when there was no answer.
    pub status: Option<u16>,
    /// DigitalOcean's word for the error, such as `unprocessable_entity`.
    pub id: Option<Box<str>>,
    /// What DigitalOcean said, or what was wrong with the answer.
    pub message: Box<str>,
    /// The API's name for the request.
    pub request_id: Option<Box<str>>,
    /// How long the API asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the answer did not come in time.
    pub slow: bool,
    /// What to do about it, where more is known than the class tells.
    pub hint: Option<Box<str>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Returns the class of the failed request behind `error`, if there is one.
pub fn class_of(error: &Error) -> Option<Class> {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(failure.class);
        }
        next = cause.source();
    }
    None
}

/// Decides what an answer with this status means. Pure; `message` is what the API said.
pub(crate) fn classify(status: u16, message: &str) -> Class {
    let said = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let limit = has(&["exceed your droplet limit", "limit exceeded", "limit reached"])
        || has(&["will exceed your", "reached your limit", "reached the limit"]);
    match status {
        401 => Class::Unauthorized,
        403 | 422 if limit => Class::Limit,
        403 => Class::Forbidden,
        404 => Class::NotFound,
        // A duplicate comes first: its message may well contain other telling words, such as the
        // name of the thing.
        409 | 422 if has(&["duplicate name", "already exists", "already in use"]) => {
            Class::Conflict
        }
        409 | 412 | 422 | 423 if has(&["pending event", "event pending", "is locked"]) => {
            Class::Pending
        }
        423 => Class::Pending,
        409 | 422 if has(&["please try again", "try again later"]) => Class::TryAgain,
        409 => Class::Conflict,
        429 => Class::RateLimited,
        501 => Class::Final,
        408 | 500..=599 => Class::Ambiguous,
        _ => Class::Final,
    }
}

impl Failure {
    /// Makes a failure of which nothing is known but its class and what happened.
    pub(crate) fn new(
        class: Class,
        method: &str,
        path: &str,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            class,
            method: method.into(),
            path: path.into(),
            status: None,
            id: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
            slow: false,
            hint: None,
        }
    }

    /// Returns whether the request may or may not have had its effect.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(self.class, Class::Ambiguous | Class::Unreadable)
    }

    fn kind(&self) -> Kind {
        match self.class {
            Class::Unauthorized | Class::Forbidden | Class::Limit | Class::RateLimited => {
                Kind::Refused
            }
            Class::NotFound => Kind::NotFound,
            Class::TimedOut => Kind::TimedOut,
            _ if self.slow => Kind::TimedOut,
            _ => Kind::Failed,
        }
    }

    fn what(&self) -> String {
        let Self { method, path, .. } = self;
        let ending = match self.class {
            Class::NotExecuted => "did not reach the API",
            Class::RateLimited => "was refused: too many requests",
            Class::Pending => "was refused: another action is still running",
            Class::Ambiguous if self.slow => "was not answered in time",
            Class::Ambiguous if self.status.is_some() => "failed at the API",
            Class::Ambiguous => "was not answered",
            Class::Unreadable => "was answered with something that is not the API's",
            Class::NotFound => "found nothing",
            Class::Unauthorized => "was refused: the token is not accepted",
            Class::Forbidden => "was refused: the token may not do this",
            Class::Limit => "was refused: the account has reached a limit",
            Class::Errored => "was accepted and then ended as errored",
            Class::Vanished => "was accepted, and the droplet never came to be",
            Class::TimedOut => "was not done in time",
            Class::Conflict | Class::TryAgain | Class::Final => "was refused",
        };
        format!("{method} {path} {ending}")
    }

    fn hint(&self) -> Option<String> {
        if let Some(hint) = &self.hint {
            return Some(hint.to_string());
        }
        match self.class {
            Class::Unauthorized => Some(
                "the token is taken from --access-token, else DIGITALOCEAN_ACCESS_TOKEN or \
                 DIGITALOCEAN_TOKEN, else the doctl context: make sure that it is current, and \
                 meant for this DIGITALOCEAN_API_URL"
                    .into(),
            ),
            Class::Forbidden => Some(match scopes::of(&self.method, &self.path) {
                Some(scope) => format!("give the token the scope {scope}, or use one that has it"),
                None => "use a token that has the scope for this".into(),
            }),
            Class::Limit if self.path.starts_with("/v2/droplets") => Some(
                "run `remuda prune` to free a droplet, or ask DigitalOcean for a higher droplet \
                 limit: a release needs room for one more than it runs on"
                    .into(),
            ),
            Class::Limit => Some("ask DigitalOcean for a higher limit, or remove one".into()),
            Class::RateLimited => {
                Some("wait a few minutes: the limit counts all users of this token".into())
            }
            Class::Unreadable => Some(
                "check DIGITALOCEAN_API_URL, and that no proxy or sign-in page answers in the \
                 API's place"
                    .into(),
            ),
            Class::Errored | Class::Ambiguous => {
                Some("look at https://status.digitalocean.com, then run the command again".into())
            }
            _ => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let mut error = Self::new(failure.kind(), failure.what());
        match (failure.status, &failure.id) {
            (Some(status), Some(id)) => error = error.at("status", format!("{status} {id}")),
            (Some(status), None) => error = error.at("status", status),
            (None, _) => {}
        }
        if let Some(request) = &failure.request_id {
            error = error.at("request", request);
        }
        if let Some(hint) = failure.hint() {
            error = error.hint(hint);
        }
        error.because(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means() {
        use Class::*;
        for (status, message, class) in [
            (401, "Unable to authenticate you", Unauthorized),
            (403, "You are not authorized to perform this operation", Forbidden),
            (403, "volume capacity limit exceeded", Limit),
            (404, "The resource you were accessing could not be found.", NotFound),
            (409, "duplicate name", Conflict),
            (409, "something", Conflict),
            (422, "Droplet already has a pending event.", Pending),
            (422, "Name is already in use", Conflict),
            (422, "creating this/these droplet(s) will exceed your droplet limit", Limit),
            (422, "droplet limit exceeded, please contact support", Limit),
            (422, "Failed to create, please try again", TryAgain),
            (422, "You specified an invalid region", Final),
            (400, "bad", Final),
            (429, "API Rate limit exceeded.", RateLimited),
            (500, "", Ambiguous),
            (501, "", Final),
            (503, "please try again", Ambiguous),
            (302, "", Final),
        ] {
            assert_eq!(classify(status, message), class, "{status} {message}");
        }
    }

    #[test]
    fn a_user_learns_what_is_missing() {
        let mut failure = Failure::new(Class::Forbidden, "POST", "/v2/droplets", "no");
        failure.status = Some(403);
        failure.id = Some("forbidden".into());
        failure.request_id = Some("4d9d".into());
        let error = Error::from(failure);
        assert_eq!(error.kind(), Kind::Refused);
        assert_eq!(class_of(&error), Some(Class::Forbidden));
        assert_eq!(
            error.to_string(),
            "POST /v2/droplets was refused: the token may not do this, status 403 forbidden, \
             request 4d9d: no"
        );
        assert!(error.hints()[0].contains("droplet:create"), "{:?}", error.hints());
    }

    #[test]
    fn kinds_are_those_of_the_exit_codes() {
        let kind = |class| Failure::new(class, "GET", "/v2/account", "").kind();
        assert_eq!(kind(Class::Unauthorized), Kind::Refused);
        assert_eq!(kind(Class::Limit), Kind::Refused);
        assert_eq!(kind(Class::RateLimited), Kind::Refused);
        assert_eq!(kind(Class::TimedOut), Kind::TimedOut);
        assert_eq!(kind(Class::NotFound), Kind::NotFound);
        assert_eq!(kind(Class::Ambiguous), Kind::Failed);
    }
}
