//! Errors, results, questions and prose through the whole stage, as they reach the streams.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::runs::good;
use crate::{
    error::{Error, Kind},
    run::event::What,
    ui::{Choice, Ink, Mode, Output, Streams, Ui, ink},
};

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stage without a terminal, and what it writes to standard output and standard error.
fn stage(mode: Mode) -> (Ui, Tape, Tape) {
    let (out, err) = (Tape::default(), Tape::default());
    (Ui::with(mode, Streams::piped(out.clone(), err.clone(), io::empty())), out, err)
}

fn text() -> Mode {
    Mode::default()
}

fn mode(output: Output) -> Mode {
    Mode { output, ..Mode::default() }
}

fn sorry() -> Error {
    let snippet =
        "\n  --> droplets.yaml:4:3\n   |\n 4 |   regin: nyc3\n   |   ^^^^^ unknown key\n   |\n";
    Error::new(Kind::Returned, "the watch failed: 7 of 40 requests")
        .at("droplet", 412)
        .at("request", "b1f0-77")
        .because(Error::new(Kind::Failed, "GET https://blog.example.com/healthz").because(
            io::Error::other("connection refused\nby \u{1b}[31mthe peer\u{1b}[0m with tok-123456"),
        ))
        .report(snippet)
        .traffic("back on blog-production-v1.3.0-aaaa")
        .hint("`remuda logs --version v1.4.0` shows why")
        .hint("the evidence is in `.remuda/evidence/r1121-7f3k`\nand stays there")
}

#[test]
fn an_error_says_what_where_why_and_what_next() {
    let (ui, out, err) = stage(text());
    ui.hide(&"tok-123456".into());
    ui.error(&sorry());
    ui.finish().unwrap();
    assert_eq!(out.text(), "");
    insta::assert_snapshot!(err.text());
}

#[test]
fn an_error_in_json_is_the_document() {
    let (ui, out, err) = stage(mode(Output::Json));
    ui.hide(&"tok-123456".into());
    ui.result("", &json!({ "half": "done" }));
    ui.error(&sorry());
    ui.finish().unwrap();
    assert_eq!(err.text(), "");
    let document: Value = serde_json::from_str(&out.text()).unwrap();
    assert_eq!(document["code"], "returned");
    assert_eq!(document["exit"], 4);
    assert_eq!(document["places"], json!({ "droplet": "412", "request": "b1f0-77" }));
    assert_eq!(document["result"], json!({ "half": "done" }));
    assert!(!out.text().contains("tok-123456"));
}

#[test]
fn jsonl_is_the_events_the_result_and_nothing_else() {
    let (ui, out, err) = stage(mode(Output::Jsonl));
    let events = good();
    for event in &events {
        ui.tell().tell(event.what.clone());
    }
    ui.chapter("one");
    ui.result("not this", &json!({ "live": "v1.4.0" }));
    ui.finish().unwrap();
    assert_eq!(err.text(), "");
    let lines: Vec<Value> =
        out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), events.len() + 2);
    assert_eq!(lines[0]["code"], "run_started");
    assert_eq!(lines[0]["steps"][1]["name"], "create");
    assert!(lines[..events.len()].iter().all(|line| line["at"].is_string()));
    assert_eq!(lines[events.len()]["code"], "chapter");
    assert_eq!(
        lines[events.len() + 1],
        json!({ "code": "result", "result": { "live": "v1.4.0" } })
    );
}

#[test]
fn json_shows_the_story_on_standard_error() {
    let (ui, out, err) = stage(mode(Output::Json));
    ui.tell().tell(What::Warning { text: "low".into() });
    ui.result("text", &json!([1]));
    ui.finish().unwrap();
    assert_eq!(out.text(), "[\n  1\n]\n");
    assert_eq!(err.text(), "[    0.00s] warning: low\n");
}

#[test]
fn quiet_leaves_errors_and_the_result() {
    for output in [Output::Text, Output::Json, Output::Jsonl] {
        let (ui, out, err) = stage(Mode { quiet: true, ..mode(output) });
        ui.tell().tell(What::Warning { text: "low".into() });
        ui.say("prose");
        ui.chapter("prose");
        ui.note("prose");
        ui.result("text", &json!("text"));
        ui.finish().unwrap();
        assert_eq!(err.text(), "");
        assert_eq!(out.text().lines().count(), 1, "{}", out.text());
        ui.error(&Error::new(Kind::Failed, "no"));
        ui.finish().unwrap();
        assert!(format!("{}{}", out.text(), err.text()).contains("no"));
    }
}

#[test]
fn a_secret_is_gone_before_the_layout_can_cut_it() {
    for output in [Output::Text, Output::Json, Output::Jsonl] {
        let (ui, out, err) = stage(Mode { width: Some(30), verbose: true, ..mode(output) });
        ui.hide(&"correct horse battery staple".into());
        let said =
            "the key is correct horse battery staple, or Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==";
        ui.note(said);
        ui.say(said);
        ui.chapter(said);
        ui.result(&ui.table(&["a"], &[vec![said.into()]]), &json!({ said: said }));
        ui.tell().tell(What::Warning { text: said.into() });
        ui.tell().tell(What::StepOutput {
            step: 0,
            line: "correct \u{1b}[1mhorse battery staple".into(),
        });
        ui.pass(said.as_bytes());
        ui.error(&Error::new(Kind::Failed, said).at("at", said).report(said).hint(said));
        ui.finish().unwrap();
        let all = format!("{}{}", out.text(), err.text());
        assert!(all.contains("[redacted]"), "{all}");
        for piece in ["horse", "staple", "Y29y", "c3RhcGxl"] {
            assert!(!all.contains(piece), "{piece} in {all}");
        }
    }
}

#[test]
fn foreign_escapes_reach_no_stream() {
    for output in [Output::Text, Output::Json, Output::Jsonl] {
        let (ui, out, err) = stage(Mode { verbose: true, color: Choice::Never, ..mode(output) });
        let foreign = "a\u{1b}[2J\u{9b}1mb\u{202e}\u{7}";
        ui.say(foreign);
        ui.note(foreign);
        ui.chapter(foreign);
        ui.tell().tell(What::StepOutput { step: 0, line: foreign.into() });
        ui.tell().tell(What::Warning { text: foreign.into() });
        ui.result(foreign, &json!(foreign));
        ui.error(&Error::new(Kind::Failed, foreign).hint(foreign).report(foreign));
        ui.finish().unwrap();
        let all = format!("{}{}", out.text(), err.text());
        let steers = |sign: char| (sign.is_control() && sign != '\n') || sign == '\u{202e}';
        assert!(!all.contains(steers), "{all:?}");
    }
}

#[test]
fn output_is_passed_byte_for_byte_where_nobody_looks() {
    let (ui, out, _) = stage(text());
    ui.pass(b"\x1b[31mred\xff\r\n");
    assert_eq!(*out.0.lock().unwrap(), b"\x1b[31mred\xff\r\n");
}

#[test]
fn prose_is_wrapped_and_a_chapter_is_ruled() {
    let (ui, _, err) = stage(Mode { width: Some(40), ..text() });
    ui.chapter("v2 goes out");
    ui.note("The second version is released while fifty requests a second arrive.");
    ui.say(&format!("{} then", ink(Ink::Good, "✓ done")));
    insta::assert_snapshot!(err.text());
}

#[test]
fn without_a_terminal_a_question_is_refused() {
    let (ui, out, err) = stage(text());
    let error = ui.confirm("destroy blog-v1", &["all is lost".into()], None, false).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.hints()[0].contains("--yes"));
    assert_eq!(out.text() + &err.text(), "");
    ui.confirm("destroy blog-v1", &[], Some("blog-v1"), true).unwrap();
}

#[test]
fn in_a_terminal_only_the_expected_answer_is_a_yes() {
    for (typed, expected, yes) in [
        ("y\n", None, true),
        ("YES\n", None, true),
        ("n\n", None, false),
        ("\n", None, false),
        ("", None, false),
        ("y\n", Some("blog-v1"), false),
        (" blog-v1 \n", Some("blog-v1"), true),
        ("blog-v1", Some("blog-v1"), true),
    ] {
        let err = Tape::default();
        let streams = Streams::piped(io::sink(), err.clone(), typed.as_bytes()).in_terminal(24, 80);
        let ui = Ui::with(text(), streams);
        let answer =
            ui.confirm("destroy blog-v1", &["droplet 412 is lost".into()], expected, false);
        assert_eq!(answer.is_ok(), yes, "{typed:?}");
        assert!(err.text().contains("droplet 412 is lost"));
        assert!(answer.map_or_else(|error| error.kind(), |()| Kind::Failed) == Kind::Failed);
    }
}

/// A stream that fails.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_leaves_is_no_error_and_a_full_disk_is() {
    for (kind, fine) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
        let streams = Streams::piped(Broken(kind), Broken(kind), io::empty());
        let ui = Ui::with(text(), streams);
        ui.say("a");
        ui.result("b", &json!("b"));
        ui.result("c", &json!("c"));
        assert_eq!(ui.finish().is_ok(), fine, "{kind}");
    }
}
