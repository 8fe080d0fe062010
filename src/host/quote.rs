//! Words quoted for a POSIX shell.

use crate::error::{Error, Kind, Result};

/// Returns `word` quoted so that a POSIX shell reads it as one word, with nothing expanded.
///
/// # Errors
/// [`Kind::Usage`] when the word holds a NUL, which no shell word can.
pub fn quote(word: &str) -> Result<String> {
    if word.contains('\0') {
        return Err(Error::new(Kind::Usage, "a NUL character cannot be given to a shell"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    // `=` first in a word is special to zsh, and a word with `=` in front may be an assignment.
    if !word.is_empty() && word.chars().all(plain) && !word.contains('=') {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the quoting is proved against a real shell")]
    fn through(shell: &str, words: &[String]) -> Vec<u8> {
        let line = words.iter().map(|word| quote(word).unwrap()).collect::<Vec<_>>().join(" ");
        let script = format!("printf '%s\\0' {line}");
        std::process::Command::new(shell).arg("-c").arg(script).output().unwrap().stdout
    }

    #[test]
    fn plain_words_stay_readable() {
        assert_eq!(quote("/srv/app-1.2/x_y:z").unwrap(), "/srv/app-1.2/x_y:z");
        assert_eq!(quote("").unwrap(), "''");
        assert_eq!(quote("it's").unwrap(), r"'it'\''s'");
        assert_eq!(quote("A=b").unwrap(), "'A=b'");
        assert_eq!(quote("~").unwrap(), "'~'");
    }

    #[test]
    fn nul_is_refused() {
        assert_eq!(quote("a\0b").unwrap_err().kind(), Kind::Usage);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, fork: false, ..ProptestConfig::default() })]

        #[test]
        fn a_shell_gives_back_every_word(
            words in prop::collection::vec("([^\u{0}]|['\"$`\\\\\n !*~#;&|(){}<>-]){0,40}", 1..12),
        ) {
            let mut expected = Vec::new();
            for word in &words {
                expected.extend_from_slice(word.as_bytes());
                expected.push(0);
            }
            prop_assert_eq!(through("sh", &words), expected);
        }
    }
}
