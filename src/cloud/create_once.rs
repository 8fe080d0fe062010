//! Creating a thing exactly once, although an answer may be lost.
//!
//! The API has no idempotency key. What it has is natural keys: a name, a fingerprint, an address.
//! When the fate of a POST is unknown, the thing is looked for by its key; only when it has not
//! shown up for a while is the POST sent again, once.

use std::time::Duration;

use crate::{
    cloud::{client::Client, failure::Failure, request::Request, wire::Answer},
    error::{Error, Result},
    retry::{Deadline, LATENESS},
};

/// What came of a creation.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    /// The API answered.
    Answered(Answer),
    /// The answer was lost; the thing was found by its key.
    Found(T),
}

impl Client {
    /// Sends a POST at most twice, and the second time only after `find` has found nothing for the
    /// `window`.
    ///
    /// `readable` says whether an answer can be made sense of: one that cannot counts as lost.
    pub(crate) async fn create_once<T, Fut>(
        &self,
        request: &Request,
        window: Duration,
        readable: impl Fn(&Answer) -> Result<(), Failure>,
        find: impl Fn() -> Fut,
    ) -> Result<Outcome<T>>
    where
        Fut: Future<Output = Result<Option<T>>>,
    {
        let mut resent = false;
        loop {
            let lost = match self.send(request).await {
                Ok(answer) => match readable(&answer) {
                    Ok(()) => return Ok(Outcome::Answered(answer)),
                    Err(failure) => failure,
                },
                Err(failure) if failure.is_ambiguous() => failure,
                Err(failure) => return Err(failure.into()),
            };
            if let Some(found) = self.look_for(window, request, &find).await? {
                return Ok(Outcome::Found(found));
            }
            if resent || request.deadline.as_ref().is_some_and(Deadline::passed) {
                return Err(unknown(lost));
            }
            resent = true;
        }
    }

    /// Polls `find` until it finds something, for at most `window` and within the request's time.
    async fn look_for<T, Fut>(
        &self,
        window: Duration,
        request: &Request,
        find: &impl Fn() -> Fut,
    ) -> Result<Option<T>>
    where
        Fut: Future<Output = Result<Option<T>>>,
    {
        let window = request.deadline.as_ref().map_or(window, |all| window.min(all.left()));
        let deadline = Deadline::after(window, "what may have been created");
        // it shows at once or late: nobody gains by asking often
        let mut pauses = self.pauses_expecting(window, LATENESS);
        loop {
            if let Some(found) = find().await? {
                return Ok(Some(found));
            }
            if pauses.wait(&deadline).await.is_err() {
                return Ok(None);
            }
        }
    }
}

fn unknown(lost: Failure) -> Error {
    Error::from(lost).hint(
        "it is not known whether this was carried out: run the command again, it looks for what \
         exists first",
    )
}
