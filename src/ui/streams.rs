//! The three streams of the process, and what is at their other ends.
//!
//! A closed pipe is no error: whoever read has read enough. Any other failure to write is kept, so
//! that a full disk under a redirected result does not pass for success.

use std::{
    io::{self, BufRead, IsTerminal as _, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstream::AutoStream;

use super::mode::Choice;

type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// Gives the rows and columns of the terminal, now.
pub(super) type Size = Arc<dyn Fn() -> (u16, u16) + Send + Sync>;

/// Where to write, where to read answers from, and which of them a person looks at.
pub struct Streams {
    pub(super) stdout: Door,
    pub(super) stderr: Door,
    pub(super) stdin: Box<dyn BufRead + Send>,
    /// A person types here.
    pub(super) stdin_is_terminal: bool,
    /// A person looks at standard output.
    pub(super) stdout_is_terminal: bool,
    /// Standard error is a terminal that lines can be redrawn on.
    pub(super) stderr_redraws: bool,
    pub(super) size: Size,
}

impl Streams {
    /// Takes the streams of this process.
    pub fn standard(color: Choice) -> Self {
        let term = console::Term::stderr();
        let stderr_is_terminal = io::stderr().is_terminal();
        Self {
            stdout: Door::new(
                Box::new(io::stdout()),
                colours(color, AutoStream::choice(&io::stdout())),
            ),
            stderr: Door::new(
                Box::new(io::stderr()),
                colours(color, AutoStream::choice(&io::stderr())),
            ),
            stdin: Box::new(io::BufReader::new(io::stdin())),
            stdin_is_terminal: io::stdin().is_terminal() && stderr_is_terminal,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_redraws: stderr_is_terminal && !console::is_dumb(),
            size: Arc::new(move || term.size()),
        }
    }

    /// Makes streams for a test: no terminals, 80 columns, answers from `stdin`.
    pub fn piped(
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
        stdin: impl BufRead + Send + 'static,
    ) -> Self {
        Self {
            stdout: Door::new(Box::new(stdout), false),
            stderr: Door::new(Box::new(stderr), false),
            stdin: Box::new(stdin),
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stderr_redraws: false,
            size: Arc::new(|| (24, 80)),
        }
    }

    /// Makes the same streams, now with a terminal of this size at all their ends.
    #[must_use]
    pub fn in_terminal(self, rows: u16, columns: u16) -> Self {
        Self {
            stdin_is_terminal: true,
            stdout_is_terminal: true,
            stderr_redraws: true,
            size: Arc::new(move || (rows, columns)),
            ..self
        }
    }
}

fn colours(choice: Choice, here: anstream::ColorChoice) -> bool {
    match choice {
        Choice::Always => true,
        Choice::Never => false,
        Choice::Auto => here != anstream::ColorChoice::Never,
    }
}

/// A stream to write to. Clones write to the same stream.
#[derive(Clone)]
pub(super) struct Door {
    sink: Sink,
    pub(super) colour: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closed: bool,
    failure: Option<io::Error>,
}

impl Door {
    fn new(sink: Box<dyn Write + Send>, colour: bool) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)), colour, state: Arc::default() }
    }

    /// Writes all of it, unless the other end is gone.
    pub(super) fn put(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return;
        }
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure) = sink.write_all(bytes).and_then(|()| sink.flush()) {
            state.closed = true;
            if failure.kind() != io::ErrorKind::BrokenPipe {
                state.failure = Some(failure);
            }
        }
    }

    /// Returns why not everything was written, if it was not for a reader who left.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.take()
    }
}
