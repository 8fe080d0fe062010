//! Carries a TCP connection that a client opens from inside the droplet (`ssh -L`, `ssh -J`).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use russh::{
    Channel, ChannelOpenFailure,
    server::{ChannelOpenHandle, Msg},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};

use super::spool::Spool;

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects and carries until both ends are done.
pub(super) async fn carry(
    (host, port): (String, u16),
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
    inbound: Arc<Spool>,
    mut alive: watch::Receiver<()>,
) {
    let (unread, write) = channel.split();
    drop(unread);
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await;
    let Ok(Ok(stream)) = connected else {
        reply.reject(ChannelOpenFailure::ConnectFailed).await;
        return;
    };
    reply.accept().await;
    let (mut read, mut to) = stream.into_split();
    let there = async {
        while let Ok(Some(data)) = inbound.next().await {
            if to.write_all(&data).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
        inbound.close();
    };
    let back = async {
        let mut buffer = vec![0_u8; 32 << 10];
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            if write.data_bytes(bytes).await.is_err() {
                break;
            }
        }
        let _ = write.eof().await;
    };
    tokio::select! {
        _ = async { tokio::join!(there, back) } => { let _ = write.close().await; }
        _ = alive.changed() => {}
    }
    inbound.close();
}
