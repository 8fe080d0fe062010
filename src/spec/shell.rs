//! One shell word from any text, and whether a place in a shell text takes one.
//!
//! POSIX sh only; pure functions of text.

/// Returns whether `value` is made of characters that mean themselves in YAML, in every kind of
/// shell quoting, and in JSON strings: `A-Z a-z 0-9 . _ : @ / + -`, not starting with `-`.
pub fn is_safe(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:@/+-".contains(&byte))
}

/// Returns `value` as one single-quoted shell word; nothing when it holds a NUL, which no shell
/// word can.
pub fn quote(value: &str) -> Option<String> {
    (!value.contains('\0')).then(|| format!("'{}'", value.replace('\'', r"'\''")))
}

/// Where the end of a shell text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Where a quoted word may stand.
    Word,
    /// Inside of something where quotes would not be quotes, and what it is.
    Inside(&'static str),
}

/// Returns where a shell text has got to at its end.
///
/// Errs towards [`Spot::Inside`]: a here-document or arithmetic anywhere before counts, because
/// telling where it ends takes a whole shell.
pub fn spot(before: &str) -> Spot {
    let mut chars = before.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return Spot::Inside("an escape"),
            '\'' if !chars.by_ref().any(|c| c == '\'') => return Spot::Inside("single quotes"),
            '"' => loop {
                match chars.next() {
                    None => return Spot::Inside("double quotes"),
                    Some('"') => break,
                    Some('\\') => {
                        chars.next();
                    }
                    // What is nested in double quotes has quotes of its own.
                    Some('`') => return Spot::Inside("backquotes"),
                    Some('$') if matches!(chars.peek(), Some('(' | '{')) => {
                        return Spot::Inside("an expansion in double quotes");
                    }
                    Some(_) => {}
                }
            },
            '`' => return Spot::Inside("backquotes"),
            '#' if last.is_whitespace() || ";&|()".contains(last) => {
                if !chars.by_ref().any(|c| c == '\n') {
                    return Spot::Inside("a comment");
                }
                last = '\n';
                continue;
            }
            '<' if last == '<' => return Spot::Inside("a here-document"),
            '(' if last == '(' => return Spot::Inside("arithmetic"),
            '{' if last == '$' => return Spot::Inside("a parameter expansion"),
            // $'…' and $"…" are not quotes everywhere.
            '$' if matches!(chars.peek(), Some('\'' | '"')) => {
                return Spot::Inside("a quote with a dollar");
            }
            _ => {}
        }
        last = c;
    }
    if last == '$' { Spot::Inside("an expansion") } else { Spot::Word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_stands_only_where_quotes_are_quotes() {
        for text in ["", "echo ", "echo 'a' \"b $x\" ", "a # it's\nb ", r"echo \' ", "x=", "$(cat "]
        {
            assert_eq!(spot(text), Spot::Word, "{text}");
        }
        for text in [
            "echo \"",
            "echo '",
            "# it",
            "cat <<E\n",
            "echo \"$(",
            "echo \"$(echo \"",
            "`",
            "$((",
            "${x:-",
            "$",
            "\\",
            "echo $'a' ",
            "a;#",
        ] {
            assert_ne!(spot(text), Spot::Word, "{text}");
        }
    }

    #[test]
    fn safe_is_narrow() {
        assert!(is_safe("v1.2.3+build-7") && is_safe("ops@example.com:22/x"));
        for text in ["", "-rf", "a b", "a\n", "é", "a,b", "$x", "a\0", "*", "~", "a=b", "#"] {
            assert!(!is_safe(text), "{text}");
        }
    }
}
