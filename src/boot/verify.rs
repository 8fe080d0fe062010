//! Proves of each rendered document that no value has become code.
//!
//! The document is written twice: with its values, and with harmless stand-ins in the same quotes.
//! Both must be the same tree, except that each value stands exactly where its stand-in stood. So
//! it does not matter how a template's author got the context wrong: what a value cannot hold is
//! noticed for the value at hand, and nothing is sent.

use crate::spec::{
    finding::Finding,
    scalar,
    shell::{self, Spot},
    source::Source,
    template::{Piece, Quoting, Variables},
    tree::{self, Entry, Kind, Node},
};

/// Writes the pieces as a YAML document named `name`, with its tree.
///
/// # Errors
/// A finding when the document is not YAML, or a value would change it.
pub(super) fn document(
    name: &str,
    pieces: &[Piece],
    variables: &Variables,
) -> Result<(String, Node), Vec<Finding>> {
    let real: String = pieces.iter().map(Piece::written).collect();
    let stand_ins = StandIns::new(pieces, &real);
    let probe: String =
        pieces.iter().enumerate().map(|(at, piece)| stand_ins.written(at, piece)).collect();
    let (probe, findings) = tree::parse(&Source::new(format!("{name} (rendered)"), probe));
    let Some(probe) = probe.filter(|_| findings.is_empty()) else { return Err(findings) };
    for (at, piece) in pieces.iter().enumerate() {
        if let Some(what) = unprintable(piece) {
            return Err(vec![blame(name, pieces, variables, Some(at), what)]);
        }
    }
    let (tree, findings) = tree::parse(&Source::new(format!("{name} (rendered)"), real.as_str()));
    let same = match &tree {
        Some(tree) if findings.is_empty() => stand_ins.same(tree, &probe),
        _ => Err(CHANGED),
    };
    match (tree, same) {
        (Some(tree), Ok(())) => Ok((real, tree)),
        (_, same) => {
            let what = same.err().unwrap_or(CHANGED);
            let guilty = stand_ins.guilty(pieces, &probe);
            Err(vec![blame(name, pieces, variables, guilty, what)])
        }
    }
}

const CHANGED: &str = "would change the document instead of standing in it";

/// Returns why a value cannot be part of a YAML text as it is written.
///
/// cloud-init reads YAML 1.1, where more characters end a line than in 1.2.
fn unprintable(piece: &Piece) -> Option<&'static str> {
    let Piece::Value { quoting: Quoting::Bare | Quoting::Shell, value } = piece else {
        return None;
    };
    let wrong = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FDD0}'..='\u{FDEF}')
            || u32::from(c) & 0xFFFE == 0xFFFE
    };
    value.contains(wrong).then_some("holds a character that YAML cannot carry; use yaml, or json")
}

fn blame(
    name: &str,
    pieces: &[Piece],
    variables: &Variables,
    guilty: Option<usize>,
    what: &str,
) -> Finding {
    let value = guilty.and_then(|at| match pieces.get(at)? {
        Piece::Value { value, .. } => Some(value),
        Piece::Text(_) => None,
    });
    let who = value
        .and_then(|value| variables.names_of(value).into_iter().next())
        .map_or_else(|| "a value".to_owned(), |variable| format!("the value of `{variable}`"));
    Finding::whole(format!("{who} {what}, in {name}"))
        .hint("{{ value | yaml }} is a whole YAML value; in a script, {{ value | sh }} is a word")
}

/// The stand-ins of one document.
struct StandIns {
    /// Begins each stand-in, and is in no value.
    prefix: String,
    /// Position of the piece, its quoting and its value.
    values: Vec<(usize, Quoting, String)>,
}

impl StandIns {
    fn new(pieces: &[Piece], real: &str) -> Self {
        // No text holds a digest of itself.
        let digest = blake3::hash(real.as_bytes()).to_hex();
        let prefix = format!("zq{}", digest.get(..24).unwrap_or_default());
        let value = |(at, piece): (usize, &Piece)| match piece {
            Piece::Value { quoting, value } => Some((at, *quoting, value.clone())),
            Piece::Text(_) => None,
        };
        Self { prefix, values: pieces.iter().enumerate().filter_map(value).collect() }
    }

    fn word(&self, at: usize) -> String {
        format!("{}x{at}x", self.prefix)
    }

    fn written(&self, at: usize, piece: &Piece) -> String {
        match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value { quoting, .. } => quoting.write(&self.word(at)),
        }
    }

    /// Returns whether the two trees differ only in values standing for their stand-ins.
    fn same(&self, real: &Node, probe: &Node) -> Result<(), &'static str> {
        match (&real.kind, &probe.kind) {
            (
                Kind::Scalar { text, plain },
                Kind::Scalar { text: expected, plain: expected_plain },
            ) => {
                self.fits(text, expected)?;
                let holds = expected.contains(&self.prefix);
                if plain != expected_plain {
                    return Err(CHANGED);
                }
                if *plain && holds && scalar::is_ambiguous(text) {
                    return Err("would be read as something else than text");
                }
                // YAML 1.1 takes no tabs between the words of unquoted text.
                if *plain && holds && text.contains('\t') {
                    return Err("holds a tab, which unquoted YAML does not take");
                }
                Ok(())
            }
            (Kind::List(items), Kind::List(expected)) if items.len() == expected.len() => {
                items.iter().zip(expected).try_for_each(|(one, other)| self.same(one, other))
            }
            (Kind::Map(entries), Kind::Map(expected)) if entries.len() == expected.len() => {
                let pair = |(entry, stand_in): (&Entry, &Entry)| {
                    self.fits(&entry.key, &stand_in.key)?;
                    self.same(&entry.value, &stand_in.value)
                };
                entries.iter().zip(expected).try_for_each(pair)
            }
            _ => Err(CHANGED),
        }
    }

    /// Returns whether `real` is `probe` with values in place of the stand-ins: either as they are
    /// written, where the scalar is verbatim, or as they are, where YAML's quotes were read.
    fn fits(&self, real: &str, probe: &str) -> Result<(), &'static str> {
        if !probe.contains(&self.prefix) {
            return if real == probe { Ok(()) } else { Err(CHANGED) };
        }
        let (mut verbatim, mut decoded) = (probe.to_owned(), probe.to_owned());
        for (at, quoting, value) in &self.values {
            let word = self.word(*at);
            let written = quoting.write(&word);
            if *quoting == Quoting::Shell
                && let Some(found) = probe.find(&written)
                && let Spot::Inside(_) = shell::spot(probe.get(..found).unwrap_or_default())
            {
                return Err("stands where shell quotes are no quotes");
            }
            verbatim = verbatim.replace(&written, &quoting.write(value));
            decoded = decoded.replace(&word, value);
        }
        if real == verbatim || real == decoded { Ok(()) } else { Err(CHANGED) }
    }

    /// Returns the first value that alone does harm, for the message.
    fn guilty(&self, pieces: &[Piece], probe: &Node) -> Option<usize> {
        let mut guilty = self.values.iter().take(64).filter(|(suspect, ..)| {
            let text: String = pieces
                .iter()
                .enumerate()
                .map(
                    |(at, piece)| {
                        if at == *suspect { piece.written() } else { self.written(at, piece) }
                    },
                )
                .collect();
            let (tree, findings) = tree::parse(&Source::new("", text));
            let Some(tree) = tree.filter(|_| findings.is_empty()) else { return true };
            let alone = |(at, quoting, value): &(usize, Quoting, String)| {
                let value = if at == suspect { value.clone() } else { self.word(*at) };
                (*at, *quoting, value)
            };
            let values = self.values.iter().map(alone).collect();
            Self { prefix: self.prefix.clone(), values }.same(&tree, probe).is_err()
        });
        guilty.next().map(|(at, ..)| *at)
    }
}
