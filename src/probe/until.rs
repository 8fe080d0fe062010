//! Asking until an app is well several times in a row, or the time is over.

use std::{fmt::Write as _, time::Duration};

use tokio::time::Instant;

use super::{http::Sample, unwell::Unwell};
use crate::{
    error::{Error, Kind},
    retry::Deadline,
    size,
};

/// How many different findings the history of a failure shows.
const SHOWN: usize = 12;

/// How an app became well.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How often was asked.
    pub tries: u32,
    /// How long the last try took, in milliseconds.
    pub millis: f64,
}

/// Asks until `check` has been well `consecutive` times in a row, with a `pause` after each try.
///
/// `on_try` is told what each try found.
///
/// # Errors
/// [`Kind::Unhealthy`] at the deadline, with what was found over time.
pub async fn until_well<F, R>(
    check: F,
    consecutive: u32,
    pause: Duration,
    deadline: &Deadline,
    on_try: &(dyn Fn(&str) + Send + Sync),
) -> Result<Report, Error>
where
    F: Fn() -> R,
    R: Future<Output = Result<Sample, Unwell>>,
{
    let began = Instant::now();
    let consecutive = consecutive.max(1);
    let mut history = History::default();
    let mut well = 0;
    let mut tries = 0;
    loop {
        let left = deadline.left();
        let found = tokio::time::timeout(left, check()).await;
        tries += 1;
        let Ok(found) = found else {
            // A last try that the deadline cut short says less than those before it.
            if history.findings.is_empty() {
                history.add(began.elapsed(), &Unwell::late(left).text, None);
            }
            return Err(history.error(deadline, tries));
        };
        match found {
            Ok(sample) => {
                well += 1;
                let said = format!("well {well} of {consecutive}, {:.0} ms", sample.millis);
                on_try(&said);
                if well >= consecutive {
                    return Ok(Report { tries, millis: sample.millis });
                }
                history.add(began.elapsed(), "well", None);
            }
            Err(unwell) => {
                well = 0;
                on_try(&unwell.text);
                history.add(began.elapsed(), &unwell.text, unwell.body);
            }
        }
        if deadline.left() <= pause {
            return Err(history.error(deadline, tries));
        }
        deadline.pause(pause).await?;
    }
}

/// What was found, with equal findings in a row as one.
#[derive(Debug, Default)]
struct History {
    findings: Vec<Finding>,
    forgotten: usize,
    body: Option<String>,
}

#[derive(Debug)]
struct Finding {
    text: String,
    since: Duration,
    times: u32,
}

impl History {
    fn add(&mut self, at: Duration, text: &str, body: Option<String>) {
        if body.is_some() {
            self.body = body;
        }
        if let Some(last) = self.findings.last_mut()
            && last.text == text
        {
            last.times += 1;
            return;
        }
        if self.findings.len() == SHOWN {
            self.findings.remove(0);
            self.forgotten += 1;
        }
        self.findings.push(Finding { text: text.to_owned(), since: at, times: 1 });
    }

    fn error(self, deadline: &Deadline, tries: u32) -> Error {
        let mut report = format!("{tries} tries found:\n");
        if self.forgotten > 0 {
            report.push_str("  …\n");
        }
        for finding in &self.findings {
            let since = size::duration(finding.since);
            let times = finding.times;
            writeln!(report, "  after {since}: {} ({times}×)", finding.text).ok();
        }
        if let Some(body) = self.body.filter(|body| !body.is_empty()) {
            writeln!(report, "the last answer began with: {body}").ok();
        }
        let last = self.findings.into_iter().next_back().map(|finding| finding.text);
        let error = deadline.error().kind_is(Kind::Unhealthy).report(report.trim_end());
        match last {
            Some(text) if text != "well" => error.because(text),
            _ => error.because("it was well, but not often enough in a row"),
        }
    }
}
