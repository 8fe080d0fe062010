//! Where everything that is shown passes: one place that knows the mode, the secrets and the streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{
    ask, clean, failure,
    ink::{Ink, ink, paint, wrap},
    live::Live,
    machine,
    mode::{Mode, Output},
    plain::Plain,
    redact::Redactor,
    streams::{Door, Size, Streams},
    table,
};
use crate::{
    error::{Error, Kind, Result},
    run::event::{Event, Tell},
    secret::SecretString,
};

/// Columns of a table whose reader is no terminal: wide enough that nothing wraps.
const ENDLESS: usize = 4096;

/// Columns of prose.
const MEASURE: usize = 80;

/// Shows what happens, says what went wrong, hands out the result. Clones share one stage.
#[derive(Clone)]
pub struct Ui(Arc<Stage>);

struct Stage {
    mode: Mode,
    redactor: Redactor,
    size: Size,
    stdout_is_terminal: bool,
    desk: Mutex<Desk>,
}

struct Desk {
    streams: Streams,
    face: Face,
    /// The one document of `-o json`.
    document: Option<Value>,
}

/// How a run is shown.
enum Face {
    Silent,
    Plain(Plain),
    Live(Live),
    Events,
}

impl Ui {
    /// Makes the stage of this process.
    pub fn new(mode: Mode) -> Self {
        Self::with(mode, Streams::standard(mode.color))
    }

    /// Makes a stage on these streams.
    pub fn with(mode: Mode, streams: Streams) -> Self {
        let (door, size) = (streams.stderr.clone(), Arc::clone(&streams.size));
        let face = match mode.output {
            _ if mode.quiet => Face::Silent,
            Output::Jsonl => Face::Events,
            Output::Text | Output::Json if streams.stderr_redraws => {
                Face::Live(Live::new(door, size, mode.width, mode.verbose, true))
            }
            Output::Text | Output::Json => Face::Plain(Plain::new(mode.verbose)),
        };
        Self(Arc::new(Stage {
            mode,
            redactor: Redactor::default(),
            size: Arc::clone(&streams.size),
            stdout_is_terminal: streams.stdout_is_terminal,
            desk: Mutex::new(Desk { streams, face, document: None }),
        }))
    }

    /// Returns the redactor that everything passes.
    pub fn redactor(&self) -> Redactor {
        self.0.redactor.clone()
    }

    /// Never shows this text from now on, nor its usual encodings.
    pub fn hide(&self, secret: &SecretString) {
        self.0.redactor.hide(secret);
    }

    /// Returns where a run tells its events.
    pub fn tell(&self) -> Tell {
        let stage = Arc::clone(&self.0);
        Tell::new(move |event| stage.hear(event))
    }

    /// Shows an error.
    pub fn error(&self, error: &Error) {
        let mut desk = self.0.desk();
        match self.0.mode.output {
            Output::Text => {
                let lines = failure::failure(error, &self.0.redactor);
                self.0.story(&desk, &lines);
            }
            Output::Json => {
                let mut document = machine::error(error);
                if let (Some(result), Some(fields)) =
                    (desk.document.take(), document.as_object_mut())
                {
                    fields.insert("result".into(), result);
                }
                desk.document = Some(document);
            }
            Output::Jsonl => self.0.line(&desk, machine::error(error)),
        }
    }

    /// Hands out the result: `text` for a person, `json` for a program.
    pub fn result(&self, text: &str, json: &Value) {
        let mut desk = self.0.desk();
        match self.0.mode.output {
            Output::Text if text.is_empty() => {}
            Output::Text => {
                let stdout = &desk.streams.stdout;
                let text = format!("{}\n", text.trim_end_matches('\n'));
                desk.face.around(|| self.0.put(stdout, &text));
            }
            Output::Json => desk.document = Some(json.clone()),
            Output::Jsonl => self.0.line(&desk, json!({ "code": "result", "result": json })),
        }
    }

    /// Passes on what a command on a host printed, byte for byte where no terminal shows it.
    pub fn pass(&self, bytes: &[u8]) {
        let desk = self.0.desk();
        let stdout = &desk.streams.stdout;
        match (self.0.mode.output, std::str::from_utf8(bytes)) {
            (Output::Jsonl, _) => {
                let text = String::from_utf8_lossy(bytes);
                let prose = machine::prose("output", &text, crate::clock::now());
                self.0.line(&desk, prose);
            }
            // standard output belongs to the one document
            (Output::Json, _) => {
                let text = clean::block(&String::from_utf8_lossy(bytes));
                desk.face.around(|| self.0.put(&desk.streams.stderr, &text));
            }
            (Output::Text, _) if self.0.stdout_is_terminal => {
                let text = clean::block(&String::from_utf8_lossy(bytes));
                desk.face.around(|| self.0.put(stdout, &text));
            }
            (Output::Text, Ok(text)) => stdout.put(self.0.redactor.text(text).as_bytes()),
            (Output::Text, Err(_)) => stdout.put(bytes),
        }
    }

    /// Returns a table for [`Ui::result`] or [`Ui::say`]: no borders, a faint header.
    pub fn table(&self, headers: &[&str], rows: &[Vec<String>]) -> String {
        let columns = match self.0.mode.width {
            Some(width) => width,
            None if self.0.stdout_is_terminal => usize::from((self.0.size)().1),
            None => ENDLESS,
        };
        table::table(headers, rows, columns, &self.0.redactor)
    }

    /// Says something beside the result, unless quiet.
    pub fn say(&self, text: &str) {
        self.0.prose("say", text, || text.to_owned());
    }

    /// Begins a chapter of a story, such as the demo's.
    pub fn chapter(&self, title: &str) {
        self.0.prose("chapter", title, || {
            let title = clean::line(title);
            let rule =
                "─".repeat(self.0.measure().saturating_sub(super::ink::width(&title) + 4).min(60));
            let (left, right) = (ink(Ink::Busy, "──"), ink(Ink::Busy, &rule));
            format!("\n{left} {} {right}", ink(Ink::Strong, &title))
        });
    }

    /// Tells a sentence or two of a story, wrapped to the terminal.
    pub fn note(&self, text: &str) {
        self.0.prose("note", text, || {
            let text = self.0.redactor.text(text);
            let lines = wrap(&text, self.0.measure().saturating_sub(3));
            lines.iter().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
        });
    }

    /// Asks before something that cannot be undone. `consequences` are shown first; `expected` is the
    /// word to type instead of `y`. With `yes` nothing is asked. Blocks while a person thinks.
    ///
    /// # Errors
    /// [`Kind::Usage`] where there is no terminal to ask in, [`Kind::Failed`] when the answer is no.
    pub fn confirm(
        &self,
        question: &str,
        consequences: &[String],
        expected: Option<&str>,
        yes: bool,
    ) -> Result<()> {
        if yes {
            return Ok(());
        }
        let mut desk = self.0.desk();
        if !desk.streams.stdin_is_terminal {
            return Err(ask::nobody(question));
        }
        let warning = ink(Ink::Warn, "!");
        let consequences =
            consequences.iter().map(|text| format!("  {warning} {}\n", clean::line(text)));
        let prompt = ink(Ink::Strong, &ask::prompt(question, expected));
        let text = consequences.chain([prompt]).collect::<String>();
        let Desk { streams, face, .. } = &mut *desk;
        face.around(|| {
            self.0.put(&streams.stderr, &text);
            ask::answer(streams.stdin.as_mut(), expected, || streams.stderr.put(b"\n"))
        })
    }

    /// Ends the showing: takes moving lines away and writes the document of `-o json`.
    ///
    /// # Errors
    /// [`Kind::Failed`] when the result could not be written, other than to a reader who left.
    pub fn finish(&self) -> Result<()> {
        self.0.finish()
    }
}

impl Stage {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measure(&self) -> usize {
        let width = self.mode.width.unwrap_or_else(|| usize::from((self.size)().1));
        width.saturating_sub(1).min(MEASURE)
    }

    fn hear(&self, event: &Event) {
        let mut desk = self.desk();
        let Desk { streams, face, .. } = &mut *desk;
        // before the layout: a secret that is cut or wrapped is not found any more
        let shown = || {
            machine::each_text(event, |what| {
                self.redactor.json(clean::values(self.redactor.json(what)))
            })
        };
        match face {
            Face::Silent => {}
            Face::Events => {
                let line = machine::line(&machine::event(&shown()));
                streams.stdout.put(format!("{line}\n").as_bytes());
            }
            Face::Plain(plain) => {
                let lines = plain.hear(&shown());
                self.lines(&streams.stderr, &lines);
            }
            Face::Live(live) => {
                let stderr = &streams.stderr;
                live.hear(&shown(), |lines| self.lines(stderr, lines));
            }
        }
    }

    fn lines(&self, door: &Door, lines: &[String]) {
        if !lines.is_empty() {
            self.put(door, &format!("{}\n", lines.join("\n")));
        }
    }

    /// Writes text: the one way out for everything that is not JSON.
    fn put(&self, door: &Door, text: &str) {
        let text = self.redactor.text(&clean::inked(&self.redactor.text(text)));
        door.put(paint(&text, door.colour).as_bytes());
    }

    /// Writes lines to standard error.
    fn story(&self, desk: &Desk, text: &str) {
        let text = format!("{}\n", text.trim_end_matches('\n'));
        desk.face.around(|| self.put(&desk.streams.stderr, &text));
    }

    /// Writes a line of the stream of events.
    fn line(&self, desk: &Desk, value: Value) {
        let line = machine::line(&self.redactor.json(value));
        desk.streams.stdout.put(format!("{line}\n").as_bytes());
    }

    fn prose(&self, code: &str, text: &str, shown: impl FnOnce() -> String) {
        if self.mode.quiet {
            return;
        }
        let desk = self.desk();
        if self.mode.output == Output::Jsonl {
            let text = paint(text, false);
            self.line(&desk, machine::prose(code, &text, crate::clock::now()));
        } else {
            self.story(&desk, &shown());
        }
    }

    fn finish(&self) -> Result<()> {
        let mut desk = self.desk();
        if let Face::Live(live) = &mut desk.face {
            live.end();
        }
        if let Some(document) = desk.document.take() {
            let document = machine::document(&self.redactor.json(document));
            desk.streams.stdout.put(format!("{document}\n").as_bytes());
        }
        match desk.streams.stdout.failure() {
            Some(error) => Err(Error::new(Kind::Failed, "cannot write the result").because(error)),
            None => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // whoever wants to know has called `finish`
        let _ = self.finish();
    }
}

impl Face {
    /// Does this while no moving lines are in the way.
    fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        match self {
            Self::Live(live) => live.around(work),
            Self::Silent | Self::Plain(_) | Self::Events => work(),
        }
    }
}
