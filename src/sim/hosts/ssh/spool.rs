//! What a client has sent and the program has not read yet: some in memory, the rest in a file.
//!
//! The SSH library opens a channel's window again as soon as data has arrived, so the client is
//! never slowed down, and holding the session up instead would hold up its other channels and the
//! program's own output. A file without a name bounds the memory.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// How much is kept in memory.
const IN_MEMORY: usize = 4 << 20;
/// How much is read back at once.
const CHUNK: u64 = 256 << 10;

/// A queue of bytes with one writer and one reader.
#[derive(Debug, Default)]
pub(super) struct Spool {
    inner: Mutex<Inner>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    memory: VecDeque<Bytes>,
    held: usize,
    /// Everything in the file is younger than everything in memory.
    file: Option<File>,
    read: u64,
    written: u64,
    ended: bool,
    closed: bool,
}

impl Spool {
    /// Adds bytes; after [`Self::close`] they are dropped.
    pub(super) fn push(&self, data: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.closed || inner.ended || data.is_empty() {
            return Ok(());
        }
        if inner.read == inner.written && inner.held + data.len() <= IN_MEMORY {
            inner.memory.push_back(Bytes::copy_from_slice(data));
            inner.held += data.len();
        } else {
            inner.spill(data)?;
        }
        drop(inner);
        self.ready.notify_one();
        Ok(())
    }

    /// Says that nothing follows.
    pub(super) fn end(&self) {
        self.inner().ended = true;
        self.ready.notify_one();
    }

    /// Drops what is held and all that follows: the reader has gone.
    pub(super) fn close(&self) {
        let mut inner = self.inner();
        *inner = Inner { closed: true, ended: true, ..Inner::default() };
        drop(inner);
        self.ready.notify_one();
    }

    /// Returns the next bytes, or `None` at the end.
    pub(super) async fn next(&self) -> io::Result<Option<Bytes>> {
        loop {
            let waiting = self.ready.notified();
            {
                let mut inner = self.inner();
                if let Some(data) = inner.take()? {
                    return Ok(Some(data));
                }
                if inner.ended {
                    return Ok(None);
                }
            }
            waiting.await;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn spill(&mut self, data: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(nameless()?);
        }
        if let Some(file) = &self.file {
            file.write_all_at(data, self.written)?;
            self.written += data.len() as u64;
        }
        Ok(())
    }

    fn take(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(data) = self.memory.pop_front() {
            self.held -= data.len();
            return Ok(Some(data));
        }
        let left = self.written - self.read;
        let Some(file) = self.file.as_ref().filter(|_| left > 0) else { return Ok(None) };
        let mut data = vec![0_u8; usize::try_from(left.min(CHUNK)).unwrap_or(0)];
        file.read_exact_at(&mut data, self.read)?;
        self.read += data.len() as u64;
        if self.read == self.written {
            file.set_len(0)?;
            (self.read, self.written) = (0, 0);
        }
        Ok(Some(data.into()))
    }
}

/// Opens a file that has no name and is gone when it is closed.
fn nameless() -> io::Result<File> {
    let open = |dir: &str| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(nix::fcntl::OFlag::O_TMPFILE.bits())
            .open(dir)
    };
    open("/var/tmp").or_else(|_| open("/tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_comes_out_in_order_through_memory_and_file() {
        let spool = Spool::default();
        let mut sent = Vec::new();
        for round in 0_u8..=255 {
            let block = vec![round; 40_000];
            sent.extend_from_slice(&block);
            spool.push(&block).expect("push");
        }
        assert!(spool.inner().written > 0, "some of it is in the file");
        spool.end();
        let mut got = Vec::new();
        while let Some(data) = spool.next().await.expect("next") {
            got.extend_from_slice(&data);
        }
        assert!(got == sent);
        spool.push(b"late").expect("push");
        assert_eq!(spool.next().await.expect("next"), None);
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_data_and_by_the_end() {
        let spool = std::sync::Arc::new(Spool::default());
        let reader = tokio::spawn({
            let spool = std::sync::Arc::clone(&spool);
            async move {
                let mut got = Vec::new();
                while let Some(data) = spool.next().await.expect("next") {
                    got.extend_from_slice(&data);
                }
                got
            }
        });
        tokio::task::yield_now().await;
        spool.push(b"a").expect("push");
        tokio::task::yield_now().await;
        spool.push(b"b").expect("push");
        spool.end();
        assert_eq!(reader.await.expect("join"), b"ab");
    }
}
