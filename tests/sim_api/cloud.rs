//! A simulator in this process, and a client that knows nothing of it but HTTP.

use std::{path::PathBuf, time::Duration};

use remuda::sim::{Choice, Latency, Limits, Options, Running, Server, hosts};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Got {
    /// Returns the body if the status is the one that was expected.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Returns a header as text.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    /// Checks a refusal: status, id, and that it names its request.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, id: &str) -> String {
        let request = self.header("x-request-id").to_owned();
        let body = self.is(status);
        assert_eq!(body["id"], id, "{body}");
        assert_eq!(body["request_id"], request.as_str());
        body["message"].as_str().unwrap().to_owned()
    }
}

/// A simulator of its own for one test.
pub(crate) struct Cloud {
    pub(crate) dir: TempDir,
    pub(crate) url: String,
    running: Option<Running>,
    http: reqwest::Client,
}

#[expect(clippy::disallowed_methods, reason = "a test speaks HTTP like any client")]
fn client() -> reqwest::Client {
    // an error means that another test of this process was first
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

/// Writes latencies in the form of the file.
pub(crate) fn latency(value: &Value) -> Latency {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("latency.json");
    std::fs::write(&file, value.to_string()).unwrap();
    Latency::parse(file.to_str().unwrap()).unwrap()
}

/// Returns options for a test, with the state in `dir`.
pub(crate) fn options(dir: impl Into<PathBuf>) -> Options {
    Options { hosts: Choice::Only(hosts::Kind::None), limits: Limits::off(), ..Options::new(dir) }
}

impl Cloud {
    /// Starts one without latencies and limits.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with faults.
    pub(crate) async fn faulty(rules: &[&str]) -> Self {
        let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Self::with(|options| options.faults = rules).await
    }

    /// Starts one with latencies.
    pub(crate) async fn slow(latencies: Value) -> Self {
        Self::with(|options| options.latency = latency(&latencies)).await
    }

    /// Starts one with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = options(dir.path());
        change(&mut options);
        let running = Server::start(options).await.unwrap();
        let url = running.url().to_owned();
        Self { dir, url, running: Some(running), http: client() }
    }

    /// Ends the simulator and starts another on the same state.
    pub(crate) async fn restart(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
        let running = Server::start(options(self.dir.path())).await.unwrap();
        running.url().clone_into(&mut self.url);
        self.running = Some(running);
    }

    /// Ends the simulator.
    pub(crate) async fn stop(mut self) {
        self.running.take().unwrap().stop().await.unwrap();
    }

    /// Sends a request as it is; an error is a connection that ended without an answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Got, reqwest::Error> {
        let method: Method = method.parse().unwrap();
        let url = if path.starts_with("http") { path.to_owned() } else { self.url.clone() + path };
        let mut request = self.http.request(method, url).bearer_auth("any");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Got { status, headers, text, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        self.send("POST", path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, None).await.unwrap()
    }

    /// Creates a droplet and returns the answer.
    pub(crate) async fn create(&self, name: &str) -> Value {
        self.post("/v2/droplets", wish(name)).await.is(202)
    }

    /// Creates a droplet and returns its number.
    pub(crate) async fn droplet(&self, name: &str) -> u64 {
        self.create(name).await["droplet"]["id"].as_u64().unwrap()
    }

    /// Asks again until `holds`, for at most fifteen seconds.
    pub(crate) async fn until(&self, path: &str, holds: impl Fn(&Got) -> bool) -> Got {
        let deadline = remuda::retry::Deadline::after(Duration::from_secs(15), path);
        loop {
            let got = self.get(path).await;
            if holds(&got) {
                return got;
            }
            if let Err(error) = deadline.pause(Duration::from_millis(5)).await {
                panic!("{error}: {}", got.text);
            }
        }
    }
}

/// Returns the body that asks for a droplet.
pub(crate) fn wish(name: &str) -> Value {
    json!({"name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-13-x64"})
}
