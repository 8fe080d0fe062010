//! What a server said, made fit to be shown: short, on one line, without escape codes or the token.

/// Returns a noun for a body that is not what was expected.
pub(crate) fn what_is(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    match (start.first(), serde_json::from_slice::<serde::de::IgnoredAny>(body)) {
        (None, _) => "an empty answer",
        (Some(b'<'), _) => "HTML",
        (_, Ok(_)) => "other JSON",
        (_, Err(error)) if error.is_eof() => "JSON that ends too early",
        _ => "something that is not JSON",
    }
}

/// Makes one line of at most `longest` characters that cannot steer a terminal.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    let mut short = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty())
    {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
        if short.len() > longest {
            break;
        }
    }
    match short.char_indices().nth(longest) {
        Some((end, _)) => {
            short.truncate(end);
            short + "…"
        }
        None => short,
    }
}

/// Takes the token out of a text: some servers repeat what they were sent.
pub(crate) fn scrub(text: &str, token: &str) -> String {
    if token.len() < 8 { text.into() } else { text.replace(token, "[token]") }
}
