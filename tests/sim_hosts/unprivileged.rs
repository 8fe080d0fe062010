//! The same as an ordinary user, where these tests run as root.

use std::{os::unix::process::CommandExt as _, process::Command};

use crate::yard::{possible, program};

/// The user who owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn droplets_need_no_root() {
    use std::io::Write as _;
    let say = |why: &str| {
        let _ = writeln!(std::io::stderr(), "not run: as an ordinary user: {why}");
    };
    if !nix::unistd::geteuid().is_root() {
        return say("these tests run as one already");
    }
    if !possible() {
        return;
    }
    let dir = tempfile::tempdir().expect("tempdir");
    std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("chown");
    let as_nobody = |path: &std::path::Path| {
        #[expect(clippy::disallowed_methods, reason = "another user is another process")]
        let mut command = Command::new(path);
        command.uid(NOBODY).gid(NOBODY).env("TMPDIR", dir.path()).env("HOME", dir.path());
        command
    };
    let reachable = as_nobody(&program()).arg("--version").output();
    if !reachable.is_ok_and(|output| output.status.success()) {
        return say("that user cannot reach the program where it was built");
    }
    let tests = std::env::current_exe().expect("this program");
    let output = as_nobody(&tests)
        .args([
            "boot::",
            "harm::",
            "power::",
            "ssh::commands",
            "death::",
            "--test-threads=2",
            "--nocapture",
        ])
        .output()
        .expect("run");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("not run:"), "{said}");
}
