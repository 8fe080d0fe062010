//! The client: who may speak when, what is sent again, what is remembered between calls.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use backon::Retryable as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::AUTHORIZATION;
use url::Url;

use crate::{
    clock,
    cloud::{
        Call, Options, Rate,
        decode::Decode,
        failure::{Class, Failure},
        fresh::Fresh,
        origin,
        rate::{Bucket, penalty},
        request::Request,
        retry::{FullJitter, may_resend, pause},
        token::bearer,
        wire::{self, Answer},
    },
    error::{Error, Kind, Result},
    retry::{self, Deadline},
    secret::{ExposeSecret as _, SecretString},
};

/// A client of the DigitalOcean API; clones share the connection, the rate bucket and the counter.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) urgent: bool,
}

/// What all clones of a client share.
pub(crate) struct Shared {
    http: reqwest::Client,
    origin: Url,
    token: SecretString,
    pub(crate) options: Options,
    calls: AtomicU64,
    bucket: Mutex<Bucket>,
    date: Mutex<Option<(Timestamp, Instant)>>,
    pub(crate) fresh: Mutex<HashMap<u64, Fresh>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.shared.origin.as_str())
            .field("urgent", &self.urgent)
            .finish_non_exhaustive()
    }
}

/// Locks, whatever happened to others who held it: what is inside stays meaningful.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Makes a client that sends `token` to `origin`, and nowhere else.
    ///
    /// # Errors
    /// [`Kind::Usage`] when `origin` is neither https nor http to this machine;
    /// [`Kind::Refused`] when the token cannot be a token; [`Kind::Failed`] when this machine has
    /// no CA certificates to check the API's with.
    pub fn new(origin: &Url, token: SecretString, options: Options) -> Result<Self> {
        let origin = origin::check(origin)?;
        let bearer = bearer(&token)?;
        drop(bearer);
        // The first one to choose wins; all rooms choose the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        #[expect(clippy::disallowed_methods, reason = "this is the API's client")]
        let mut builder = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(&options.user_agent);
        if origin.scheme() == "http" {
            // A proxy would see the token in clear; and no certificate will be checked, so that
            // a machine without any can still use the simulator.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            Error::new(Kind::Failed, "cannot prepare for TLS")
                .hint("install the CA certificates of this system (package ca-certificates)")
                .because(error)
        })?;
        let bucket = Mutex::new(Bucket::new(options.per_minute));
        let shared = Shared {
            http,
            origin,
            token,
            options,
            calls: AtomicU64::new(0),
            bucket,
            date: Mutex::new(None),
            fresh: Mutex::new(HashMap::new()),
        };
        Ok(Self { shared: Arc::new(shared), urgent: false })
    }

    /// Returns a clone whose calls go ahead of all others', for the cutover.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), urgent: true }
    }

    /// Returns how many requests this client and all its clones have sent.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Returns the API's time: its last `date`, and what has passed since.
    pub fn server_time(&self) -> Option<Timestamp> {
        let (date, at) = (*lock(&self.shared.date))?;
        let passed = SignedDuration::try_from(at.elapsed()).ok()?;
        date.checked_add(passed).ok()
    }

    /// Returns what the API said last about the hourly limit of this token.
    pub fn rate(&self) -> Option<Rate> {
        lock(&self.shared.bucket).rate()
    }

    /// Returns the client's choices.
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Sends a request, again where that is harmless, until it is answered or its time is up.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let Options { patience, first_pause, longest_pause, tries, .. } = self.shared.options;
        let deadline = match &request.deadline {
            Some(deadline) => deadline.clone(),
            None => Deadline::after(patience, format!("{} {}", request.method, request.path())),
        };
        let mut odd = 0;
        (|| self.attempt(request, &deadline))
            .retry(FullJitter::new(first_pause, longest_pause, tries))
            .sleep(retry::sleep)
            .when(|failure| {
                odd += usize::from(matches!(failure.class, Class::TryAgain | Class::Unreadable));
                may_resend(failure, request.is_idempotent(), odd)
            })
            .adjust(|failure, planned| pause(failure, planned, deadline.left()))
            .await
    }

    /// Reads the object under `key`; none when the API says that it does not exist.
    pub(crate) async fn find<T: Decode>(
        &self,
        request: &Request,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        match self.send(request).await {
            Ok(answer) => answer.one(key).map(Some),
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes; what is already gone is fine.
    pub(crate) async fn remove(&self, request: &Request) -> Result<(), Failure> {
        match self.send(request).await {
            Err(failure) if failure.class != Class::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    async fn attempt(&self, request: &Request, deadline: &Deadline) -> Result<Answer, Failure> {
        let (method, path) = (request.method.as_str(), request.path());
        let fail = |class, message: &str| Failure::new(class, method, &path, message);
        let url =
            request.url(&self.shared.origin).map_err(|error| fail(Class::Final, error.what()))?;
        let bearer =
            bearer(&self.shared.token).map_err(|error| fail(Class::Unauthorized, error.what()))?;
        self.admit(request, deadline).await?;
        let options = self.options();
        let timeout = request.timeout(options.timeout, options.create_timeout).min(deadline.left());
        if timeout.is_zero() {
            return Err(fail(Class::TimedOut, deadline.error().what()));
        }
        let mut sending = self
            .shared
            .http
            .request(request.method.clone(), url)
            .header(AUTHORIZATION, bearer)
            .timeout(timeout);
        if let Some(body) = &request.body {
            sending = sending.json(body);
        }
        let start = Instant::now();
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        let (status, result) = match sending.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let head = wire::head(response.headers());
                self.learn(&head);
                let token = self.shared.token.expose_secret();
                let result = wire::body(request, response)
                    .await
                    .and_then(|body| wire::understand(request, status, &head, &body, token));
                (Some(status), result)
            }
            Err(error) => {
                let local = origin::is_loopback(&self.shared.origin);
                (None, Err(wire::unanswered(request, &error, local)))
            }
        };
        self.tell(method, &path, status, start, &result);
        result.map_err(|failure| self.obey(failure))
    }

    /// Waits for this request's turn.
    async fn admit(&self, request: &Request, deadline: &Deadline) -> Result<(), Failure> {
        let _turn = self.urgent.then(|| Turn::new(&self.shared.bucket));
        loop {
            let taken = lock(&self.shared.bucket).take(Instant::now(), self.urgent);
            let Err(wait) = taken else { return Ok(()) };
            let (method, path) = (request.method.as_str(), request.path());
            if wait > deadline.left() {
                return Err(Failure {
                    retry_after: Some(wait),
                    ..Failure::new(
                        Class::RateLimited,
                        method,
                        &path,
                        "the next request may only be sent after the time given",
                    )
                });
            }
            // Those who are not urgent come back a little later, and not all at once.
            let jitter = if self.urgent { 1.0 } else { rand::random_range(1.02..1.2) };
            if let Err(error) = deadline.pause(wait.mul_f64(jitter)).await {
                return Err(Failure::new(Class::TimedOut, method, &path, error.what()));
            }
        }
    }

    fn learn(&self, head: &wire::Head) {
        if let Some(date) = head.date {
            *lock(&self.shared.date) = Some((date, Instant::now()));
        }
        if let Some(rate) = head.rate {
            lock(&self.shared.bucket).learn(rate);
        }
    }

    /// Closes the bucket for as long as a 429 asks.
    fn obey(&self, mut failure: Failure) -> Failure {
        if failure.class == Class::RateLimited {
            let now = self.server_time().unwrap_or_else(clock::now).as_second();
            let mut bucket = lock(&self.shared.bucket);
            let wait = penalty(failure.retry_after, bucket.rate(), now);
            bucket.close_until(Instant::now() + wait);
            failure.retry_after = Some(wait);
        }
        failure
    }

    fn tell(
        &self,
        method: &str,
        path: &str,
        status: Option<u16>,
        start: Instant,
        result: &Result<Answer, Failure>,
    ) {
        let Some(on_call) = &self.shared.options.on_call else { return };
        let request_id = match result {
            Ok(answer) => answer.request_id.clone(),
            Err(failure) => failure.request_id.as_deref().map(Into::into),
        };
        on_call(&Call {
            method: method.into(),
            path: path.into(),
            status,
            millis: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id,
        });
    }
}

/// An urgent request that waits; others let it pass.
struct Turn<'a>(&'a Mutex<Bucket>);

impl<'a> Turn<'a> {
    fn new(bucket: &'a Mutex<Bucket>) -> Self {
        lock(bucket).urgent_waits(true);
        Self(bucket)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(self.0).urgent_waits(false);
    }
}
