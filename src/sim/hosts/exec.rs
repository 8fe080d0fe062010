//! The last step before a user's program: a session of its own, the user, their home, then it.

use std::{
    ffi::{CString, OsString},
    fs::OpenOptions,
    io,
    os::{
        fd::AsFd as _,
        unix::{ffi::OsStrExt as _, process::CommandExt as _},
    },
    process::{Command, ExitCode},
};

use nix::unistd::{Gid, Uid, fchown, initgroups, isatty, setgid, setsid, setuid, ttyname};

use super::init::log;

/// Runs `exec UID:GID|- NAME HOME TITLE PROGRAM [ARGUMENT…]`; does not return when it succeeds.
pub(super) fn run(args: &[OsString]) -> ExitCode {
    let [ids, name, home, title, program, rest @ ..] = args else {
        return ExitCode::from(2);
    };
    let ids = ids.to_string_lossy();
    if let Err(error) = enter(&ids, name, home) {
        log(&format!("cannot become {}: {error}", name.to_string_lossy()));
        return ExitCode::from(126);
    }
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let error = Command::new(program).arg0(title).args(rest).exec();
    log(&format!("cannot run {}: {error}", program.to_string_lossy()));
    ExitCode::from(127)
}

fn enter(ids: &str, name: &OsString, home: &OsString) -> io::Result<()> {
    // It fails for a process that leads its group already, which is as good.
    let _ = setsid();
    let stdin = io::stdin();
    if isatty(stdin.as_fd()).unwrap_or(false) {
        // The first terminal that a session's leader opens becomes the session's.
        let tty = ttyname(stdin.as_fd())?;
        OpenOptions::new().read(true).write(true).open(&tty)?;
        if let Some((uid, gid)) = numbers(ids) {
            fchown(stdin.as_fd(), Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
    }
    if let Some((uid, gid)) = numbers(ids) {
        let name = CString::new(name.as_bytes())?;
        initgroups(&name, Gid::from_raw(gid))?;
        setgid(Gid::from_raw(gid))?;
        setuid(Uid::from_raw(uid))?;
    }
    std::env::set_current_dir(home).or_else(|_| std::env::set_current_dir("/"))
}

/// Reads `UID:GID`; `-` leaves the user as it is.
fn numbers(ids: &str) -> Option<(u32, u32)> {
    let (uid, gid) = ids.split_once(':')?;
    // An id that cannot be read must not mean root.
    Some((uid.parse().unwrap_or(65_534), gid.parse().unwrap_or(65_534)))
}
