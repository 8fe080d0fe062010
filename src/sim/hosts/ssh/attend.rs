//! Carries a program's input, output and end between it and its SSH channel.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use russh::{
    ChannelId, ChannelWriteHalf, Sig,
    server::{Handle, Msg},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe,
    sync::{oneshot, watch},
};

use super::{super::reaper::Ended, spool::Spool, terminal::Terminal};

/// The pipes of a program that has no terminal.
pub(super) struct Pipes {
    pub(super) input: Option<pipe::Sender>,
    pub(super) output: Option<pipe::Receiver>,
    pub(super) errors: Option<pipe::Receiver>,
}

/// The channel as a program's output sees it.
pub(super) struct Show {
    pub(super) id: ChannelId,
    pub(super) write: Arc<ChannelWriteHalf<Msg>>,
    pub(super) handle: Handle,
}

impl Show {
    /// Says how the program ended.
    async fn tell(&self, ended: Ended) {
        let _ = match ended {
            Ended::Code(code) => self.write.exit_status(u32::from(code)).await.is_ok(),
            Ended::Signal(signal, core) => {
                let name = Sig::Custom(signal.as_str().trim_start_matches("SIG").to_owned());
                let (message, language) = (String::new(), String::new());
                self.handle
                    .exit_signal_request(self.id, name, core, message, language)
                    .await
                    .is_ok()
            }
        };
    }

    async fn close(&self) {
        let _ = self.write.close().await;
    }
}

/// Carries input and output until the program has ended and its output with it, as sshd does:
/// a process left in the background that keeps the output open keeps the channel open.
pub(super) async fn attend_pipes(
    pipes: Pipes,
    inbound: Arc<Spool>,
    show: Show,
    ended: oneshot::Receiver<Ended>,
    mut alive: watch::Receiver<()>,
) {
    let feeding = tokio::spawn(feed(pipes.input, Arc::clone(&inbound)));
    let whole = async {
        let output = pump(pipes.output, &show.write, None);
        let errors = pump(pipes.errors, &show.write, Some(1));
        let told = async {
            let ended = ended.await.unwrap_or(Ended::Code(255));
            // Nobody is left to read it, unless a child inherited it; that one keeps its input.
            show.tell(ended).await;
        };
        tokio::join!(output, errors, told);
        let _ = show.write.eof().await;
        show.close().await;
    };
    tokio::select! {
        () = whole => {}
        // The client closed the channel or the connection is gone.
        _ = alive.changed() => {}
    }
    inbound.close();
    feeding.abort();
}

/// Feeds a program what the client sends, and closes its input at the end.
async fn feed(input: Option<pipe::Sender>, inbound: Arc<Spool>) {
    let Some(mut input) = input else { return };
    loop {
        let next = tokio::select! {
            next = inbound.next() => next,
            // The program has closed its input, perhaps while nothing was sent.
            _ = input.ready(tokio::io::Interest::ERROR) => break,
        };
        let Ok(Some(data)) = next else { break };
        if input.write_all(&data).await.is_err() {
            break;
        }
    }
    inbound.close();
}

/// Sends what a program writes, as fast as the client takes it.
async fn pump(output: Option<pipe::Receiver>, write: &ChannelWriteHalf<Msg>, kind: Option<u32>) {
    let Some(mut output) = output else { return };
    let mut buffer = vec![0_u8; 32 << 10];
    loop {
        let Ok(length @ 1..) = output.read(&mut buffer).await else { return };
        if send(write, buffer.get(..length).unwrap_or_default(), kind).await.is_err() {
            return;
        }
    }
}

async fn send(
    write: &ChannelWriteHalf<Msg>,
    bytes: &[u8],
    kind: Option<u32>,
) -> Result<(), russh::Error> {
    let bytes = Bytes::copy_from_slice(bytes);
    match kind {
        None => write.data_bytes(bytes).await,
        Some(kind) => write.extended_data_bytes(kind, bytes).await,
    }
}

/// Carries a terminal's input and output until its program has ended.
pub(super) async fn attend_terminal(
    terminal: Arc<Terminal>,
    inbound: Arc<Spool>,
    show: Show,
    mut ended: oneshot::Receiver<Ended>,
    mut alive: watch::Receiver<()>,
    pid: Pid,
) {
    /// What a program wrote before its end may be in the terminal for a moment still.
    const AFTERGLOW: Duration = Duration::from_millis(100);
    let typing = {
        let (terminal, inbound) = (Arc::clone(&terminal), Arc::clone(&inbound));
        tokio::spawn(async move {
            while let Ok(Some(data)) = inbound.next().await {
                if terminal.write_all(&data).await.is_err() {
                    break;
                }
            }
        })
    };
    let showing = async {
        let mut buffer = vec![0_u8; 32 << 10];
        while let Ok(length @ 1..) = terminal.read(&mut buffer).await {
            if send(&show.write, buffer.get(..length).unwrap_or_default(), None).await.is_err() {
                break;
            }
        }
    };
    let whole = async {
        tokio::pin!(showing);
        let ended = tokio::select! {
            ended = &mut ended => {
                let _ = tokio::time::timeout(AFTERGLOW, &mut showing).await;
                ended
            }
            () = &mut showing => ended.await,
        };
        show.tell(ended.unwrap_or(Ended::Code(255))).await;
        let _ = show.write.eof().await;
        show.close().await;
    };
    tokio::select! {
        () = whole => {}
        _ = alive.changed() => { let _ = killpg(pid, Signal::SIGHUP); }
    }
    inbound.close();
    typing.abort();
}
