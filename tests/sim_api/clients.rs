//! The real clients, driven against the real process.

use std::process::Command;

use super::command::Process;

#[test]
#[expect(clippy::disallowed_methods, reason = "the clients are processes, and named by a variable")]
fn digitaloceans_own_clients_cannot_tell() {
    let Ok(python) = std::env::var("REMUDA_CLIENTS_PYTHON") else {
        eprintln!(
            "not run: REMUDA_CLIENTS_PYTHON names no python with tests/clients/requirements.txt"
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &["--rate-limit", "off"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/drive.py");
    let output =
        Command::new(python).args([script, process.url(), process.token()]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains(" 0 failures"), "{out}");
}
