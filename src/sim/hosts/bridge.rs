//! The inner end of the socket between the simulator and a droplet's init.
//!
//! The outside sends one line of JSON and gets one; after `dial` the bytes of a TCP connection
//! follow, after `watch` a line of ports whenever they change. Only the outside can reach the
//! socket: it has no name inside.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixListener, UnixStream},
};

use super::{listening, pipe, system::System};
use crate::{error::Result, retry::sleep};

/// What the outside asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Boot with this identity; sent once.
    Boot(Box<super::seed::Seed>),
    /// Connect to a TCP port inside.
    Dial(u16),
    /// The ports that can be dialled, now.
    Ports,
    /// The ports that can be dialled, now and whenever they change.
    Watch,
    /// End all processes: gracefully or at once.
    Stop(bool),
}

/// What init answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Done; bytes may follow.
    Done,
    /// It failed, and why.
    Failed(String),
    /// The ports that can be dialled.
    Ports(Vec<u16>),
}

/// How often the ports are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The longest line that is read; a boot carries user-data of up to 64 KiB and some keys.
pub(super) const LONGEST: usize = 1 << 20;

/// Serves the bridge for ever.
pub(super) async fn serve(listener: UnixListener, system: Arc<System>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&system)));
        } else {
            sleep(LOOK).await;
        }
    }
}

async fn answer(mut stream: UnixStream, system: Arc<System>) {
    let asked = tokio::time::timeout(Duration::from_secs(10), hear(&mut stream)).await;
    let Ok(Some(ask)) = asked else { return };
    let result = match ask {
        Ask::Boot(seed) => {
            system.boot(*seed);
            say(&mut stream, &Answer::Done).await
        }
        Ask::Ports => say(&mut stream, &Answer::Ports(listening::public())).await,
        Ask::Watch => watch(&mut stream).await,
        Ask::Dial(port) => dial(stream, system.address(), port).await,
        Ask::Stop(graceful) => {
            let answered = say(&mut stream, &Answer::Done).await;
            system.stop(graceful);
            answered
        }
    };
    // The outside may close whenever it likes.
    drop(result);
}

async fn watch(stream: &mut UnixStream) -> std::io::Result<()> {
    let mut said = None;
    loop {
        let ports = listening::public();
        if said.as_ref() != Some(&ports) {
            say(stream, &Answer::Ports(ports.clone())).await?;
            said = Some(ports);
        }
        let mut byte = [0_u8];
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = stream.read(&mut byte) => return Ok(()),
        }
    }
}

/// Connects to the droplet's public address, so that what listens on loopback alone is refused.
async fn dial(mut stream: UnixStream, address: Ipv4Addr, port: u16) -> std::io::Result<()> {
    let connected = match TcpStream::connect((address, port)).await {
        Ok(connected) => Ok(connected),
        Err(refused) => TcpStream::connect(("::1", port)).await.map_err(|_| refused),
    };
    match connected {
        Ok(mut inner) => {
            inner.set_nodelay(true)?;
            say(&mut stream, &Answer::Done).await?;
            pipe::join(&mut pipe::Bridged::new(stream), &mut inner).await;
            Ok(())
        }
        Err(error) => say(&mut stream, &Answer::Failed(error.to_string())).await,
    }
}

async fn say(stream: &mut UnixStream, answer: &Answer) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn hear<T: serde::de::DeserializeOwned>(stream: &mut UnixStream) -> Option<T> {
    serde_json::from_slice(&read_line(stream).await.ok()?).ok()
}

/// Reads up to and without a newline, and not a byte further.
pub(super) async fn read_line(stream: &mut UnixStream) -> Result<Vec<u8>, std::io::Error> {
    let mut line = Vec::new();
    let mut chunk = vec![0_u8; 4096];
    loop {
        stream.readable().await?;
        // Bytes of the connection itself may follow the line: look first, take what is the line's.
        let peeked = peek(stream, &mut chunk)?;
        let Some(seen) = peeked else { continue };
        if seen.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let (take, done) = match seen.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (seen.len(), false),
        };
        let mut taken = vec![0_u8; take];
        stream.read_exact(&mut taken).await?;
        line.extend_from_slice(&taken);
        if done {
            line.pop();
            return Ok(line);
        }
        if line.len() > LONGEST {
            return Err(std::io::Error::other("the line is too long"));
        }
    }
}

/// Looks at what has arrived without taking it; `None` when nothing has.
fn peek<'a>(stream: &UnixStream, chunk: &'a mut [u8]) -> std::io::Result<Option<&'a [u8]>> {
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{MsgFlags, recv};
    let looked = stream.try_io(tokio::io::Interest::READABLE, || {
        recv(stream.as_raw_fd(), chunk, MsgFlags::MSG_PEEK).map_err(std::io::Error::from)
    });
    match looked {
        Ok(length) => Ok(chunk.get(..length)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
