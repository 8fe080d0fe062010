//! How to speak: the flags `-o`, `-q`, `-v`, `--no-color` as values. Reads neither flags nor
//! environment.

/// What the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// For a person: the story on standard error, the result on standard output.
    #[default]
    Text,
    /// For a program: one document on standard output, at the end.
    Json,
    /// For a program: each event, the result and an error as one line each on standard output.
    Jsonl,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// Where a terminal shows it, unless `NO_COLOR` or `CLICOLOR=0`; always under
    /// `CLICOLOR_FORCE`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never: `--no-color`.
    Never,
}

/// How to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode {
    /// What the output is for.
    pub output: Output,
    /// Only errors and the result: `-q`.
    pub quiet: bool,
    /// The lines that commands print, too: `-v`.
    pub verbose: bool,
    /// Whether to colour.
    pub color: Choice,
    /// Columns to fill, where the terminal's own width shall not decide.
    pub width: Option<usize>,
}
