//! Steering a simulator that runs in another process, over its control path.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Ready;
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running simulator, found by its state.
#[derive(Debug)]
pub struct Remote {
    ready: Ready,
    dir: PathBuf,
}

impl Remote {
    /// Finds the simulator that uses the state in `dir`, if one runs.
    pub async fn find(dir: &Path) -> Option<Self> {
        let bytes = std::fs::read(dir.join("serving.json")).ok()?;
        let ready: Ready = serde_json::from_slice(&bytes).ok()?;
        let remote = Self { ready, dir: dir.to_owned() };
        // a file may outlive its process
        remote.status().await.ok().map(|_| remote)
    }

    /// Finds the simulator, or says that there is none.
    ///
    /// # Errors
    /// [`Kind::NotFound`].
    pub async fn need(dir: &Path) -> Result<Self> {
        Self::find(dir).await.ok_or_else(|| {
            Error::new(Kind::NotFound, "no simulator runs")
                .at("state", dir.display())
                .hint("remuda sim start")
        })
    }

    /// Returns what it said of itself when it began to serve.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Returns how it stands.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Value> {
        self.call("GET", "/sim/status", None).await
    }

    /// Returns its faults.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn faults(&self) -> Result<Value> {
        self.call("GET", "/sim/faults", None).await
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the rule is none.
    pub async fn add_fault(&self, rule: &str) -> Result<Value> {
        self.call("POST", "/sim/faults", Some(json!({"rule": rule}))).await
    }

    /// Removes all faults and lets go of all requests that are held.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn clear_faults(&self) -> Result<()> {
        self.call("DELETE", "/sim/faults", None).await.map(drop)
    }

    /// Returns the log of requests.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn requests(&self) -> Result<Value> {
        self.call("GET", "/sim/requests", None).await
    }

    /// Empties the account.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn reset(&self) -> Result<()> {
        self.call("POST", "/sim/reset", None).await.map(drop)
    }

    /// Asks it to end and waits until it has, at most `patience`.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] when it has not ended by then.
    pub async fn stop(&self, patience: Duration) -> Result<()> {
        self.call("POST", "/sim/stop", None).await?;
        let deadline = Deadline::after(patience, format!("simulator {} to end", self.ready.pid));
        loop {
            let file = std::fs::File::open(self.dir.join("lock"));
            // the lock is free when its process has ended or let go
            if !file.is_ok_and(|file| file.try_lock().is_err()) {
                return Ok(());
            }
            deadline.pause(Duration::from_millis(20)).await?;
        }
    }

    async fn call(&self, verb: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let deadline = Deadline::after(PATIENCE, format!("the simulator at {}", self.ready.url));
        let (status, answer) = deadline.bound(self.exchange(verb, path, body)).await?;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let message = answer.get("message").and_then(Value::as_str).unwrap_or("it refused");
        let kind = if status == 422 { Kind::Usage } else { Kind::Failed };
        Err(Error::new(kind, message.to_owned()).at("simulator", &self.ready.url))
    }

    async fn exchange(&self, verb: &str, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Failed, "cannot reach the simulator")
                .at("simulator", &self.ready.url)
                .because(error)
        };
        let garbled = || {
            Error::new(Kind::Failed, "the simulator's answer is garbled")
                .at("simulator", &self.ready.url)
        };
        let host = self.ready.url.strip_prefix("http://").unwrap_or(&self.ready.url);
        let address: SocketAddr = host.parse().map_err(|_| garbled())?;
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(address).await.map_err(failed)?;
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.ready.token,
            body.len(),
        );
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(failed)?;
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(garbled)?;
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(garbled)?;
        Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }
}
