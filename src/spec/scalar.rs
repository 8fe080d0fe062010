//! What an unquoted YAML scalar means: to us (YAML 1.2), and to cloud-init (YAML 1.1).
//!
//! Pure functions of text. The two readings differ, so a value that anybody could read as
//! something else than text is called ambiguous.

/// An unquoted scalar, as YAML 1.2's core schema reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plain {
    /// Nothing: empty, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float,
    /// Anything else.
    Text,
}

/// Reads an unquoted scalar.
pub fn read(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".inf" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => return Plain::Float,
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).map_or(Plain::Text, Plain::Int);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).map_or(Plain::Text, Plain::Int);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Plain::Int(number);
    }
    let numeric = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if numeric && text.parse::<f64>().is_ok() { Plain::Float } else { Plain::Text }
}

/// Words that YAML 1.1 or 1.2 reads as something else than text.
const WORDS: [&str; 14] =
    ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf"];

/// Returns whether an unquoted scalar could be read as something else than this very text, by
/// YAML 1.1 (which cloud-init speaks) or 1.2.
///
/// Whole numbers in their shortest decimal form are not ambiguous: they mean themselves.
pub fn is_ambiguous(text: &str) -> bool {
    if text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return text.len() > 1 && text.starts_with('0');
    }
    if WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return true;
    }
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text).replace('_', "");
    let lower = bare.to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let sexagesimal = bare.contains(':')
        && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.');
    let mut dashes = text.splitn(3, '-');
    let timestamp = dashes
        .next()
        .is_some_and(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
        && dashes.next().is_some_and(|month| month.bytes().all(|byte| byte.is_ascii_digit()));
    read(text) != Plain::Text
        || radix("0x", 16)
        || radix("0b", 2)
        || radix("0o", 8)
        || sexagesimal
        || timestamp
        || lower.parse::<f64>().is_ok()
        || matches!(lower.as_str(), ".inf" | ".nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_read_by_yaml_1_2() {
        for (text, expected) in [
            ("~", Plain::Null),
            ("True", Plain::Bool(true)),
            ("no", Plain::Text),
            ("-12", Plain::Int(-12)),
            ("0x1f", Plain::Int(31)),
            ("1.5", Plain::Float),
            ("1e3", Plain::Float),
            ("1.2.3", Plain::Text),
            ("nan", Plain::Text),
            ("99999999999999999999", Plain::Float),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_yaml_1_1_reads_otherwise_is_ambiguous() {
        for text in [
            "yes",
            "No",
            "on",
            "0644",
            "1.10",
            "1_000",
            "2026-11-21",
            "12:30",
            "0b1",
            "1e3",
            "~",
            ".5",
            "+1",
            "12345678901234567890",
            "0x1F",
            "Infinity",
        ] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["v1.10", "1.2.3", "203.0.113.10", "0", "2222", "nyc3", "a:b", "deadbeef1"] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
