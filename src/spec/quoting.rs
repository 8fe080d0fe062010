//! How a value is written where it lands: YAML, shell, JSON, or as it is.
//!
//! Between a template engine's filter and the final text a value travels as a token, which nothing
//! in between can turn into anything else.

use super::shell;

/// Begins a token; a character that no text is made of.
pub(super) const BEGIN: char = '\u{FDD0}';
/// Ends a token.
pub(super) const END: char = '\u{FDD1}';

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// As it is: only values of [`shell::is_safe`].
    Bare,
    /// A complete double-quoted YAML scalar.
    Yaml,
    /// One single-quoted shell word.
    Shell,
    /// A JSON string.
    Json,
}

/// A part of a rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What the template's author wrote.
    Text(String),
    /// What came from outside.
    Value {
        /// How it is written.
        quoting: Quoting,
        /// What it is.
        value: String,
    },
}

impl Piece {
    /// Returns the piece as it goes into the output.
    pub fn written(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Value { quoting, value } => quoting.write(value),
        }
    }
}

impl Quoting {
    /// Writes `value` in this quoting. The filters have refused what cannot be written.
    pub fn write(self, value: &str) -> String {
        match self {
            Self::Bare => value.to_owned(),
            Self::Shell => shell::quote(value).unwrap_or_default(),
            Self::Yaml | Self::Json => self.double_quoted(value),
        }
    }

    /// YAML's and JSON's double quotes agree on these escapes; a character beyond the basic plane
    /// is escaped only in YAML, because JSON's surrogate pairs mean something else there.
    fn double_quoted(self, value: &str) -> String {
        let mut out = String::with_capacity(value.len() + 2);
        out.push('"');
        for c in value.chars() {
            match (c, u32::from(c)) {
                ('"' | '\\', _) => out.extend(['\\', c]),
                ('\n', _) => out.push_str("\\n"),
                ('\t', _) => out.push_str("\\t"),
                (' '..='~', _) => out.push(c),
                (_, code @ ..=0xFFFF) => hex(&mut out, 'u', code, 4),
                (_, code) if self == Self::Yaml => hex(&mut out, 'U', code, 8),
                _ => out.push(c),
            }
        }
        out.push('"');
        out
    }

    const fn letter(self) -> char {
        match self {
            Self::Bare => 'b',
            Self::Yaml => 'y',
            Self::Shell => 's',
            Self::Json => 'j',
        }
    }

    /// Returns the token of `value` in this quoting.
    pub(super) fn token(self, value: &str) -> String {
        let mut token = String::with_capacity(value.len() * 2 + 8);
        token.extend([BEGIN, self.letter()]);
        for byte in value.bytes() {
            for nibble in [byte >> 4, byte & 15] {
                token.extend(char::from_digit(nibble.into(), 16));
            }
        }
        token.push(END);
        token
    }
}

/// Appends an escape of `digits` hexadecimal digits.
fn hex(out: &mut String, letter: char, code: u32, digits: u32) {
    out.extend(['\\', letter]);
    for digit in (0..digits).rev() {
        out.extend(char::from_digit((code >> (4 * digit)) & 15, 16));
    }
}

/// Cuts the output at its tokens; nothing when a token is damaged.
pub(super) fn pieces(output: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = output;
    while let Some((text, tail)) = rest.split_once(BEGIN) {
        let (token, after) = tail.split_once(END)?;
        if text.contains(END) {
            return None;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let mut digits = token.chars();
        let quoting = match digits.next()? {
            'b' => Quoting::Bare,
            'y' => Quoting::Yaml,
            's' => Quoting::Shell,
            'j' => Quoting::Json,
            _ => return None,
        };
        let mut bytes = Vec::with_capacity(token.len() / 2);
        while let Some(high) = digits.next() {
            let nibble = |c: char| (!c.is_ascii_uppercase()).then(|| c.to_digit(16)).flatten();
            bytes.push(u8::try_from(nibble(high)? << 4 | nibble(digits.next()?)?).ok()?);
        }
        pieces.push(Piece::Value { quoting, value: String::from_utf8(bytes).ok()? });
        rest = after;
    }
    if rest.contains(END) {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}
