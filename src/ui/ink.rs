//! Words with a meaning that has a colour.
//!
//! Between its making and its printing, styled text carries noncharacters (U+FDD0 and on, which
//! Unicode keeps for a program's inside) in the place of escape codes. So escape codes never have
//! to be told apart: those that arrive are foreign, and go.

use anstyle::{AnsiColor, Style};

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// What to read first.
    Strong,
    /// What need not be read.
    Faint,
    /// What went well.
    Good,
    /// What failed.
    Bad,
    /// What wants attention.
    Warn,
    /// What goes on right now, and things that have a name.
    Busy,
}

const INKS: [Ink; 6] = [Ink::Strong, Ink::Faint, Ink::Good, Ink::Bad, Ink::Warn, Ink::Busy];
const FIRST: u32 = 0xFDD0;
const END: char = '\u{FDEF}';

impl Ink {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => colour(AnsiColor::Green),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Warn => colour(AnsiColor::Yellow),
            Self::Busy => colour(AnsiColor::Cyan),
        }
    }

    fn mark(self) -> char {
        let place = INKS.iter().position(|ink| *ink == self).unwrap_or(0);
        u32::try_from(place).ok().and_then(|place| char::from_u32(FIRST + place)).unwrap_or(END)
    }

    fn of(mark: char) -> Option<Self> {
        let place = u32::from(mark).checked_sub(FIRST)?;
        INKS.get(usize::try_from(place).ok()?).copied()
    }
}

/// Returns the text in this ink, for any of `ui`'s calls that take text.
pub fn ink(ink: Ink, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("{}{}{END}", ink.mark(), super::clean::block(text))
}

/// Returns whether this character is a mark of ink.
pub(super) fn is_mark(sign: char) -> bool {
    sign == END || Ink::of(sign).is_some()
}

/// Turns the marks into escape codes, or takes them out.
pub(super) fn paint(text: &str, colour: bool) -> String {
    let mut painted = String::with_capacity(text.len());
    let mut open = false;
    for sign in text.chars() {
        match (Ink::of(sign), sign) {
            (Some(ink), _) => {
                if colour {
                    painted.push_str(&ink.style().render().to_string());
                    open = true;
                }
            }
            (None, END) => {
                if std::mem::take(&mut open) {
                    painted.push_str("\u{1b}[0m");
                }
            }
            (None, '\n') if open => {
                // a line must be whole by itself: whoever cuts the output by lines keeps the colours right
                painted.push_str("\u{1b}[0m\n");
                open = false;
            }
            (None, sign) => painted.push(sign),
        }
    }
    if open {
        painted.push_str("\u{1b}[0m");
    }
    painted
}

/// Returns the columns that the text takes in a terminal.
pub(super) fn width(text: &str) -> usize {
    let bare: String = text.chars().filter(|sign| !is_mark(*sign)).collect();
    console::measure_text_width(&bare)
}

/// Returns the text cut to `columns`, with `…` in the place of what is gone.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = columns.saturating_sub(1);
    let mut full = columns == 0;
    for sign in text.chars() {
        if is_mark(sign) {
            kept.push(sign);
            continue;
        }
        let wide = width(sign.encode_utf8(&mut [0; 4]));
        if full || wide > left {
            if !full {
                kept.push('…');
            }
            full = true;
        } else {
            left -= wide;
            kept.push(sign);
        }
    }
    kept
}

/// Returns the text in lines of at most `columns`, broken between words where that is possible.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = columns.saturating_sub(width(&line) + usize::from(!line.is_empty()));
        if !line.is_empty() && width(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while width(&line) > columns {
            let mut taken = String::new();
            for sign in line.chars() {
                if !taken.is_empty()
                    && width(&taken) + width(sign.encode_utf8(&mut [0; 4])) > columns
                {
                    break;
                }
                taken.push(sign);
            }
            line.drain(..taken.len());
            lines.push(taken);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ink_becomes_codes_or_nothing() {
        let text = format!("a {} b", ink(Ink::Good, "✓\nc"));
        assert_eq!(paint(&text, true), "a \u{1b}[32m✓\u{1b}[0m\nc b");
        assert_eq!(paint(&text, false), "a ✓\nc b");
        assert_eq!(width(&ink(Ink::Bad, "✗ 漢")), 4);
    }

    #[test]
    fn a_foreign_mark_inside_is_taken_out() {
        assert_eq!(paint(&ink(Ink::Good, "a\u{FDD3}b\u{1b}[31mc"), true), "\u{1b}[32mabc\u{1b}[0m");
    }

    #[test]
    fn a_long_word_is_broken_and_a_text_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl m", 8), ["abcdefgh", "ijkl m"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("漢漢漢", 4), "漢…");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in "\\PC{0,80}", columns in 8_usize..40) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
            }
        }
    }
}
