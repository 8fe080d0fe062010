//! A world for a test: a simulator of its own, a project folder, and the binary to drive in it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The binary under test.
const REMUDA: &str = env!("CARGO_BIN_EXE_remuda");

/// How the world is made.
#[derive(Clone)]
pub(crate) struct Make {
    /// `namespace` or `none`.
    pub(crate) hosts: &'static str,
    /// `none`, `typical` or a file.
    pub(crate) latency: &'static str,
    /// How long the watch lasts.
    pub(crate) watch: &'static str,
    /// What a move of the reserved IP does to open connections: `cut` or `drain`.
    pub(crate) reserved_ip: &'static str,
}

impl Default for Make {
    fn default() -> Self {
        Self { hosts: "namespace", latency: "none", watch: "1s", reserved_ip: "cut" }
    }
}

/// A simulator and a project; gone when dropped.
pub(crate) struct World {
    dir: tempfile::TempDir,
    sim: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) ip: String,
}

/// What a command did.
#[must_use = "look at what the command did, or assert its exit code"]
#[derive(Debug)]
pub(crate) struct Did {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Did {
    /// Asserts the exit code; shows everything when it is another.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Reads the result as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }
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

/// Says that a test cannot run here, loudly and for the summary; returns whether it can.
pub(crate) fn can_run(name: &str) -> bool {
    match remuda::sim::hosts::probe_with(Path::new(REMUDA)) {
        Ok(()) => true,
        Err(why) => {
            let line = format!("not run: {name}: {why}\n");
            eprint!("{line}");
            if let Ok(path) = std::env::var("REMUDA_NOT_RUN") {
                let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
                file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
            }
            false
        }
    }
}

impl World {
    /// Starts a simulator, makes a key, an address, a domain and a project.
    pub(crate) fn new(make: &Make) -> Self {
        let dir = tempfile::Builder::new().prefix("rw").tempdir().unwrap();
        let ready = dir.path().join("ready.json");
        let sim = Command::new(REMUDA)
            .args(["sim", "start", "--hosts", make.hosts, "--latency", make.latency])
            // a walk asks more in a minute than an account allows
            .args(["--reserved-ip", make.reserved_ip, "--rate-limit", "off"])
            .arg("--state")
            .arg(dir.path().join("sim"))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path().join("sim.log")).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let ready = loop {
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            if let Ok(ready) = serde_json::from_str::<Value>(&text) {
                break ready;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "the simulator did not start");
            std::thread::sleep(Duration::from_millis(20));
        };
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        let mut world =
            Self { dir, sim, url: text("url"), token: text("token"), ip: String::new() };
        let reserved = world.api("POST", "/v2/reserved_ips", &json!({ "region": "nyc3" }));
        reserved["reserved_ip"]["ip"].as_str().unwrap().clone_into(&mut world.ip);
        drop(world.api("POST", "/v2/domains", &json!({ "name": "example.com" })));
        world.key();
        world.project("project", make.watch);
        world
    }

    fn key(&self) {
        let key = self.dir.path().join("id");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
    }

    /// Writes a project folder: the repository's own spec, with this world's address and key.
    pub(crate) fn project(&self, name: &str, watch: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(dir.join("cloud-init")).unwrap();
        for file in ["droplets.yaml", "cloud-init/hello.yaml"] {
            std::fs::copy(root.join(file), dir.join(file)).unwrap();
        }
        let key = self.dir.path().join("id");
        let overlay = format!(
            "ssh: {{ identity: {} }}\ncutover: {{ reserved_ip: {}, watch: {watch} }}\n",
            key.display(),
            self.ip
        );
        std::fs::write(dir.join("droplets.production.yaml"), overlay).unwrap();
        dir
    }

    /// Changes the overlay of a project.
    pub(crate) fn overlay(&self, name: &str, more: &str) {
        let path = self.dir.path().join(name).join("droplets.production.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text + more).unwrap();
    }

    /// Prepares a command of the binary in a project folder.
    pub(crate) fn command(&self, project: &str, args: &[&str]) -> Command {
        let mut command = Command::new(REMUDA);
        command
            .args(args)
            .current_dir(self.dir.path().join(project))
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("USER", "tester")
            .env("TMPDIR", self.dir.path())
            .env("DIGITALOCEAN_API_URL", &self.url)
            .env("DIGITALOCEAN_ACCESS_TOKEN", &self.token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary in the first project folder.
    pub(crate) fn remuda(&self, args: &[&str]) -> Did {
        self.remuda_in("project", args)
    }

    /// Runs the binary in a project folder.
    pub(crate) fn remuda_in(&self, project: &str, args: &[&str]) -> Did {
        self.command(project, args).output().unwrap().into()
    }

    /// Adds a fault rule to the running simulator.
    pub(crate) fn fault(&self, rule: &str) {
        let state = self.dir.path().join("sim");
        let did: Did = Command::new(REMUDA)
            .args(["sim", "fault", "add", rule, "--state"])
            .arg(state)
            .output()
            .unwrap()
            .into();
        drop(did.ended(0));
    }

    /// Clears the faults of the running simulator.
    pub(crate) fn no_faults(&self) {
        let state = self.dir.path().join("sim");
        let did: Did = Command::new(REMUDA)
            .args(["sim", "fault", "clear", "--state"])
            .arg(state)
            .output()
            .unwrap()
            .into();
        drop(did.ended(0));
    }

    /// Asks the API as any other client would.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let (_, text) = self.http(method, path, body);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn http(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let host = self.url.trim_start_matches("http://");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, text.to_owned())
    }

    /// Returns the requests to the API since the last [`World::forget_requests`], as `GET /v2/...`
    /// with numbers, addresses and names of this run replaced by what they are.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.api("GET", "/sim/requests", &Value::Null);
        let all = log["requests"].as_array().cloned().unwrap_or_default();
        let word = |request: &Value, key: &str| request[key].as_str().unwrap_or("?").to_owned();
        all.iter()
            .map(|it| format!("{} {}", word(it, "method"), shape(&word(it, "path"))))
            .filter(|line| line.contains(" /v2/"))
            .collect()
    }

    /// Begins a new count of requests.
    pub(crate) fn forget_requests(&self) {
        drop(self.api("POST", "/sim/requests/reset", &Value::Null));
    }

    /// Returns all droplets of the account.
    pub(crate) fn droplets(&self) -> Vec<Value> {
        let all = self.api("GET", "/v2/droplets?per_page=200", &Value::Null);
        all["droplets"].as_array().cloned().unwrap_or_default()
    }

    /// Returns the name of the droplet that holds the reserved IP.
    pub(crate) fn holder(&self) -> Option<String> {
        let path = format!("/v2/reserved_ips/{}", self.ip);
        let found = self.api("GET", &path, &Value::Null);
        found["reserved_ip"]["droplet"]["name"].as_str().map(str::to_owned)
    }

    /// Returns the firewalls: locks, in these tests.
    pub(crate) fn locks(&self) -> usize {
        let all = self.api("GET", "/v2/firewalls", &Value::Null);
        all["firewalls"].as_array().map_or(0, Vec::len)
    }

    /// Asks the app through the public address; the release that answers.
    pub(crate) fn visit(&self) -> Option<String> {
        let mut stream = TcpStream::connect((self.ip.as_str(), 8080)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET / HTTP/1.1\r\nhost: hello.example.com\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let line = answer.lines().find(|l| l.to_ascii_lowercase().starts_with("x-release:"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    }

    /// Returns what the status command says.
    pub(crate) fn status(&self) -> Value {
        self.remuda(&["status", "-o", "json"]).ended(0).json()
    }

    /// Returns the world's folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Replaces what differs from run to run in a path.
fn shape(path: &str) -> String {
    let mut before = "";
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| {
            let shown = match (before, part) {
                ("tags", "") | (_, "" | "actions" | "resources" | "records") => part,
                ("tags", tag) => tag.split(':').next().unwrap_or(tag),
                ("droplets" | "firewalls" | "records" | "actions", _) => "ID",
                ("reserved_ips", _) => "IP",
                ("domains", _) => "DOMAIN",
                _ => part,
            };
            before = part;
            shown
        })
        .collect();
    parts.join("/")
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.sim.id()).unwrap_or(0));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
        let started = Instant::now();
        while self.sim.try_wait().ok().flatten().is_none() {
            if started.elapsed() > Duration::from_secs(10) {
                drop(self.sim.kill());
                drop(self.sim.wait());
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.path().join("sim.log"));
            eprintln!("the simulator said:\n{}", log.unwrap_or_default());
        }
    }
}
