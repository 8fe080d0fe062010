//! Which ports sshd's configuration names.

use std::{collections::BTreeSet, fs};

/// Returns the configured ports, 22 when there is none.
pub(super) fn configured() -> BTreeSet<u16> {
    let mut files = vec!["/etc/ssh/sshd_config".to_owned()];
    if let Ok(entries) = fs::read_dir("/etc/ssh/sshd_config.d") {
        let mut more: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.path().to_str().map(ToOwned::to_owned))
            .filter(|path| std::path::Path::new(path).extension().is_some_and(|ext| ext == "conf"))
            .collect();
        more.sort();
        files.extend(more);
    }
    let mut ports = BTreeSet::new();
    for file in files {
        ports.extend(named(&fs::read_to_string(file).unwrap_or_default()));
    }
    if ports.is_empty() {
        ports.insert(22);
    }
    ports
}

/// Returns the ports of one file's text; what stands in a `Match` block is not for all.
fn named(text: &str) -> Vec<u16> {
    let mut ports = Vec::new();
    for line in text.lines() {
        let mut words =
            line.split(|c: char| c.is_whitespace() || c == '=').filter(|w| !w.is_empty());
        match (words.next(), words.next()) {
            (Some(word), _) if word.eq_ignore_ascii_case("match") => break,
            (Some(word), Some(port)) if word.eq_ignore_ascii_case("port") => {
                ports.extend(port.parse::<u16>().ok().filter(|port| *port > 0));
            }
            _ => {}
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_lines_count_and_comments_do_not() {
        assert_eq!(
            named("#Port 22\nport 2222\nPort=2200\nPort x\nPort 0\nMatch all\nPort 9"),
            [2222, 2200]
        );
        assert_eq!(named(""), Vec::<u16>::new());
    }
}
