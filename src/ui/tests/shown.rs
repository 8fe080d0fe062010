//! Runs as a terminal, a log and a program see them.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    runs::{at, failing, good, returned},
    screen::Screen,
};
use crate::{
    run::event::{Event, What},
    ui::{
        Redactor,
        checklist::Checklist,
        clean,
        ink::{paint, width},
        live::Live,
        machine,
        plain::Plain,
        streams::Streams,
        table,
    },
};

/// Returns the lines that stay of a run, and at these moments those that move.
fn checklist(events: &[Event], columns: usize, verbose: bool, moments: &[i64]) -> String {
    let mut checklist = Checklist::new(verbose);
    let mut moments = moments.iter().map(|millis| at(*millis)).peekable();
    let mut shown = Vec::new();
    for event in events {
        while let Some(moment) = moments.next_if(|moment| *moment < event.at) {
            let moving = checklist.moving(moment, columns);
            shown.extend(moving.into_iter().map(|line| format!("{line} ┊")));
        }
        shown.extend(checklist.hear(event, columns));
    }
    paint(&shown.join("\n"), false)
}

#[test]
fn a_good_release() {
    insta::assert_snapshot!(checklist(&good(), 80, false, &[950, 9_000, 20_100, 90_000]));
}

#[test]
fn a_release_that_fails() {
    insta::assert_snapshot!(checklist(&failing(), 80, false, &[60_000, 103_900]));
}

#[test]
fn a_release_that_comes_back() {
    insta::assert_snapshot!(checklist(&returned(), 80, false, &[2_050]));
}

#[test]
fn a_narrow_window_and_all_output() {
    insta::assert_snapshot!(checklist(&good(), 48, true, &[950, 9_000, 20_100]));
}

#[test]
fn colours_of_a_release() {
    let mut checklist = Checklist::new(false);
    let lines: Vec<String> =
        returned().iter().flat_map(|event| checklist.hear(event, 80)).collect();
    let shown = paint(&lines.join("\n"), true);
    insta::assert_snapshot!(shown.replace('\u{1b}', "␛"));
}

#[test]
fn a_log_of_a_good_release() {
    let mut plain = Plain::new(true);
    let events = good().into_iter().map(|event| machine::each_text(&event, clean::values));
    let lines: Vec<String> = events.flat_map(|event| plain.hear(&event)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_log_of_failing_releases() {
    let mut plain = Plain::new(false);
    let events = failing().into_iter().chain(returned());
    let lines: Vec<String> = events.flat_map(|event| plain.hear(&event)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Plays events to a live display in a terminal of this many columns.
fn live(events: &[Event], columns: u16) -> (Screen, Live) {
    let screen = Screen::new(columns.into());
    let streams =
        Streams::piped(Vec::new(), screen.clone(), std::io::empty()).in_terminal(24, columns);
    let mut live = Live::new(streams.stderr.clone(), Arc::clone(&streams.size), None, false, false);
    for event in events {
        live.hear(event, |lines| {
            streams.stderr.put(paint(&format!("{}\n", lines.join("\n")), false).as_bytes());
        });
    }
    (screen, live)
}

#[test]
fn after_a_run_only_the_lines_that_stay_are_left() {
    for columns in [40, 80, 200] {
        let (screen, _live) = live(&good(), columns);
        let stays = checklist(&good(), columns.into(), false, &[]);
        assert_eq!(screen.text().trim_end(), stays.trim_end(), "{columns} columns");
    }
}

#[test]
fn in_the_middle_of_a_run_the_moving_lines_are_last_and_once() {
    let events = good();
    let middle = events.iter().position(|event| matches!(event.what, What::Warning { .. }));
    let (screen, live) = live(&events[..=middle.unwrap()], 120);
    live.around(|| ());
    let text = screen.text();
    assert_eq!(text.matches("cloud-init runs: modules-final").count(), 1, "{text}");
    assert_eq!(text.matches("· then").count(), 1, "{text}");
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[0].contains("then") && last[1].contains("modules-final"), "{text}");
    // nothing is filled to the edge: the window can get narrower
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_step_that_nobody_announced_is_shown() {
    let events = [
        Event { at: at(0), what: What::StepProgress { step: 7, text: "alone".into() } },
        Event {
            at: at(1),
            what: What::StepDone {
                step: usize::MAX,
                name: "late".into(),
                note: String::new(),
                millis: 1,
            },
        },
    ];
    assert!(checklist(&events, 80, true, &[]).contains("✓ late"));
    let mut plain = Plain::new(true);
    let lines: Vec<String> = events.iter().flat_map(|event| plain.hear(event)).collect();
    assert_eq!(lines, ["[    0.00s] step 7: alone", "[    0.00s] late: done in 0.00 s"]);
}

#[test]
fn a_probe_without_an_answer_is_said() {
    let what = What::Probe { sent: 2, failed: 2, p50_ms: f64::NAN, max_ms: f64::NAN };
    let event = machine::each_text(&Event { at: at(0), what }, clean::values);
    let lines = Plain::new(false).hear(&event);
    assert_eq!(
        lines,
        ["[    0.00s] public address: 2 requests, 2 failed, p50 unknown, max unknown"]
    );
    assert!(machine::line(&machine::event(&event)).contains("\"p50_ms\":null"));
}

proptest! {
    #[test]
    fn no_line_reaches_the_edge(text in "\\PC{0,200}", columns in 40_usize..200, millis in any::<u64>()) {
        let mut checklist = Checklist::new(true);
        let mut events = good();
        let name = || String::from("create");
        events.pop();
        events.extend([
            What::StepStarted { step: 1, name: name(), title: text.clone() },
            What::StepProgress { step: 1, text: text.clone() },
            What::StepOutput { step: 1, line: text.clone() },
            What::Probe { sent: millis, failed: millis, p50_ms: 1e6, max_ms: 1e7 },
            What::Warning { text: text.clone() },
            What::TrafficMoved { from: Some(text.clone()), to: text.clone(), millis: millis % 3_600_000 },
            What::StepFailed { step: 1, name: name(), why: text.clone(), millis: millis % 3_600_000 },
            What::UndoStarted { step: 1, name: name() },
            What::UndoFailed { step: 1, name: name(), why: text },
        ].map(|what| Event { at: at(1), what }));
        for event in &events {
            let mut lines = checklist.hear(event, columns);
            lines.extend(checklist.moving(at(5_000), columns));
            for line in lines {
                prop_assert!(width(&line) < columns, "{line:?}");
            }
        }
    }
}

#[test]
fn a_table_with_nothing_is_nothing() {
    assert_eq!(table::table(&[], &[], 80, &Redactor::default()), "");
}
