//! Holds the rooms of `src/` to the floors that `src/lib.rs` shows a newcomer.
//!
//! Reads the table in that file's documentation and every path into the crate, test code included, and
//! names each arrow that points up or sideways. It knows no room by name but `sim` and `cli`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Arrows that the floors forbid and we want: from, to, why.
const WANTED: &[(&str, &str, &str)] = &[];

/// More lines than this are two ideas.
const MOST_LINES: usize = 400;

/// Path under `src/` and text of each file.
type Tree = BTreeMap<String, String>;

#[test]
fn rooms_use_only_lower_floors() {
    let findings = findings(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")), WANTED);
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

fn read(src: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![src.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(src).expect("it is under src").display().to_string();
                tree.insert(name, fs::read_to_string(&path).expect("source is UTF-8"));
            }
        }
    }
    tree
}

/// Where a room stands: on a floor, or beside them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Floor(u32),
    Beside,
}

/// Reads the table: the lines `floor N  room room` and `beside  room` of the documentation.
fn floors(lib: &str) -> BTreeMap<&str, Place> {
    let mut rooms = BTreeMap::new();
    for line in lib.lines().filter_map(|line| line.strip_prefix("//! ")) {
        let mut words = line.split_whitespace();
        let place = match words.next() {
            Some("floor") => match words.next().and_then(|number| number.parse().ok()) {
                Some(number) => Place::Floor(number),
                None => continue,
            },
            Some("beside") => Place::Beside,
            _ => continue,
        };
        rooms.extend(words.map(|room| (room, place)));
    }
    rooms
}

/// Returns what breaks the rules, one line each.
fn findings(tree: &Tree, wanted: &[(&str, &str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let lib = tree.get("lib.rs").map_or("", String::as_str);
    let floors = floors(lib);
    if floors.is_empty() {
        return vec!["src/lib.rs shows no table of floors".into()];
    }
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")))
        .filter_map(|rest| rest.strip_suffix(';'))
        .collect();
    for room in declared.iter().filter(|room| !floors.contains_key(*room)) {
        found.push(format!("{room} is declared in src/lib.rs and stands on no floor"));
    }
    for room in floors.keys().filter(|room| !declared.contains(*room)) {
        found.push(format!("{room} stands on a floor and is not declared in src/lib.rs"));
    }
    let mut used = BTreeSet::new();
    for (file, text) in tree {
        if !text.starts_with("//!") {
            found.push(format!("src/{file} does not open with `//!`, what it is for"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            found.push(format!("src/{file} has {lines} lines, more than {MOST_LINES}"));
        }
        for target in arrows(file, text, tree) {
            let Some(&to) = floors.get(target.as_str()) else { continue };
            let from = room(file);
            if from == target || wanted.iter().any(|&(a, b, _)| a == from && b == target) {
                used.insert((from.to_owned(), target));
                continue;
            }
            if let Some(why) = forbidden(from, floors.get(from).copied(), &target, to) {
                found.push(format!("src/{file} uses {target}: {why}"));
            }
        }
    }
    for (from, to, _) in wanted {
        if !used.contains(&((*from).to_owned(), (*to).to_owned())) {
            found.push(format!("{from} → {to} is listed as wanted, and nothing uses it"));
        }
    }
    found
}

/// Says why this arrow may not be, or nothing where it may.
fn forbidden(from: &str, at: Option<Place>, target: &str, to: Place) -> Option<String> {
    match (from, at, to) {
        // the crate's root has no say, and the command line may open the door beside
        ("lib", ..) | ("cli", _, Place::Beside) => None,
        ("main", ..) => (target != "cli" && target != "sim")
            .then(|| "the binary knows the command line and the simulator's entry only".into()),
        (_, _, Place::Beside) => Some("only cli opens the door beside".into()),
        (_, None, _) => Some(format!("{from} stands on no floor")),
        // the ground is one: its rooms may lean on each other
        (_, Some(Place::Floor(0) | Place::Beside), Place::Floor(0)) => None,
        (_, Some(Place::Beside), _) => Some(format!("{from} shares only the ground floor")),
        (_, Some(Place::Floor(at)), Place::Floor(to)) => {
            (to >= at).then(|| format!("an arrow {}", if to > at { "upward" } else { "sideways" }))
        }
    }
}

/// Returns the room of a file: its folder, or its own name at the top of `src/`.
fn room(file: &str) -> &str {
    file.split_once('/').map_or_else(|| file.trim_end_matches(".rs"), |(room, _)| room)
}

/// Returns the first name of each path into the crate: `crate::name`, `remuda::name`, and `super`
/// repeated until it leaves the room; groups in braces give each of theirs.
fn arrows(file: &str, text: &str, tree: &Tree) -> BTreeSet<String> {
    let words = words(&code(text));
    let mut names = BTreeSet::new();
    // how many `super` lead from this file to the crate's root
    let depth = file.split('/').count() - usize::from(file.ends_with("/mod.rs"));
    let mut at = 0;
    while at < words.len() {
        let start = at;
        let mut supers = 0;
        while words[at] == "super" && words.get(at + 1).is_some_and(|next| next == "::") {
            supers += 1;
            at += 2;
        }
        let from_root = ["crate", "remuda"].contains(&words[start].as_str())
            && words.get(start + 1).is_some_and(|next| next == "::")
            && (start == 0 || words[start - 1] != "::");
        if from_root {
            names.extend(first_names(&words[start + 2..]));
        } else if supers >= depth {
            // deeper inside a nested module the same path may stay in the room
            let stays = |name: &String| {
                let own = room(file);
                tree.contains_key(&format!("{own}/{name}.rs"))
                    || tree.contains_key(&format!("{own}/{name}/mod.rs"))
            };
            let outside = first_names(words.get(at..).unwrap_or_default());
            names.extend(outside.into_iter().filter(|name| !stays(name)));
        }
        at = at.max(start + 1);
    }
    names
}

/// Returns the names that a path can go on with: one, or each at the first depth of a group.
fn first_names(words: &[String]) -> Vec<String> {
    if words.first().is_some_and(|word| word != "{") {
        return vec![words[0].clone()];
    }
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut before = "";
    for word in words {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if depth == 1 && (before == "{" || before == ",") => names.push(name.to_owned()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = word;
    }
    names
}

/// Splits code into names, `::` and single signs.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut signs = code.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign.is_alphanumeric() || sign == '_' {
            name.push(sign);
            continue;
        }
        if !name.is_empty() {
            words.push(std::mem::take(&mut name));
        }
        if sign == ':' && signs.next_if_eq(&':').is_some() {
            words.push("::".into());
        } else if !sign.is_whitespace() {
            words.push(sign.into());
        }
    }
    words
}

/// Returns the text without comments and literals: a path in prose is no arrow.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|tail| tail.trim_start_matches('#'));
        let after_name = code.ends_with(|sign: char| sign.is_alphanumeric() || sign == '_');
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, tail)| tail);
        } else if let Some(body) = raw.filter(|body| !after_name && body.starts_with('"')) {
            let hashes = rest.len() - body.len() - 1;
            let end = format!("\"{}", "#".repeat(hashes));
            rest = body[1..].split_once(&end).map_or("", |(_, tail)| tail);
        } else if sign == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|sign| {
                let ends = sign == '"' && !escaped;
                escaped = sign == '\\' && !escaped;
                ends
            });
            rest = end.map_or("", |end| &rest[end + 2..]);
        } else if sign == '\'' && rest[1..].starts_with("\\'") {
            rest = rest.get(4..).unwrap_or("");
        } else if sign == '\'' && rest[1..].chars().nth(1) == Some('\'') {
            rest = &rest[1 + rest[1..].find('\'').unwrap_or(0)..][1..];
        } else {
            code.push(sign);
            rest = &rest[sign.len_utf8()..];
        }
    }
    code
}

const LIB: &str = "//! x\n//! floor 2  top other\n//! floor 1  low\n//! floor 0  error retry\n//! beside   sim\n\
    pub mod top;\npub mod other;\npub mod low;\npub mod error;\npub mod retry;\npub mod sim;\n";

/// Builds a tree of rooms that break nothing, with this one file besides.
fn with(file: &str, text: &str) -> Vec<String> {
    let files = ["top/mod.rs", "other/mod.rs", "low/mod.rs", "error.rs", "retry.rs", "sim/mod.rs"];
    let mut tree: Tree = files.into_iter().map(|file| (file.into(), "//! x\n".into())).collect();
    tree.insert("lib.rs".into(), LIB.into());
    tree.insert("low/deep.rs".into(), "//! x\n".into());
    tree.insert(file.into(), text.into());
    findings(&tree, &[])
}

#[test]
fn an_arrow_down_is_right() {
    assert_eq!(with("top/a.rs", "//! x\nuse crate::{low::{B, top}, error::E};"), [""; 0]);
    assert_eq!(with("error.rs", "//! x\nuse crate::retry;"), [""; 0]);
    assert_eq!(with("sim/a.rs", "//! x\nuse crate::retry;"), [""; 0]);
    assert_eq!(with("low/mod.rs", "//! x\nmod tests { use super::deep; }"), [""; 0]);
    assert_eq!(with("main.rs", "//! x\nfn main() { remuda::sim::x() }"), [""; 0]);
}

#[test]
fn an_arrow_up_or_sideways_or_beside_is_found() {
    for (file, text, finding) in [
        ("low/a.rs", "use crate::top::A;", "src/low/a.rs uses top: an arrow upward"),
        ("low/a.rs", "use crate::{error::E, top};", "src/low/a.rs uses top: an arrow upward"),
        ("low/a.rs", "type A = crate :: top::A;", "src/low/a.rs uses top: an arrow upward"),
        ("low/a.rs", "use super::super::top;", "src/low/a.rs uses top: an arrow upward"),
        ("low/mod.rs", "use super::{error, top};", "src/low/mod.rs uses top: an arrow upward"),
        ("retry.rs", "use super::top;", "src/retry.rs uses top: an arrow upward"),
        ("top/a.rs", "use crate::other;", "src/top/a.rs uses other: an arrow sideways"),
        ("low/a.rs", "use crate::sim;", "src/low/a.rs uses sim: only cli opens the door beside"),
        ("sim/a.rs", "use crate::low;", "src/sim/a.rs uses low: sim shares only the ground floor"),
        ("lost.rs", "use crate::low;", "src/lost.rs uses low: lost stands on no floor"),
        (
            "main.rs",
            "use remuda::low;",
            "src/main.rs uses low: the binary knows the command line and the simulator's entry only",
        ),
    ] {
        assert_eq!(with(file, &format!("//! x\n{text}")), [finding], "{file}: {text}");
    }
}

#[test]
fn a_path_in_prose_or_in_a_string_is_no_arrow() {
    let text = "//! [`crate::top`]\n/* crate::top */ const A: &str = \"\\\"crate::top\"; // crate::top\n\
        const B: &str = r#\"\"crate::top\"#; const C: char = '\"'; const D: char = '\\''; fn e<'a>() {}";
    assert_eq!(with("low/a.rs", text), [""; 0]);
    let after = format!("{text} use crate::top;");
    assert_eq!(with("low/a.rs", &after), ["src/low/a.rs uses top: an arrow upward"]);
}

#[test]
fn a_file_says_what_it_is_for_and_stays_small() {
    let found = with("low/a.rs", &"\n".repeat(401));
    assert_eq!(
        found,
        [
            "src/low/a.rs does not open with `//!`, what it is for",
            "src/low/a.rs has 401 lines, more than 400"
        ]
    );
}

#[test]
fn the_table_and_the_declarations_agree() {
    let found = with("lib.rs", "//! floor 1  low gone\npub mod low;\npub mod extra;\n");
    assert_eq!(
        found,
        [
            "extra is declared in src/lib.rs and stands on no floor",
            "gone stands on a floor and is not declared in src/lib.rs"
        ]
    );
    assert_eq!(with("lib.rs", "//! x\n"), ["src/lib.rs shows no table of floors"]);
}

#[test]
fn a_wanted_arrow_must_be_used() {
    let mut tree = Tree::from([("lib.rs".into(), LIB.into())]);
    tree.insert("low/mod.rs".into(), "//! x\nuse crate::top;".into());
    assert_eq!(findings(&tree, &[("low", "top", "a test")]), [""; 0]);
    assert_eq!(
        findings(&tree, &[("low", "top", "a test"), ("low", "other", "a test")]),
        ["low → other is listed as wanted, and nothing uses it"]
    );
}
