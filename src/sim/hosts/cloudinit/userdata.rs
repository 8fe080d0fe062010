//! User-data as it arrives: which of its forms it is, and its content.

use std::io::Read as _;

use serde_json::{Map, Value};

/// The most that is unpacked.
const LARGEST: u64 = 16 << 20;

/// What user-data is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum UserData {
    /// There is none.
    Nothing,
    /// `#cloud-config`.
    Config(Map<String, Value>),
    /// A program with a `#!` line.
    Script(Vec<u8>),
    /// A form that the simulator does not run, and why.
    NotRun(String),
}

/// Reads user-data in any form, gzipped or not.
pub(super) fn read(bytes: &[u8]) -> UserData {
    let unpacked;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(LARGEST);
        if let Err(error) = reader.read_to_end(&mut plain) {
            return UserData::NotRun(format!("the user-data does not unpack: {error}"));
        }
        unpacked = plain;
        unpacked.as_slice()
    } else {
        bytes
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return UserData::Nothing;
    }
    if bytes.starts_with(b"#!") {
        return UserData::Script(bytes.to_vec());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return UserData::NotRun("the user-data is not text".to_owned());
    };
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first == "#cloud-config" {
        return config(text);
    }
    let lower = first.to_ascii_lowercase();
    let form = if lower.starts_with("content-type:") || lower.starts_with("mime-version:") {
        "multipart user-data".to_owned()
    } else if first.starts_with('#') {
        format!("user-data of the form `{}`", first.chars().take(40).collect::<String>())
    } else {
        "user-data without a first line that says what it is".to_owned()
    };
    UserData::NotRun(format!("the simulator does not run {form}"))
}

fn config(text: &str) -> UserData {
    // cloud-init's YAML is of version 1.1, where a leading zero makes a number octal.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    match serde_saphyr::from_str_with_options::<Value>(text, options) {
        Ok(Value::Object(config)) => UserData::Config(config),
        Ok(Value::Null) => UserData::Config(Map::new()),
        Ok(_) => UserData::NotRun("failed loading yaml blob: it is not a mapping".to_owned()),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default();
            UserData::NotRun(format!("failed loading yaml blob: {why}"))
        }
    }
}

/// Returns a value as a list: a list as it is, anything else as its only item.
pub(super) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// Returns a scalar as the text that a shell or a file gets.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}

/// Returns words of a list, or of text that separates them by commas.
pub(super) fn words(value: Option<&Value>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    list(value)
        .into_iter()
        .filter_map(text)
        .flat_map(|text| text.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn each_form_is_told_from_the_others() {
        assert_eq!(read(b""), UserData::Nothing);
        assert_eq!(read(b"#!/bin/sh\necho"), UserData::Script(b"#!/bin/sh\necho".to_vec()));
        assert!(
            matches!(read(b"#cloud-config\nhostname: a\n"), UserData::Config(map) if map.len() == 1)
        );
        assert!(matches!(read(b"#cloud-config\n"), UserData::Config(map) if map.is_empty()));
        for odd in [
            &b"Content-Type: multipart/mixed"[..],
            b"#include\nhttp://x",
            b"hello",
            b"#cloud-config\n- a",
            b"#cloud-config\na: [",
            &[0xff, 0xfe],
            &[0x1f, 0x8b, 0],
        ] {
            assert!(matches!(read(odd), UserData::NotRun(_)), "{odd:?}");
        }
    }

    #[test]
    fn gzip_is_unpacked() {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(b"#cloud-config\nruncmd: [a]\n").expect("pack");
        let packed = zip.finish().expect("pack");
        assert!(matches!(read(&packed), UserData::Config(map) if map.contains_key("runcmd")));
    }

    #[test]
    fn numbers_with_a_leading_zero_are_octal_as_cloud_init_reads_them() {
        let UserData::Config(map) = read(b"#cloud-config\na: 0644\nb: 0o644\nc: 12\nd: '0644'\n")
        else {
            panic!("it is cloud-config");
        };
        assert_eq!(
            Value::Object(map),
            serde_json::json!({"a": 420, "b": 420, "c": 12, "d": "0644"})
        );
    }

    #[test]
    fn lists_and_comma_text_are_the_same() {
        let value = serde_json::json!("docker, sudo");
        assert_eq!(words(Some(&value)), ["docker", "sudo"]);
        assert_eq!(words(Some(&serde_json::json!(["docker", "sudo"]))), ["docker", "sudo"]);
        assert!(words(None).is_empty());
    }
}
