//! Reading what a script writes: lines as they come, the tail of it all, the trailer at its end.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of an output is kept: its end.
const KEPT: usize = 1024 * 1024;

/// The longest line that is passed on in one piece.
const LONGEST_LINE: usize = 64 * 1024;

/// What was read of one output.
#[derive(Debug, Default)]
pub(super) struct Collected {
    kept: Vec<u8>,
    pending: Vec<u8>,
    /// The status in the trailer; none when the output ended without one.
    pub(super) status: Option<i32>,
}

impl Collected {
    /// Reads `from` up to its trailer or its end, passing lines on as they come.
    pub(super) async fn read(
        &mut self,
        mut from: impl AsyncRead + Unpin,
        marker: &str,
        on_line: &(dyn Fn(&str) + Send + Sync),
    ) {
        let mut chunk = vec![0; 16 * 1024];
        // A link that breaks looks like an end without a trailer, and is told by that.
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            if self.push(chunk.get(..count).unwrap_or_default(), marker, on_line) {
                return;
            }
        }
        self.pass(self.pending.len(), on_line);
    }

    /// Takes in a piece of output; says whether the trailer was in it.
    fn push(&mut self, piece: &[u8], marker: &str, on_line: &(dyn Fn(&str) + Send + Sync)) -> bool {
        self.pending.extend_from_slice(piece);
        if let Some((at, status)) = trailer(&self.pending, marker) {
            self.pending.truncate(at);
            self.pass(at, on_line);
            self.status = Some(status);
            return true;
        }
        // A trailer has no newline in it, so what ends with one can go.
        let whole = self.pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.pass(whole, on_line);
        if self.pending.len() > LONGEST_LINE {
            self.pass(self.pending.len() - marker.len() - 8, on_line);
        }
        false
    }

    fn pass(&mut self, count: usize, on_line: &(dyn Fn(&str) + Send + Sync)) {
        let passed: Vec<u8> = self.pending.drain(..count).collect();
        for line in passed.split_inclusive(|byte| *byte == b'\n') {
            on_line(String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']));
        }
        self.kept.extend_from_slice(&passed);
        if self.kept.len() > 2 * KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
        }
    }

    /// Returns the end of the output, at most 1 MiB of it.
    pub(super) fn text(&self) -> String {
        let from = self.kept.len().saturating_sub(KEPT);
        String::from_utf8_lossy(self.kept.get(from..).unwrap_or_default()).into_owned()
    }
}

/// Finds `marker:<status>:` and where it begins.
fn trailer(bytes: &[u8], marker: &str) -> Option<(usize, i32)> {
    let marker = marker.as_bytes();
    let at = bytes.windows(marker.len()).position(|window| window == marker)?;
    let rest = bytes.get(at + marker.len()..)?.strip_prefix(b":")?;
    let end = rest.iter().position(|byte| *byte == b':')?;
    let status = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    Some((at, status))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn collect(pieces: &[&[u8]]) -> (Collected, Vec<String>) {
        let lines = Mutex::new(Vec::new());
        let mut collected = Collected::default();
        let on_line = |line: &str| lines.lock().unwrap().push(line.to_owned());
        for piece in pieces {
            if collected.push(piece, "MARK", &on_line) {
                break;
            }
        }
        (collected, lines.into_inner().unwrap())
    }

    #[test]
    fn the_trailer_is_found_however_it_is_cut() {
        let text = b"one\ntwo\xffthreeMARK:137:never";
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            let (collected, lines) = collect(&[head, tail]);
            assert_eq!(collected.status, Some(137), "cut at {cut}");
            assert_eq!(collected.text(), "one\ntwo\u{fffd}three");
            assert_eq!(lines, ["one", "two\u{fffd}three"]);
        }
    }

    #[test]
    fn lines_come_as_soon_as_they_are_whole() {
        let (collected, lines) = collect(&[b"one\r\ntw", b"o\nthr"]);
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(collected.status, None);
    }

    #[test]
    fn only_the_end_is_kept_and_no_line_is_endless() {
        let big = vec![b'x'; 5 * 1024 * 1024];
        let (collected, lines) = collect(&[&big, b"\nlast\nMARK:0:"]);
        assert_eq!(collected.status, Some(0));
        assert_eq!(collected.text().len(), KEPT);
        assert!(collected.text().ends_with("x\nlast\n"));
        assert!(lines.len() >= 3);
        assert!(collected.kept.capacity() < 16 * 1024 * 1024);
    }

    #[test]
    fn a_marker_without_a_status_is_output() {
        let (collected, _) = collect(&[b"MARK:x:\nMARK\nMARK:\n"]);
        assert_eq!(collected.status, None);
    }
}
