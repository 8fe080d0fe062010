//! The app's files as one archive, named by its content, so that a rollback finds what ran.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{Error, Kind, Result},
    host::{Host, Run, quote},
};

/// An archive of files, packed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The archive.
    pub path: PathBuf,
    /// Its BLAKE3 digest in hex, 32 digits of it.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many files are in it.
    pub files: u64,
}

/// The directory on the host where a bundle lies and commands run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Names the place of the bundle `digest`; an empty digest is an app without files.
    ///
    /// # Errors
    /// When a part has characters that a path must not have.
    pub fn new(app: &str, digest: &str) -> Result<Self> {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain(app) || !plain(digest) {
            return Err(Error::new(Kind::Usage, "an app's name is not fit for a directory"));
        }
        let leaf = if digest.is_empty() { "empty" } else { digest };
        Ok(Self(format!("remuda/{app}/{leaf}")))
    }

    /// Returns the path, relative to the login's home.
    pub fn path(&self) -> &str {
        &self.0
    }
}

/// Packs `files`, relative to `root`, into an archive under `into`.
///
/// Owners and times are left out, so that the same content always has the same digest.
///
/// # Errors
/// When a file cannot be read, or lies outside `root`.
pub async fn pack(root: &Path, files: &[String], into: &Path) -> Result<Packed> {
    let (root, files, into) = (root.to_path_buf(), files.to_vec(), into.to_path_buf());
    let packing = tokio::task::spawn_blocking(move || pack_now(&root, &files, &into));
    match packing.await {
        Ok(packed) => packed,
        Err(source) => Err(Error::new(Kind::Failed, "packing was cut short").because(source)),
    }
}

fn pack_now(root: &Path, files: &[String], into: &Path) -> Result<Packed> {
    let failed = |what: &str, path: &Path, source: std::io::Error| {
        Error::new(Kind::Failed, what).at("file", path.display()).because(source)
    };
    std::fs::create_dir_all(into).map_err(|source| failed("cannot create", into, source))?;
    let draft = into.join(format!("packing-{}", std::process::id()));
    let file = File::create(&draft).map_err(|source| failed("cannot create", &draft, source))?;
    let mut archive = tar::Builder::new(Counting::new(BufWriter::new(file)));
    archive.mode(tar::HeaderMode::Deterministic);
    archive.follow_symlinks(false);
    let mut count = 0;
    for name in files {
        let path = root.join(name);
        let inside = Path::new(name).components().all(|part| {
            matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)
        });
        if !inside {
            return Err(Error::new(Kind::Usage, "a file of the stack lies outside the project")
                .at("file", name));
        }
        let cannot = |source| failed("cannot pack", &path, source);
        if path.is_dir() {
            for entry in walk(&path).map_err(cannot)? {
                let inner = entry.strip_prefix(root).unwrap_or(&entry);
                archive.append_path_with_name(&entry, inner).map_err(cannot)?;
                count += 1;
            }
        } else {
            archive.append_path_with_name(&path, name).map_err(cannot)?;
            count += 1;
        }
    }
    let finish = archive.into_inner().and_then(|mut counting| {
        counting.flush()?;
        Ok((counting.hash.finalize(), counting.bytes))
    });
    let (hash, bytes) = finish.map_err(|source| failed("cannot write", &draft, source))?;
    let digest: String = hash.to_hex().chars().take(32).collect();
    let path = into.join(format!("{digest}.tar"));
    std::fs::rename(&draft, &path).map_err(|source| failed("cannot write", &path, source))?;
    Ok(Packed { path, digest, bytes, files: count })
}

/// Returns the files and links under `dir` in a stable order.
fn walk(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Sends a packed bundle to its place; `false` when it was there already.
///
/// It is unpacked beside the place and renamed last, so that a cut leaves nothing half done.
///
/// # Errors
/// When the host cannot be reached or its disk refuses.
pub async fn unpack(host: &Host, place: &Place, archive: &Path, within: Duration) -> Result<bool> {
    let dir = quote(place.path())?;
    let there = format!("test -d {dir}");
    let seen = host.run(Run::new(&there, within)).await?;
    if seen.status == 0 {
        return Ok(false);
    }
    let script = format!(
        "set -e; rm -rf {dir}.new; mkdir -p {dir}.new; tar -x -C {dir}.new -f -; mv {dir}.new {dir}"
    );
    let file = tokio::fs::File::open(archive).await.map_err(|source| {
        Error::new(Kind::Failed, "cannot read the packed files")
            .at("file", archive.display())
            .because(source)
    })?;
    host.send(&script, file, within).await?;
    Ok(true)
}

/// Counts and hashes what passes through.
struct Counting<W> {
    inner: W,
    hash: blake3::Hasher,
    bytes: u64,
}

impl<W> Counting<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: blake3::Hasher::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_digest() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("site")).unwrap();
        std::fs::write(dir.path().join("site/b"), "two").unwrap();
        std::fs::write(dir.path().join("site/a"), "one").unwrap();
        let files = ["site".to_owned()];
        let first = pack_now(dir.path(), &files, &dir.path().join("out")).unwrap();
        std::fs::write(dir.path().join("site/a"), "one").unwrap();
        let again = pack_now(dir.path(), &files, &dir.path().join("out2")).unwrap();
        assert_eq!((&first.digest, first.files), (&again.digest, 2));
        std::fs::write(dir.path().join("site/a"), "three").unwrap();
        let other = pack_now(dir.path(), &files, &dir.path().join("out3")).unwrap();
        assert_ne!(first.digest, other.digest);
    }

    #[test]
    fn files_outside_the_project_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../x", "/etc/passwd"] {
            let refused = pack_now(dir.path(), &[name.into()], &dir.path().join("out"));
            assert_eq!(refused.unwrap_err().kind(), Kind::Usage, "{name}");
        }
    }
}
