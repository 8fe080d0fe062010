//! One script on one host: what goes in, what comes out, how it ended.

use std::{io, time::Duration};

use openssh::ChildStdin;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    collect::Collected,
    run::{OnLine, Output, Stream, title, with_tail},
    session::Host,
    shell::{Mode, Shell, too_long},
};
use crate::error::{Error, Kind, Result};

/// The size of a piece that is copied: larger ones are no faster.
const PIECE: usize = 64 * 1024;

/// What a script reads from standard input.
pub(super) enum Input<'a> {
    None,
    Bytes(&'a [u8]),
    Reader(&'a mut (dyn AsyncRead + Send + Unpin)),
}

impl Host {
    /// Runs a script to its end, feeding and reading at once so that neither can block the other.
    pub(super) async fn exchange(
        &self,
        script: &str,
        input: Input<'_>,
        within: Duration,
        on_line: Option<OnLine<'_>>,
    ) -> Result<Output> {
        let mode = if matches!(input, Input::None) { Mode::Watch } else { Mode::Input };
        let mut out = Collected::default();
        let mut err = Collected::default();
        let work = async {
            let mut shell = self.shell(mode, script, within).await?;
            let (stdin, stdout, stderr) = shell.pipes()?;
            let marker = shell.marker.clone();
            let tell = |stream| move |line: &str| on_line.iter().for_each(|on| on(stream, line));
            let (tell_out, tell_err) = (tell(Stream::Out), tell(Stream::Err));
            let read = async {
                tokio::join!(
                    out.read(stdout, &marker, &tell_out),
                    err.read(stderr, &marker, &tell_err)
                )
            };
            tokio::select! {
                ((), ()) = read => Ok(shell),
                broken = feed(stdin, &shell.head, input) => Err(self.unreadable(broken)),
            }
        };
        let ended = tokio::time::timeout(within, work).await;
        let Ok(shell) = ended else {
            let error = too_long(&self.name(), &title(script), within);
            return Err(with_tail(error, &out.text(), &err.text()));
        };
        let shell = shell?;
        if let Some(status) = out.status.or(err.status) {
            return Ok(Output { status, stdout: out.text(), stderr: err.text() });
        }
        Err(with_tail(self.unended(shell, script).await, &out.text(), &err.text()))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::new(Kind::Failed, "the data to send cannot be read")
            .at("host", self.name())
            .because(error)
    }

    /// Says why a script's output ended without a trailer.
    pub(super) async fn unended(&self, shell: Shell, script: &str) -> Error {
        let Shell { child, link, .. } = shell;
        let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        let what = if !link.is_alive().await {
            format!("the connection was lost while {} ran", title(script))
        } else if matches!(ended, Ok(Ok(_) | Err(openssh::Error::Remote(_)))) {
            format!("the host's login shell ended without running {}", title(script))
        } else {
            format!("the shell that ran {} was killed", title(script))
        };
        Error::new(Kind::Failed, what).at("host", self.name())
    }
}

/// Writes the head and the input, then waits for ever; returns only when the input cannot be read.
///
/// That the host reads no more is no failure: a script need not read its input, and its end is told
/// by its trailer.
async fn feed(mut stdin: ChildStdin, head: &str, input: Input<'_>) -> io::Error {
    let mut open = stdin.write_all(head.as_bytes()).await.is_ok();
    match input {
        // The open pipe is what keeps the script alive.
        Input::None => std::future::pending::<()>().await,
        Input::Bytes(bytes) => {
            if open {
                stdin.write_all(bytes).await.ok();
            }
        }
        Input::Reader(reader) => {
            let mut piece = vec![0; PIECE];
            while open {
                match reader.read(&mut piece).await {
                    Ok(0) => break,
                    Ok(count) => {
                        let piece = piece.get(..count).unwrap_or_default();
                        open = stdin.write_all(piece).await.is_ok();
                    }
                    Err(error) => return error,
                }
            }
        }
    }
    drop(stdin);
    std::future::pending().await
}
