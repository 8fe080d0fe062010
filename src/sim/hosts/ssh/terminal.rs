//! A pseudo-terminal: the outer side as a stream, and its size.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    pty::{Winsize, openpty},
};
use tokio::net::unix::pipe;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// Makes a size from what a client says.
    pub(super) fn new(columns: u32, rows: u32) -> Self {
        let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        Self { columns: small(columns), rows: small(rows) }
    }
}

/// The outer side of a pseudo-terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    master: OwnedFd,
    output: pipe::Receiver,
    input: pipe::Sender,
}

impl Terminal {
    /// Opens a pseudo-terminal; the second value is what the program gets.
    pub(super) fn open(size: Size) -> io::Result<(Self, OwnedFd)> {
        let shape = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&shape, None)?;
        for fd in [&pair.master, &pair.slave] {
            fcntl(fd, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        // To the runtime a terminal is like a pipe: bytes, ready or not.
        let output = pipe::Receiver::from_owned_fd_unchecked(pair.master.try_clone()?)?;
        let input = pipe::Sender::from_owned_fd_unchecked(pair.master.try_clone()?)?;
        Ok((Self { master: pair.master, output, input }, pair.slave))
    }

    /// Tells the program that the window has another size.
    pub(super) fn resize(&self, size: Size) {
        let shape = rustix::termios::Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let _ = rustix::termios::tcsetwinsize(self.master.as_fd(), shape);
    }

    /// Reads what the program has written; 0 when its side is closed.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.output.readable().await?;
            match self.output.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // How Linux says that nobody holds the other side any more.
                Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => return Ok(0),
                other => return other,
            }
        }
    }

    /// Writes all, as if typed.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.input.writable().await?;
            match self.input.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}
