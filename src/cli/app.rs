//! `remuda sim app`: the app of the demo, which runs inside simulated droplets.
//!
//! A small HTTP server that says which release answers, and can be told to break.

use std::{
    net::SocketAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
    routing::get,
};
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use crate::{
    error::{Error, Kind, Result},
    retry, size,
};

/// How long requests in progress may take once the app was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the demo's app: a web page that says which release answers.
#[derive(Debug, Clone, Args)]
pub(super) struct AppArgs {
    /// Address and port to listen on.
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// The release that it says it is.
    #[arg(long)]
    pub release: String,
    /// How it is broken: `now`, `status=500`, `after=SECONDS` or `after-requests=N`.
    #[arg(long, value_name = "HOW")]
    pub broken: Option<Broken>,
    /// How long it takes to start, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub start_delay: u64,
}

/// How the app is broken. It answers 500 once it is, or the status that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// From the start, with this status.
    Status(u16),
    /// After this time.
    After(Duration),
    /// After this many requests: well on the candidate, broken by public traffic.
    AfterRequests(u64),
}

impl FromStr for Broken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not now, status=500, after=10 or after-requests=100");
        match text.split_once('=') {
            None if text == "now" => Ok(Self::Status(500)),
            Some(("status", status)) => status
                .parse()
                .ok()
                .filter(|status| StatusCode::from_u16(*status).is_ok())
                .map(Self::Status)
                .ok_or_else(wrong),
            Some(("after", after)) => after
                .parse()
                .map(Duration::from_secs)
                .or_else(|_| size::parse_duration(after))
                .map(Self::After)
                .map_err(|_| wrong()),
            Some(("after-requests", count)) => {
                count.parse().map(Self::AfterRequests).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

/// Serves until SIGTERM or SIGINT, then finishes the requests in progress.
///
/// # Errors
/// [`Kind::Usage`] for a release that no header can carry; [`Kind::Failed`] when the address
/// cannot be listened on.
pub(super) async fn run(args: AppArgs) -> Result<()> {
    let app = App::new(&args)?;
    retry::sleep(Duration::from_millis(args.start_delay)).await;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Error::new(Kind::Failed, "cannot listen").at("address", args.listen).because(error)
    })?;
    let cannot = |error| Error::new(Kind::Failed, "the app cannot serve").because(error);
    let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serve = axum::serve(listener, app.router())
        .with_graceful_shutdown(async {
            stopped.await.ok();
        })
        .into_future();
    tokio::pin!(serve);
    tokio::select! {
        ended = &mut serve => return ended.map_err(cannot),
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    stop.send(()).ok();
    // A visitor who never finishes does not keep the app from stopping.
    tokio::time::timeout(GRACE, serve).await.unwrap_or(Ok(())).map_err(cannot)
}

#[derive(Debug)]
struct App {
    release: HeaderValue,
    text: String,
    broken: Option<Broken>,
    since: Instant,
    requests: AtomicU64,
}

impl App {
    fn new(args: &AppArgs) -> Result<Arc<Self>> {
        let release = HeaderValue::from_str(&args.release).map_err(|error| {
            Error::new(Kind::Usage, "this release cannot be a header's value").because(error)
        })?;
        let host = nix::unistd::gethostname().unwrap_or_default();
        let text = format!("release {} on {}\n", args.release, host.to_string_lossy());
        Ok(Arc::new(Self {
            release,
            text,
            broken: args.broken,
            since: Instant::now(),
            requests: AtomicU64::new(0),
        }))
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", get(|State(app): State<Arc<Self>>| async move { app.answer(&app.text) }))
            .route(
                "/healthz",
                get(|State(app): State<Arc<Self>>| async move { app.answer("ok\n") }),
            )
            .fallback(|State(app): State<Arc<Self>>| async move {
                app.say(StatusCode::NOT_FOUND, "there is nothing here\n")
            })
            .with_state(self)
    }

    fn answer(&self, text: &str) -> Response {
        let earlier = self.requests.fetch_add(1, Ordering::Relaxed);
        let status = match self.broken {
            Some(Broken::Status(status)) => Some(status),
            Some(Broken::After(after)) => (self.since.elapsed() >= after).then_some(500),
            Some(Broken::AfterRequests(count)) => (earlier >= count).then_some(500),
            None => None,
        };
        match status.and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) => self.say(status, "this release is broken\n"),
            None => self.say(StatusCode::OK, text),
        }
    }

    fn say(&self, status: StatusCode, text: &str) -> Response {
        let mut answer = (status, text.to_owned()).into_response();
        let headers = answer.headers_mut();
        headers.insert("x-release", self.release.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        probe::{self, HttpCheck},
        retry::Deadline,
    };

    #[test]
    fn ways_of_being_broken_are_read() {
        for (text, broken) in [
            ("now", Some(Broken::Status(500))),
            ("status=503", Some(Broken::Status(503))),
            ("after=2", Some(Broken::After(Duration::from_secs(2)))),
            ("after=300ms", Some(Broken::After(Duration::from_millis(300)))),
            ("after-requests=40", Some(Broken::AfterRequests(40))),
            ("status=1", None),
            ("after=", None),
            ("later", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), broken, "{text}");
        }
    }

    fn app(broken: Option<Broken>) -> Arc<App> {
        App::new(&AppArgs {
            listen: ([127, 0, 0, 1], 0).into(),
            release: "v1".into(),
            broken,
            start_delay: 0,
        })
        .unwrap()
    }

    #[test]
    fn every_answer_names_the_release() {
        let app = app(Some(Broken::AfterRequests(2)));
        let statuses: Vec<u16> = (0..3)
            .map(|_| {
                let answer = app.answer("ok\n");
                assert_eq!(answer.headers()["x-release"], "v1");
                answer.status().as_u16()
            })
            .collect();
        assert_eq!(statuses, [200, 200, 500]);
    }

    #[test]
    fn a_release_that_is_no_header_is_refused() {
        let args = AppArgs {
            listen: ([127, 0, 0, 1], 0).into(),
            release: "v1\r\nx".into(),
            broken: None,
            start_delay: 0,
        };
        assert_eq!(App::new(&args).unwrap_err().kind(), Kind::Usage);
    }

    #[tokio::test]
    async fn it_serves_until_it_is_told_to_stop() {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let listen = free.local_addr().unwrap();
        drop(free);
        let args = AppArgs { listen, release: "v7".into(), broken: None, start_delay: 50 };
        let app = tokio::spawn(run(args));
        let check = |path: &str, status| HttpCheck {
            status,
            headers: vec![("X-Release".into(), "v7".into())],
            ..HttpCheck::new(format!("http://{listen}{path}").parse().unwrap())
        };
        let deadline = Deadline::after(Duration::from_secs(20), "the app");
        let pause = Duration::from_millis(10);
        let health = HttpCheck { contains: Some("ok".into()), ..check("/healthz", 200) };
        let ask = || probe::http(&health);
        probe::until_well(ask, 2, pause, &deadline, &|_| {}).await.unwrap();
        let page = HttpCheck { contains: Some("release v7 on ".into()), ..check("/", 200) };
        probe::http(&page).await.unwrap();
        probe::http(&check("/nothing", 404)).await.unwrap();
        // A connection that stays open and idle does not keep it from stopping.
        let idle = tokio::net::TcpStream::connect(listen).await.unwrap();
        nix::sys::signal::raise(nix::sys::signal::SIGTERM).unwrap();
        deadline.bound(async { app.await.unwrap() }).await.unwrap();
        drop(idle);
        assert_eq!(probe::http(&health).await.unwrap_err().reason, probe::Reason::Refused);
    }
}
