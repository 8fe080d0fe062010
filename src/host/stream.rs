//! Data into a host and out of it, without holding it in memory.
//!
//! A script cannot tell input that was cut off from input that ended. So what is sent must know its
//! own end, as age, zstd and tar do; [`Host::put`] counts.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use openssh::{ChildStdin, ChildStdout};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf},
    task::JoinHandle,
};

use super::{
    collect::Collected,
    exchange::Input,
    quote::quote,
    run::{Output, Run},
    session::Host,
    shell::{Mode, Shell, too_long},
};
use crate::{
    error::{Error, Kind, Result},
    retry,
};

/// A file to write on a host.
#[derive(Clone, Copy)]
pub struct Put<'a> {
    /// Its absolute path; the directory must exist.
    pub path: &'a str,
    /// Its permissions, such as `0o640`.
    pub mode: u32,
    /// Its content. It travels inside the session and is never in a process list.
    pub bytes: &'a [u8],
    /// How long it may take.
    pub within: Duration,
}

impl Host {
    /// Runs a script that reads all of `reader` from standard input and must end with status 0.
    ///
    /// # Errors
    /// Those of [`Host::check`]; [`Kind::Failed`] when `reader` fails: the script has then seen an
    /// end of its input that is none.
    pub async fn send(
        &self,
        script: &str,
        mut reader: impl AsyncRead + Unpin + Send,
        within: Duration,
    ) -> Result<Output> {
        let output = self.exchange(script, Input::Reader(&mut reader), within, None).await?;
        if output.status == 0 { Ok(output) } else { Err(self.failed(script, &output)) }
    }

    /// Starts a script and returns its standard output as a stream.
    ///
    /// What was read is whole only once [`Fetch::finish`] has said so. Dropping the stream ends the
    /// script.
    ///
    /// # Errors
    /// [`Kind::Failed`] when the script cannot be started.
    pub async fn fetch(&self, script: &str, within: Duration) -> Result<Fetch<'_>> {
        let mut shell = self.shell(Mode::Fetch, script, within).await?;
        let (mut stdin, stdout, stderr) = shell.pipes()?;
        stdin.write_all(shell.head.as_bytes()).await.map_err(|error| {
            Error::new(Kind::Failed, "cannot start a command over the ssh session")
                .at("host", self.name())
                .because(error)
        })?;
        let marker = shell.marker.clone();
        let errors = tokio::spawn(async move {
            let mut collected = Collected::default();
            collected.read(stderr, &marker, &|_| {}).await;
            collected
        });
        Ok(Fetch {
            host: self,
            script: script.to_owned(),
            within,
            late: Box::pin(retry::sleep(within)),
            is_late: false,
            stdout,
            errors: Some(errors),
            shell: Some(shell),
            _stdin: stdin,
        })
    }

    /// Writes a file: whole, or not at all.
    ///
    /// # Errors
    /// Those of [`Host::check`]; [`Kind::Usage`] for a path that is not absolute.
    pub async fn put(&self, put: Put<'_>) -> Result<()> {
        if !put.path.starts_with('/') || put.path.ends_with('/') {
            return Err(Error::new(Kind::Usage, "a file's path on a host must be absolute")
                .at("path", put.path));
        }
        let path = quote(put.path)?;
        let (size, mode) = (put.bytes.len(), put.mode);
        let script = format!(
            "set -eu; umask 077; f={path}; t=$f.remuda-$$\n\
             trap 'rm -f \"$t\"' EXIT\n\
             cat >\"$t\"\n\
             if [ \"$(wc -c <\"$t\")\" -ne {size} ]; then echo 'the file was cut off' >&2; exit 74; fi\n\
             chmod {mode:o} \"$t\"\n\
             mv -f \"$t\" \"$f\"\n"
        );
        self.check(Run::new(&script, put.within).input(put.bytes)).await.map(drop)
    }
}

/// The standard output of a script on a host.
pub struct Fetch<'a> {
    host: &'a Host,
    script: String,
    within: Duration,
    late: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    is_late: bool,
    stdout: ChildStdout,
    errors: Option<JoinHandle<Collected>>,
    shell: Option<Shell>,
    /// Keeps the script alive while it is open.
    _stdin: ChildStdin,
}

impl Fetch<'_> {
    /// Waits for the script's end, and says whether what was read is all there was.
    ///
    /// # Errors
    /// [`Kind::Failed`] when the script ended with another status than 0, was killed, or the
    /// connection was lost; [`Kind::TimedOut`] when it did not end in time.
    pub async fn finish(mut self) -> Result<()> {
        let mut rest = vec![0; 64 * 1024];
        let mut unread = 0_usize;
        loop {
            match self.read(&mut rest).await {
                Ok(0) => break,
                Ok(count) => unread += count,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(too_long(&self.host.name(), "fetching data", self.within));
                }
                Err(_) => break,
            }
        }
        let (Some(errors), Some(shell)) = (self.errors.take(), self.shell.take()) else {
            return Err(Error::new(Kind::Failed, "a stream was finished twice"));
        };
        let collected = tokio::select! {
            collected = errors => collected.unwrap_or_default(),
            () = &mut self.late => {
                return Err(too_long(&self.host.name(), "fetching data", self.within));
            }
        };
        let Some(status) = collected.status else {
            return Err(self.host.unended(shell, &self.script).await);
        };
        let output = Output { status, stdout: String::new(), stderr: collected.text() };
        if status != 0 {
            return Err(self.host.failed(&self.script, &output));
        }
        if unread > 0 {
            return Err(Error::new(Kind::Failed, format!("{unread} bytes were left unread"))
                .at("host", self.host.name()));
        }
        Ok(())
    }
}

impl AsyncRead for Fetch<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_late = self.is_late || self.late.as_mut().poll(cx).is_ready();
        if self.is_late {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stdout).poll_read(cx, into)
    }
}
