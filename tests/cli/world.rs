//! A folder of its own, the binary to drive in it, and an API that answers what it is told.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A token that would be seen if anything printed it.
pub(crate) const TOKEN: &str = "dop_v1_hunter2hunter2hunter2hunter2";

/// What a command did.
#[must_use = "look at what the command did, or assert its exit code"]
#[derive(Debug)]
pub(crate) struct Did {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Did {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Did {
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.code, Some(code), "stdout:\n{out}\nstderr:\n{err}");
        assert!(!err.contains("panicked") && !out.contains("panicked"), "{err}");
        assert!(!err.contains("hunter2") && !out.contains("hunter2"), "the token is shown\n{err}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "`{words}` is not in\n{}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }
}

/// A folder of its own, and nothing of the environment but what a test adds.
pub(crate) struct Folder {
    pub(crate) dir: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("blog/.git")).unwrap();
        Self { dir, environment: Vec::new() }
    }

    /// A folder with the spec that `remuda init` writes.
    pub(crate) fn initialised() -> Self {
        let folder = Self::new();
        drop(folder.remuda(&["init"]).ended(0));
        folder
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("blog")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn remuda(&self, args: &[&str]) -> Did {
        Command::new(env!("CARGO_BIN_EXE_remuda"))
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("TZ", "UTC")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into()
    }
}

#[track_caller]
pub(crate) fn check<'a>(doctor: &'a Value, name: &str) -> &'a Value {
    let checks = doctor["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {doctor}"))
}

/// Serves one answer to whatever is asked, for as long as the test's process lives.
pub(crate) fn answering(status: u16, kind: &'static str, body: &'static [u8]) -> String {
    let length = body.len();
    serving(move |stream| {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok();
    })
}

pub(crate) fn serving(answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut request = [0; 16 * 1024];
                if stream.read(&mut request).is_ok_and(|count| count > 0) {
                    answer(&mut stream);
                }
            });
        }
    });
    url
}

pub(crate) fn asking(api: &str) -> Folder {
    Folder::initialised().with("DIGITALOCEAN_ACCESS_TOKEN", TOKEN).with("DIGITALOCEAN_API_URL", api)
}
