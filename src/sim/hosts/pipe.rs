//! Joins a TCP connection with its continuation over the bridge.
//!
//! Each direction ends on its own, and a reset stays a reset: a Unix socket knows none, so a peer
//! that goes without having ended its half is taken for one.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{MsgFlags, recv},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// How much is carried at once in each direction.
const CHUNK: usize = 64 << 10;

/// Carries bytes both ways until both directions have ended or one broke, which becomes a reset.
pub(in crate::sim) async fn join(bridge: &mut Bridged, tcp: &mut TcpStream) {
    let whole = tokio::io::copy_bidirectional_with_sizes(bridge, tcp, CHUNK, CHUNK).await;
    if whole.is_err() {
        reset(tcp);
    }
}

/// Makes the coming close of a connection a reset.
pub(in crate::sim) fn reset(tcp: &TcpStream) {
    let _ = tcp.set_zero_linger();
}

/// What has passed over a bridge.
#[derive(Debug, Default)]
pub(in crate::sim) struct Flow {
    bytes: AtomicU64,
    asked: AtomicBool,
    owes: AtomicBool,
    ended: AtomicBool,
}

impl Flow {
    /// Returns how many bytes have passed, both ways.
    pub(in crate::sim) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns whether the outside has said anything yet.
    pub(in crate::sim) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns whether the inside was asked something and has not answered yet.
    pub(in crate::sim) fn owes_an_answer(&self) -> bool {
        self.owes.load(Ordering::Relaxed)
    }

    /// Returns whether the inside has said all that it will say.
    pub(in crate::sim) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// The bridge's side of a connection.
#[derive(Debug)]
pub(in crate::sim) struct Bridged {
    stream: UnixStream,
    flow: Arc<Flow>,
    /// Whether this side has ended its half: only then may the other side go without a word.
    ended: bool,
}

impl Bridged {
    /// Wraps a stream of the bridge.
    pub(in crate::sim) fn new(stream: UnixStream) -> Self {
        Self { stream, flow: Arc::default(), ended: false }
    }

    /// Returns the count of what passes.
    pub(in crate::sim) fn flow(&self) -> Arc<Flow> {
        Arc::clone(&self.flow)
    }

    /// Returns when the other side has sent something or has gone.
    pub(in crate::sim) async fn readable(&self) {
        let look = || {
            let mut byte = [0_u8];
            recv(self.stream.as_raw_fd(), &mut byte, MsgFlags::MSG_PEEK).map_err(io::Error::from)
        };
        // The runtime may take a stream for readable that was so a moment ago.
        while self.stream.readable().await.is_ok() {
            match self.stream.try_io(Interest::READABLE, look) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    }

    fn deserted(&self) -> bool {
        let mut fds = [PollFd::new(self.stream.as_fd(), PollFlags::empty())];
        !self.ended
            && poll(&mut fds, PollTimeout::ZERO).is_ok()
            && fds.iter().any(|fd| fd.revents().is_some_and(|got| got.contains(PollFlags::POLLHUP)))
    }
}

impl AsyncRead for Bridged {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            let length = buffer.filled().len().saturating_sub(before);
            if length == 0 && self.deserted() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.flow.bytes.fetch_add(length as u64, Ordering::Relaxed);
            self.flow.owes.store(false, Ordering::Relaxed);
            self.flow.ended.store(length == 0, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Bridged {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(length)) = &written {
            self.flow.bytes.fetch_add(*length as u64, Ordering::Relaxed);
            self.flow.asked.store(true, Ordering::Relaxed);
            self.flow.owes.store(true, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended = true;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
