//! Takes out of foreign text what could steer a terminal: escape sequences, control characters,
//! marks that turn the direction of writing.
//!
//! An API message and the output of a command are foreign. What is taken out leaves a visible sign
//! where it could have hidden something, so that nothing looks shorter than it is.

use serde_json::Value;

use super::ink::is_mark;

/// Returns the text as one line.
pub(super) fn line(text: &str) -> String {
    scrub(text, false, false).trim_end().to_owned()
}

/// Returns the text with its lines kept.
pub(super) fn block(text: &str) -> String {
    scrub(text, true, false)
}

/// Returns text of our own making with its lines and its ink kept.
pub(super) fn inked(text: &str) -> String {
    scrub(text, true, true)
}

/// Returns a JSON value with each of its texts as one line.
pub(super) fn values(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(line(&text)),
        Value::Array(items) => items.into_iter().map(values).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, values(value))).collect())
        }
        plain => plain,
    }
}

fn scrub(text: &str, lines: bool, ink: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let tail = &rest[sign.len_utf8()..];
        rest = match sign {
            '\u{1b}' => after_escape(tail, &mut clean),
            // the same introducer in one character
            '\u{9b}' => after_control(tail),
            '\r' if tail.starts_with('\n') => tail,
            '\n' | '\r' => {
                clean.push(if lines && sign == '\n' { '\n' } else { ' ' });
                tail
            }
            '\t' => {
                clean.push_str(if lines { "    " } else { " " });
                tail
            }
            _ => {
                match sign {
                    '\u{2028}' | '\u{2029}' => clean.push(' '),
                    _ if is_mark(sign) => clean.extend(ink.then_some(sign)),
                    '\0'..='\u{1f}' => {
                        clean.extend(char::from_u32(0x2400 + u32::from(sign)));
                    }
                    '\u{7f}' => clean.push('␡'),
                    _ if sign.is_control() || turns(sign) => clean.push('\u{FFFD}'),
                    _ if unseen(sign) => {}
                    _ => clean.push(sign),
                }
                tail
            }
        };
    }
    clean
}

/// Returns what follows an escape sequence whose ESC is gone already.
fn after_escape<'a>(tail: &'a str, clean: &mut String) -> &'a str {
    let mut signs = tail.chars();
    match signs.next() {
        Some('[') => after_control(signs.as_str()),
        // strings to the terminal: titles, links, the clipboard; they end with BEL or ESC \
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = signs.as_str();
            let end = body.find(['\u{7}', '\u{1b}', '\u{9c}', '\n']);
            match end.map(|end| body.split_at(end)) {
                Some((_, end)) if end.starts_with('\n') => end,
                Some((_, end)) => match end.strip_prefix("\u{1b}\\") {
                    Some(after) => after,
                    None if end.starts_with('\u{1b}') => end,
                    None => end.get(end.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""),
                },
                // it never ends: show it, rather than let it swallow the rest
                None => {
                    clean.push('␛');
                    tail
                }
            }
        }
        Some(' '..='/') => {
            let after = signs.as_str().trim_start_matches(|sign| (' '..='/').contains(&sign));
            after.strip_prefix(|sign| ('0'..='~').contains(&sign)).unwrap_or(after)
        }
        Some('0'..='~') => signs.as_str(),
        _ => {
            clean.push('␛');
            tail
        }
    }
}

/// Returns what follows a control sequence such as `31m`.
fn after_control(body: &str) -> &str {
    let after = body.trim_start_matches(|sign| ('0'..='?').contains(&sign));
    let after = after.trim_start_matches(|sign| (' '..='/').contains(&sign));
    after.strip_prefix(|sign| ('@'..='~').contains(&sign)).unwrap_or(after)
}

/// Returns whether the character turns the direction of what follows, to make it read otherwise.
pub(super) fn turns(sign: char) -> bool {
    matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn unseen(sign: char) -> bool {
    matches!(sign, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_gone() {
        for (foreign, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}2Jx", "x"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\b", "alinkb"),
            ("a\u{1b}]0;never ends", "a␛]0;never ends"),
            ("a\u{1b}(Bb\u{1b}cz", "abz"),
            ("a\u{8}\u{7}\0b\u{7f}\u{85}", "a␈␇␀b␡\u{FFFD}"),
            ("10%\r20%\r\n", "10% 20%"),
            ("a\tb\nc", "a b c"),
            ("\u{202e}evil\u{200b}", "\u{FFFD}evil"),
            ("end\u{1b}", "end␛"),
        ] {
            assert_eq!(line(foreign), shown, "{foreign:?}");
        }
        assert_eq!(block("a\r\n\tb\n"), "a\n    b\n");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_survives(text in any::<String>(), noise in "[\u{1b}\u{9b}\\[\\]0-9;mJ\u{7}\n\r\u{202e}a]{0,40}") {
            for text in [&text, &noise, &format!("{noise}{text}")] {
                for shown in [line(text), block(text), inked(text)] {
                    prop_assert!(shown.chars().all(|sign| sign == '\n' || !sign.is_control()));
                    prop_assert!(!shown.chars().any(turns));
                }
                prop_assert!(!line(text).contains('\n'));
            }
        }

        #[test]
        fn plain_words_are_kept(text in "[a-zA-Z0-9 äöü漢字✓.,:/{}-]{0,60}") {
            prop_assert_eq!(block(&text), text);
        }
    }
}
