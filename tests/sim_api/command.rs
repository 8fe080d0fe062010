//! `remuda sim` as it is typed: a process, its ready file, its signals, its exit codes.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// A simulator in a process of its own; it is ended with the test.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) ready: Value,
}

#[expect(clippy::disallowed_methods, reason = "the command is what is tested")]
fn remuda() -> Command {
    Command::new(env!("CARGO_BIN_EXE_remuda"))
}

impl Process {
    /// Starts `remuda sim start --hosts none` with its state in `dir`.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let ready_file = dir.join("ready.json");
        let child = remuda()
            .args(["sim", "start", "--hosts", "none", "--state"])
            .arg(dir.join("state"))
            .arg("--ready-file")
            .arg(&ready_file)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !ready_file.exists() {
            assert!(Instant::now() < end, "it did not become ready");
            std::thread::yield_now();
        }
        let ready = serde_json::from_slice(&std::fs::read(&ready_file).unwrap()).unwrap();
        Self { child, ready }
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        self.ready["token"].as_str().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output =
        remuda().arg("sim").args(args).arg("--state").arg(dir.join("state")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn it_starts_says_so_is_steered_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &["--token", "secret-token"]);
    assert_eq!(process.token(), "secret-token");
    for field in ["url", "dns", "pid", "hosts"] {
        assert!(!process.ready[field].is_null(), "{}", process.ready);
    }
    let (code, out, _) = run(dir.path(), &["status"]);
    assert_eq!(code, 0);
    assert!(out.contains(process.url()), "{out}");

    let (code, _, _) = run(dir.path(), &["fault", "add", "500:GET /v2/account"]);
    assert_eq!(code, 0);
    let (_, out, _) = run(dir.path(), &["fault", "list"]);
    assert!(out.contains("500:GET /v2/account"), "{out}");
    assert_eq!(run(dir.path(), &["fault", "clear"]).0, 0);
    assert_eq!(run(dir.path(), &["fault", "list"]).1, "");
    let (code, _, err) = run(dir.path(), &["fault", "add", "explode:GET /v2/account"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(run(dir.path(), &["reset"]).0, 0);

    let (code, _, err) = run(dir.path(), &["start", "--hosts", "none"]);
    assert_eq!(code, 11);
    assert!(err.contains(&process.child.id().to_string()), "{err}");

    assert_eq!(run(dir.path(), &["stop"]).0, 0);
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    let (code, _, err) = run(dir.path(), &["status"]);
    assert_eq!(code, 10, "{err}");
    assert_eq!(run(dir.path(), &["stop"]).0, 0, "to stop what does not run is done");
    assert_eq!(run(dir.path(), &["reset"]).0, 0);
    assert!(!dir.path().join("state/state.json").exists());
    assert!(!dir.path().join("ready.json").exists());
}

#[test]
fn signals_end_it_well() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Process::start(dir.path(), &[]);
        let pid = i32::try_from(process.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        assert_eq!(process.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_killed_simulator_comes_back_with_all_that_it_had_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]);
    let (code, _, _) = run(dir.path(), &["fault", "add", "errored:*"]);
    assert_eq!(code, 0);
    let state = || std::fs::read_to_string(dir.path().join("state/state.json")).unwrap();
    let before = state();
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    assert_eq!(run(dir.path(), &["status"]).0, 10, "its file is there, the simulator is not");
    std::fs::remove_file(dir.path().join("ready.json")).unwrap();
    let again = Process::start(dir.path(), &[]);
    assert_ne!(again.ready["pid"], process.ready["pid"]);
    assert_eq!(state(), before);
}

#[test]
fn what_it_cannot_do_it_says() {
    let dir = tempfile::tempdir().unwrap();
    for (args, words) in [
        (vec!["start", "--hosts", "docker"], "docker hosts are not in this version"),
        (vec!["start", "--hosts", "none", "--listen", "0.0.0.0:0"], "loopback only"),
        (vec!["start", "--hosts", "none", "--fault", "explode"], "there is no fault `explode`"),
        (vec!["start", "--hosts", "none", "--latency", "/no/such"], "cannot read the latencies"),
    ] {
        let (code, _, err) = run(dir.path(), &args);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(words), "{err}");
    }
}
