//! Who uses a state: one process at a time, which leaves its number.

use std::{
    fs::{self, File},
    path::Path,
};

use crate::error::{Error, Kind, Result};

/// Makes a directory that only its owner can enter.
pub(super) fn make_dir(dir: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
        Error::new(Kind::Failed, "cannot make the state's directory")
            .at("directory", dir.display())
            .because(error)
    })
}

/// Takes the state for this process; the file holds its number.
pub(super) fn lock(dir: &Path) -> Result<File> {
    use std::io::Write as _;

    let path = dir.join("lock");
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Failed, "cannot lock the state").at("file", path.display()).because(error)
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(cannot)?;
            write!(file, "{}", std::process::id()).map_err(cannot)?;
            Ok(file)
        }
        Err(fs::TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default();
            Err(Error::new(
                Kind::Locked,
                format!("another simulator, pid {}, uses this state", pid.trim()),
            )
            .at("directory", dir.display())
            .hint("remuda sim status")
            .hint("remuda sim start --state DIR, with a directory of its own"))
        }
        Err(fs::TryLockError::Error(error)) => Err(cannot(error)),
    }
}
