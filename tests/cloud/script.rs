//! A server that answers as a test tells it to, down to cutting the line.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use remuda::{
    cloud::{Client, Options},
    secret::SecretString,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

pub(crate) const TOKEN: &str = "dop_v1_not_a_real_token_0123456789";

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is answered.
pub(crate) enum Reply {
    Json(u16, Value),
    With(u16, Vec<(&'static str, String)>, String),
    Raw(Vec<u8>),
    /// Closes the connection without a word.
    Cut,
    /// Never answers.
    Hang,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Json(200, body)
    }

    pub(crate) fn fail(status: u16, id: &str, message: &str) -> Self {
        let body = json!({ "id": id, "message": message, "request_id": "4d9d8375" });
        Self::Json(status, body)
    }

    pub(crate) fn missing() -> Self {
        Self::fail(404, "not_found", "The resource you were accessing could not be found.")
    }

    pub(crate) fn list(key: &str, items: &[Value]) -> Self {
        Self::ok(json!({ key: items, "links": {}, "meta": { "total": items.len() } }))
    }
}

type Answerer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The running server; it ends with the test's runtime.
pub(crate) struct Script {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log): (Arc<Answerer>, _) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { url, asked }
    }

    /// Returns a client that does not wait long for anything.
    pub(crate) fn client(&self) -> Client {
        self.client_with(quick())
    }

    pub(crate) fn client_with(&self, options: Options) -> Client {
        Client::new(&self.url, SecretString::from(TOKEN), options).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns how often this was asked, such as `POST /v2/droplets`.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line() == line).count()
    }
}

pub(crate) fn quick() -> Options {
    Options {
        timeout: Duration::from_secs(2),
        create_timeout: Duration::from_secs(2),
        patience: Duration::from_secs(10),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(50),
        reconcile: Duration::from_millis(800),
        ..Options::default()
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Answerer>, log: Arc<Mutex<Vec<Asked>>>) {
    let mut buffer = Vec::new();
    while let Some(asked) = read(&mut stream, &mut buffer).await {
        log.lock().unwrap().push(asked.clone());
        let (status, headers, body) = match answer(&asked) {
            Reply::Json(204, _) => (204, vec![], String::new()),
            Reply::Json(status, body) => (status, vec![], body.to_string()),
            Reply::With(status, headers, body) => (status, headers, body),
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Cut => return,
            Reply::Hang => std::future::pending().await,
        };
        let mut text = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n");
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        if status != 204 {
            write!(text, "content-length: {}\r\n", body.len()).unwrap();
        }
        text += "\r\n";
        text += &body;
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |it| it.parse().unwrap());
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&buffer[end..end + length]).unwrap_or(Value::Null);
    buffer.drain(..end + length);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked { method, path: path.into(), query: query.into(), headers, body })
}
