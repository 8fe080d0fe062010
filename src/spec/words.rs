//! What names look like: of apps, slugs, domains, headers. Pure functions of text.

use std::path::{Component, Path};

/// What [`is_name`] takes, for a hint.
pub(super) const NAME: &str = "lower-case letters, digits and hyphens, at most 32, a letter first";

fn shape(text: &str, most: usize, part: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= most && text.chars().all(part)
}

/// Returns whether `text` can name an app or an environment.
pub(super) fn is_name(text: &str) -> bool {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && shape(text, 32, part)
}

/// Returns whether `text` can be the slug of a region, a size or an image.
pub(super) fn is_slug(text: &str) -> bool {
    shape(text, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Returns whether `text` can name a Unix user.
pub(super) fn is_user(text: &str) -> bool {
    shape(text, 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
}

/// Returns whether `text` is a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| {
            if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() }
        })
}

/// Returns whether `text` can be a name or fingerprint of an SSH key.
pub(super) fn is_key(text: &str) -> bool {
    shape(text, 255, |c| !c.is_control()) && text.trim() == text
}

/// Returns whether `text` can be a tag that is not remuda's own.
pub(super) fn is_tag(text: &str) -> bool {
    shape(text, 255, |c| c.is_ascii_alphanumeric() || "_-:".contains(c))
        && !text.to_ascii_lowercase().starts_with("remuda:")
}

/// Returns whether `text` can name a template's variable.
pub(super) fn is_variable(text: &str) -> bool {
    shape(text, 64, |c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Returns whether a path stays inside of the folder that it is relative to.
pub(super) fn is_inside(path: &str) -> bool {
    let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.is_empty() && Path::new(path).components().all(stays)
}

/// Returns whether `text` can be a domain.
pub(super) fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(|label| {
            shape(label, 63, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Returns whether `text` can name a record in a domain.
pub(super) fn is_record(text: &str) -> bool {
    text == "@" || text == "*" || is_domain(&format!("{text}.x"))
}

/// Returns whether `text` can name a header.
pub(super) fn is_token(text: &str) -> bool {
    shape(text, 128, |c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
