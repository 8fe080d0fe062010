//! One HTTP request, judged: status, headers, body, within a time.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Once,
    time::Duration,
};

use reqwest::{Client, header};
use tokio::time::Instant;
use url::{Host, Url};

use super::unwell::{Reason, Unwell, excerpt, printable};

/// How much of a body is read: what a check looks for stands near the beginning.
const LONGEST_BODY: usize = 1024 * 1024;

/// The header in which an app names the version that answers.
pub(super) const RELEASE: &str = "x-release";

/// What is asked over HTTP, and the answer that means well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The URL, as a visitor types it.
    pub url: Url,
    /// The address to connect to instead of the name's own, with the URL's Host and SNI.
    pub to: Option<IpAddr>,
    /// The expected status.
    pub status: u16,
    /// Headers that the answer must carry, with their values.
    pub headers: Vec<(String, String)>,
    /// Text that the first MiB of the body must contain.
    pub contains: Option<String>,
    /// How long a try may take, from the connection to the end of the body.
    pub timeout: Duration,
    /// Whether a certificate that nobody known has signed is accepted.
    pub insecure: bool,
}

impl HttpCheck {
    /// Makes a check that expects status 200 within 5 s.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            to: None,
            status: 200,
            headers: Vec::new(),
            contains: None,
            timeout: Duration::from_secs(5),
            insecure: false,
        }
    }
}

/// A probe that found what it expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How long it took, in milliseconds.
    pub millis: f64,
    /// The answer's status; 0 where there is none to have (TCP, commands).
    pub status: u16,
    /// The version that the answer says it comes from (header `X-Release`).
    pub release: Option<String>,
}

/// Whether each request makes a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// A new connection for each request, as new visitors do.
    New,
    /// One connection for all requests while it lasts, as a visitor who stays does.
    Kept,
}

/// Asks once, on a new connection.
///
/// # Errors
/// Says what was seen instead of what was expected.
pub async fn http(check: &HttpCheck) -> Result<Sample, Unwell> {
    Prober::new(check, Connection::New)?.ask().await
}

/// A check with its client, for asking often: reading the system's certificates takes a while.
#[derive(Debug)]
pub struct Prober {
    check: HttpCheck,
    client: Client,
    /// The URL that is requested; its host is an address when the check's is and `to` is given.
    url: Url,
    host: Option<String>,
    asked: String,
}

impl Prober {
    /// Prepares to ask.
    ///
    /// # Errors
    /// [`Reason::Check`] when the check cannot be carried out.
    pub fn new(check: &HttpCheck, connection: Connection) -> Result<Self, Unwell> {
        let wrong = |text: String| Unwell::new(Reason::Check, text);
        let mut url = check.url.clone();
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(wrong(format!("`{other}` is neither http nor https"))),
        };
        let (Some(host), Some(port)) =
            (url.host().map(|host| host.to_owned()), url.port_or_known_default())
        else {
            return Err(wrong(format!("`{url}` has no host")));
        };
        let mut builder = client()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .timeout(check.timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("remuda-probe/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(usize::from(connection == Connection::Kept));
        if !secure {
            // Nothing will be verified: so nothing need be read to verify it with.
            builder = builder.tls_certs_only([]);
        } else if check.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let mut host_header = None;
        if let Some(to) = check.to {
            if let Host::Domain(name) = &host {
                builder = builder.resolve(name, SocketAddr::new(to, port));
            } else if secure && !check.insecure {
                let text = "a certificate can be checked at another address only for a name";
                return Err(wrong(format!("{text}: `{url}`")));
            } else {
                host_header = Some(url.port().map_or(host.to_string(), |p| format!("{host}:{p}")));
                url.set_ip_host(to)
                    .map_err(|()| wrong(format!("`{url}` cannot be asked at {to}")))?;
            }
        }
        let asked =
            check.to.map_or(format!("{host}:{port}"), |to| SocketAddr::new(to, port).to_string());
        let client = builder
            .build()
            .map_err(|error| wrong(format!("cannot prepare a request: {error:?}")))?;
        Ok(Self { check: check.clone(), client, url, host: host_header, asked })
    }

    /// Asks once.
    ///
    /// # Errors
    /// Says what was seen instead of what was expected.
    pub async fn ask(&self) -> Result<Sample, Unwell> {
        let began = Instant::now();
        let timeout = self.check.timeout;
        // The client's own timeout does not cover what its resolver does.
        let Ok(answered) = tokio::time::timeout(timeout, self.answer()).await else {
            return Err(Unwell::late(timeout));
        };
        let (status, release) = answered?;
        Ok(Sample { millis: began.elapsed().as_secs_f64() * 1000.0, status, release })
    }

    async fn answer(&self) -> Result<(u16, Option<String>), Unwell> {
        let failed =
            |error: &reqwest::Error| Unwell::from_request(error, &self.asked, self.check.timeout);
        let mut request = self.client.get(self.url.clone()).header(header::ACCEPT, "*/*");
        if let Some(host) = &self.host {
            request = request.header(header::HOST, host);
        }
        let mut answer = request.send().await.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let value = |name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let release = value(RELEASE).map(|release| excerpt(release.as_bytes()));

        let mut body = Vec::new();
        while body.len() < LONGEST_BODY {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    let mut found = failed(&error);
                    found.text.push_str(" in the middle of the answer");
                    return Err(Unwell { body: Some(excerpt(&body)), release, ..found });
                }
            }
        }
        match self.judge(status, &value, &body) {
            None => Ok((status, release)),
            Some((reason, text)) => {
                Err(Unwell { reason, text, body: Some(excerpt(&body)), release })
            }
        }
    }

    /// Says what is wrong with an answer.
    fn judge(
        &self,
        status: u16,
        value: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Option<(Reason, String)> {
        let check = &self.check;
        if status != check.status {
            let to = value("location").map(|to| format!(" (to {})", excerpt(to.as_bytes())));
            let expected = check.status;
            let text = format!("status {status}{} instead of {expected}", to.unwrap_or_default());
            return Some((Reason::Status(status), text));
        }
        for (name, expected) in &check.headers {
            let text = match value(name) {
                Some(seen) if seen == *expected => continue,
                Some(seen) => {
                    format!(
                        "header {name} is `{}` instead of `{expected}`",
                        excerpt(seen.as_bytes())
                    )
                }
                None => format!("no header {name}, which should be `{expected}`"),
            };
            return Some((Reason::Header, text));
        }
        let text = check.contains.as_deref().filter(|text| !contains(body, text.as_bytes()))?;
        Some((Reason::Body, format!("the body does not contain `{}`", printable(text))))
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// Starts a client. The process's default cryptography is settled on first use.
#[expect(clippy::disallowed_methods, reason = "probes speak HTTP, with clients of their own")]
fn client() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another room may have been first, with the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
    });
    Client::builder()
}
