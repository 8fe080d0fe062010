//! A run in a terminal: finished lines scroll by like any output, and the running ones are redrawn
//! below them.
//!
//! Only the lines that move are ever redrawn, and no line is filled to the edge. So the window may
//! change its size at any time, and what has scrolled by stays plain text.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{
    checklist::Checklist,
    ink::paint,
    streams::{Door, Size},
};
use crate::run::event::{Event, What};

/// How often the running lines are redrawn.
const TICK: Duration = Duration::from_millis(80);

/// Stands where a line would be empty: the painter takes blanks for the end of a line.
const NOTHING: &str = "\u{1b}[0m";

/// A checklist that moves.
pub(super) struct Live {
    checklist: Arc<Mutex<Checklist>>,
    bar: Option<ProgressBar>,
    door: Door,
    size: Size,
    columns: Option<usize>,
    ticks: bool,
}

impl Live {
    /// Makes one for this terminal. `columns` overrides its width; without `ticks` it is redrawn
    /// only when something happened.
    pub(super) fn new(
        door: Door,
        size: Size,
        columns: Option<usize>,
        verbose: bool,
        ticks: bool,
    ) -> Self {
        let checklist = Arc::new(Mutex::new(Checklist::new(verbose)));
        Self { checklist, bar: None, door, size, columns, ticks }
    }

    /// Takes an event in, and writes what it leaves behind with `write`.
    pub(super) fn hear(&mut self, event: &Event, write: impl FnOnce(&[String])) {
        let columns = self.columns.unwrap_or_else(|| usize::from((self.size)().1));
        let lines = {
            let mut checklist = self.checklist.lock().unwrap_or_else(PoisonError::into_inner);
            checklist.hear(event, columns)
        };
        if matches!(event.what, What::RunFinished { .. }) {
            self.end();
        }
        if lines.is_empty() {
            if let Some(bar) = &self.bar {
                bar.tick();
            }
        } else {
            self.around(|| write(&lines));
        }
        if matches!(event.what, What::RunStarted { .. }) {
            self.end();
            self.bar = Some(self.begin());
        }
    }

    /// Does this while the moving lines are away.
    pub(super) fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    /// Takes the moving lines away for good.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn begin(&self) -> ProgressBar {
        let glass = Glass {
            door: self.door.clone(),
            size: Arc::clone(&self.size),
            ended: Mutex::new(false),
        };
        let bar = ProgressBar::with_draw_target(
            None,
            ProgressDrawTarget::term_like_with_hz(Box::new(glass), 20),
        );
        let (checklist, size) = (Arc::clone(&self.checklist), Arc::clone(&self.size));
        let (columns, colour) = (self.columns, self.door.colour);
        let moving = move |_: &indicatif::ProgressState, out: &mut dyn fmt::Write| {
            let columns = columns.unwrap_or_else(|| usize::from(size().1));
            let lines = {
                let checklist = checklist.lock().unwrap_or_else(PoisonError::into_inner);
                checklist.moving(crate::clock::now(), columns)
            };
            let lines = if lines.is_empty() { NOTHING.to_owned() } else { lines.join("\n") };
            // a sink that is a String takes everything
            let _ = out.write_str(&paint(&lines, colour));
        };
        if let Ok(style) = ProgressStyle::with_template("{moving}") {
            bar.set_style(style.with_key("moving", moving));
        }
        if self.ticks {
            bar.enable_steady_tick(TICK);
        }
        bar
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

/// The terminal as the painter sees it.
///
/// The painter fills each line with blanks to the edge and relies on the terminal to wrap. Such a
/// line becomes two when the window gets narrower, so a fill is turned into the end of the line.
struct Glass {
    door: Door,
    size: Size,
    /// The last line has ended, and a further one goes below it.
    ended: Mutex<bool>,
}

impl Glass {
    fn put(&self, ended: bool, text: &str) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = ended;
        self.door.put(text.as_bytes());
    }

    fn steer(&self, n: usize, way: char) {
        if n > 0 {
            self.put(false, &format!("\u{1b}[{n}{way}"));
        }
    }
}

impl fmt::Debug for Glass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Glass")
    }
}

impl TermLike for Glass {
    fn width(&self) -> u16 {
        (self.size)().1
    }

    fn height(&self) -> u16 {
        (self.size)().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(false, &format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.bytes().all(|byte| byte == b' ') {
            self.put(true, "");
        } else {
            let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            self.put(false, &format!("{}{text}", if ended { "\n" } else { "" }));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put(false, "\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
