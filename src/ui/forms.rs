//! The forms in which a secret appears in what is printed: as it is, and as programs encode it.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};

/// A text shorter than this is part of too many others to be looked for.
pub(super) const SHORTEST: usize = 4;

/// A line of a secret, or a middle part of its base64, shorter than this is not looked for.
const SHORTEST_PART: usize = 8;

/// Returns the forms of a secret, without those too short to look for.
pub(super) fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let trimmed = secret.trim();
    for text in [secret, trimmed] {
        forms.extend(encoded(text));
        forms.insert(super::clean::line(text));
        forms.insert(super::clean::block(text));
    }
    // output is told line by line, and a key has many
    let lines = trimmed.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART);
    forms.extend(lines.map(str::to_owned));
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

fn encoded(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut forms = vec![text.to_owned()];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        forms.push(engine.encode(bytes));
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.extend(
            (0..3).filter_map(|shift| within(&engine.encode(shifted(bytes, shift)), shift, bytes)),
        );
    }
    forms.push(hex(bytes, false));
    forms.push(hex(bytes, true));
    for kept in ["-_.~", "-_.~/", "-_.~!$&'()*+,;=:@/", "*-._"] {
        for upper in [false, true] {
            let escaped = percent(text, kept, upper);
            forms.push(escaped.replace("%20", "+"));
            forms.push(escaped);
        }
    }
    if let Ok(json) = serde_json::to_string(text) {
        // without its own quotes
        let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
        forms.push(json.replace('/', "\\/"));
        forms.push(ascii(&json, false));
        forms.push(ascii(&json, true));
        forms.push(json);
    }
    forms.push(text.escape_debug().to_string());
    forms.push(text.escape_default().to_string());
    // as a shell quotes it, and as XML and HTML do
    forms.push(text.replace('\'', "'\\''"));
    forms.push(text.replace('\'', "'\"'\"'"));
    forms.push(
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
    );
    forms
}

fn shifted(bytes: &[u8], shift: usize) -> Vec<u8> {
    let mut all = vec![0; shift];
    all.extend_from_slice(bytes);
    all
}

/// Returns the part of `encoded` that does not depend on what stands before and after the secret.
fn within(encoded: &str, shift: usize, bytes: &[u8]) -> Option<String> {
    let start = (shift * 8).div_ceil(6);
    let end = (shift + bytes.len()) * 8 / 6;
    encoded.get(start..end).filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned)
}

fn hex(bytes: &[u8], upper: bool) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(&mut hex, *byte, upper);
    }
    hex
}

fn push_hex(text: &mut String, byte: u8, upper: bool) {
    // writing to a String does not fail
    let _ = if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") };
}

fn percent(text: &str, kept: &str, upper: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let sign = char::from(byte);
        if sign.is_ascii_alphanumeric() || kept.contains(sign) {
            escaped.push(sign);
        } else {
            escaped.push('%');
            push_hex(&mut escaped, byte, upper);
        }
    }
    escaped
}

/// Returns JSON text with everything beyond ASCII as `\u` escapes.
fn ascii(json: &str, upper: bool) -> String {
    let mut escaped = String::with_capacity(json.len());
    for sign in json.chars() {
        if sign.is_ascii() {
            escaped.push(sign);
            continue;
        }
        for unit in sign.encode_utf16(&mut [0; 2]) {
            let [high, low] = unit.to_be_bytes();
            escaped.push_str("\\u");
            push_hex(&mut escaped, high, upper);
            push_hex(&mut escaped, low, upper);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_known() {
        let secret = "p\"ä/ s'1&";
        let forms = forms(secret);
        for form in [
            "p\"ä/ s'1&",
            "cCLDpC8gcycxJg==",
            "cCLDpC8gcycxJg",
            "7022c3a42f20732731 26".replace(' ', "").as_str(),
            "7022C3A42F2073273126",
            "p%22%C3%A4%2F%20s%271%26",
            "p%22%c3%a4/+s'1&",
            "p\\\"ä/ s'1&",
            "p\\\"ä\\/ s'1&",
            "p\\\"\\u00e4/ s'1&",
            "p\"ä/ s'\\''1&",
            "p&quot;ä/ s'1&amp;",
        ] {
            assert!(forms.contains(form), "{form} is not among {forms:#?}");
        }
    }

    #[test]
    fn a_quote_at_either_end_is_kept_in_json() {
        assert!(forms("\"key\"").contains("\\\"key\\\""));
        assert!(forms("key\\\"").contains("key\\\\\\\""));
    }

    #[test]
    fn a_secret_is_known_inside_longer_base64() {
        let secret = "correct horse battery";
        for before in ["", "u", "us", "user:"] {
            let text = STANDARD.encode(format!("{before}{secret}:tail"));
            assert!(forms(secret).iter().any(|form| text.contains(form)), "{text}");
        }
    }

    #[test]
    fn each_line_of_a_key_is_known() {
        let forms = forms("-----BEGIN KEY-----\nabcdefghijklmnop\nxyz\n-----END KEY-----\n");
        assert!(forms.contains("abcdefghijklmnop"));
        assert!(!forms.contains("xyz"));
    }
}
