//! What a watch saw: every request in the order of its sending, and the figures drawn from it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// How many requests are kept one by one: an hour at 20 a second. Beyond, they are thinned.
const KEPT: usize = 72_000;

/// A moment in a watch that was given a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its name, such as `cutover`.
    pub name: String,
    /// When it was, in milliseconds since the watch began.
    pub at_ms: u32,
}

/// Figures over the requests of a watch, or of a part of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Requests sent, those without an answer yet among them.
    pub sent: u64,
    /// Requests with the expected answer.
    pub ok: u64,
    /// Requests without it.
    pub failed: u64,
    /// The median time to an expected answer, in milliseconds, counted from when the request was
    /// due.
    pub p50_ms: f64,
    /// The time that 99 % of the expected answers stayed within.
    pub p99_ms: f64,
    /// The longest time to an expected answer.
    pub max_ms: f64,
    /// The longest time from a failed request to the next one that did not fail.
    #[serde(rename = "longest_outage_ms", serialize_with = "millis")]
    pub longest_outage: Duration,
    /// How many answers came from which version (header `X-Release`).
    pub releases: BTreeMap<String, u64>,
    /// How many requests failed for which reason.
    pub reasons: BTreeMap<String, u64>,
}

fn millis<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
}

/// All that a watch saw, compact: one list per property, words replaced by their place in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The version of this format: 1.
    pub version: u32,
    /// What was asked.
    pub url: String,
    /// How many requests a second.
    pub rate: u32,
    /// When the watch began.
    pub began: Timestamp,
    /// Moments with names.
    pub marks: Vec<Mark>,
    /// The words of `outcome`; the first is `ok`.
    pub outcomes: Vec<String>,
    /// The words of `release`; the first is empty.
    pub releases: Vec<String>,
    /// When each request was due, in milliseconds since the beginning.
    pub at_ms: Vec<u32>,
    /// How long each took, in microseconds.
    pub took_us: Vec<u32>,
    /// How each ended.
    pub outcome: Vec<u16>,
    /// Which version answered.
    pub release: Vec<u16>,
    /// How many requests each stands for: more than one where a long watch was thinned.
    pub weight: Vec<u32>,
}

impl Timeline {
    pub(super) fn new(url: String, rate: u32, began: Timestamp) -> Self {
        Self {
            version: 1,
            url,
            rate,
            began,
            marks: Vec::new(),
            outcomes: vec!["ok".into()],
            releases: vec![String::new()],
            at_ms: Vec::new(),
            took_us: Vec::new(),
            outcome: Vec::new(),
            release: Vec::new(),
            weight: Vec::new(),
        }
    }

    /// Adds a request that has ended, in the order of sending.
    pub(super) fn add(&mut self, at: Duration, took: Duration, outcome: &str, release: &str) {
        let at = clamp(at.as_millis());
        let outcome = place(&mut self.outcomes, outcome);
        let release = place(&mut self.releases, release);
        let index = self.at_ms.partition_point(|other| *other <= at);
        self.at_ms.insert(index, at);
        self.took_us.insert(index, clamp(took.as_micros()));
        self.outcome.insert(index, outcome);
        self.release.insert(index, release);
        self.weight.insert(index, 1);
        if self.at_ms.len() > KEPT && self.at_ms.len().is_multiple_of(1000) {
            self.thin();
        }
    }

    /// Makes one of every two requests in a row that ended alike, unless a mark is between them.
    /// Beginnings and ends of outages stay where they are.
    fn thin(&mut self) {
        let mut kept: Vec<Row> = Vec::with_capacity(self.at_ms.len());
        let mut merged = false;
        for row in self.rows() {
            let marked = |since| self.marks.iter().any(|m| (since..=row.at_ms).contains(&m.at_ms));
            match kept.last_mut() {
                Some(last)
                    if !merged
                        && (last.outcome, last.release) == (row.outcome, row.release)
                        && !marked(last.at_ms) =>
                {
                    last.weight = last.weight.saturating_add(row.weight);
                    last.took_us = last.took_us.max(row.took_us);
                    merged = true;
                }
                _ => {
                    kept.push(row);
                    merged = false;
                }
            }
        }
        self.at_ms = kept.iter().map(|row| row.at_ms).collect();
        self.took_us = kept.iter().map(|row| row.took_us).collect();
        self.outcome = kept.iter().map(|row| row.outcome).collect();
        self.release = kept.iter().map(|row| row.release).collect();
        self.weight = kept.iter().map(|row| row.weight).collect();
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let release = self.release.iter().zip(&self.weight);
        self.at_ms.iter().zip(&self.took_us).zip(&self.outcome).zip(release).map(
            |(((at, took), outcome), (release, weight))| Row {
                at_ms: *at,
                took_us: *took,
                outcome: *outcome,
                release: *release,
                weight: *weight,
            },
        )
    }

    /// Gives the moment `at` a name; the last of equal names counts.
    pub(super) fn mark(&mut self, name: &str, at: Duration) {
        self.marks.push(Mark { name: name.to_owned(), at_ms: clamp(at.as_millis()) });
    }

    /// Returns the figures of the whole watch; a failure at its end lasts until the last request.
    pub fn stats(&self) -> Stats {
        self.figures(0, u32::MAX, self.end())
    }

    /// Returns the figures from the mark on; of the whole watch where there is no such mark.
    pub fn since(&self, mark: &str) -> Stats {
        self.figures(self.from(mark), u32::MAX, self.end())
    }

    /// Returns the figures between two marks.
    pub fn between(&self, from: &str, to: &str) -> Stats {
        let end =
            self.marks.iter().rev().find(|mark| mark.name == to).map_or(u32::MAX, |m| m.at_ms);
        self.figures(self.from(from), end, self.end().min(end))
    }

    pub(super) fn from(&self, mark: &str) -> u32 {
        self.marks.iter().rev().find(|known| known.name == mark).map_or(0, |known| known.at_ms)
    }

    fn end(&self) -> u32 {
        let period = 1000 / self.rate.max(1);
        self.at_ms.last().map_or(0, |at| at.saturating_add(period))
    }

    /// Draws the figures of the requests due in `from..to`; an outage that goes on lasts to `now`.
    pub(super) fn figures(&self, from: u32, to: u32, now: u32) -> Stats {
        let mut stats = Stats::default();
        let mut times: Vec<(u32, u64)> = Vec::new();
        let mut down_since: Option<u32> = None;
        let mut longest = 0;
        for row in self.rows().filter(|row| (from..to).contains(&row.at_ms)) {
            let weight = u64::from(row.weight);
            stats.sent += weight;
            let word = |words: &[String], at: u16| {
                words.get(usize::from(at)).filter(|word| !word.is_empty()).cloned()
            };
            if let Some(release) = word(&self.releases, row.release) {
                *stats.releases.entry(release).or_default() += weight;
            }
            if row.outcome == 0 {
                stats.ok += weight;
                times.push((row.took_us, weight));
                if let Some(since) = down_since.take() {
                    longest = longest.max(row.at_ms.saturating_sub(since));
                }
            } else {
                stats.failed += weight;
                let reason = word(&self.outcomes, row.outcome).unwrap_or_default();
                *stats.reasons.entry(reason).or_default() += weight;
                down_since.get_or_insert(row.at_ms);
            }
        }
        if let Some(since) = down_since {
            longest = longest.max(now.saturating_sub(since));
        }
        stats.longest_outage = Duration::from_millis(u64::from(longest));
        times.sort_unstable();
        stats.p50_ms = quantile(&times, stats.ok, 50);
        stats.p99_ms = quantile(&times, stats.ok, 99);
        stats.max_ms = times.last().map_or(0.0, |(took, _)| f64::from(*took) / 1000.0);
        stats
    }

    /// Returns since when every request has failed, in milliseconds since the beginning.
    pub(super) fn failing_since(&self) -> Option<u32> {
        let ended_well = self.outcome.iter().rposition(|outcome| *outcome == 0);
        self.at_ms.get(ended_well.map_or(0, |index| index + 1)).copied()
    }
}

#[derive(Debug, Clone, Copy)]
struct Row {
    at_ms: u32,
    took_us: u32,
    outcome: u16,
    release: u16,
    weight: u32,
}

fn clamp(value: u128) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Returns the place of a word in a list, which it joins. A list that is full (an app that answers
/// with ever new words) takes no more.
fn place(words: &mut Vec<String>, word: &str) -> u16 {
    const MOST: usize = 1000;
    let found = words.iter().position(|known| known == word);
    let place = found.unwrap_or_else(|| {
        if words.len() < MOST {
            words.push(word.to_owned());
        }
        words.len() - 1
    });
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// Returns the time in milliseconds that `percent` of the answers stayed within.
fn quantile(sorted: &[(u32, u64)], total: u64, percent: u64) -> f64 {
    let wanted = (total * percent).div_ceil(100);
    let mut seen = 0;
    for (took, weight) in sorted {
        seen += weight;
        if seen >= wanted {
            return f64::from(*took) / 1000.0;
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(outcomes: &str) -> Timeline {
        let mut timeline = Timeline::new("http://x/".into(), 20, Timestamp::UNIX_EPOCH);
        for (index, outcome) in outcomes.chars().enumerate() {
            let at = Duration::from_millis(50 * index as u64);
            let took = Duration::from_micros(1000 + index as u64);
            let outcome = if outcome == '.' { "ok" } else { "refused" };
            timeline.add(at, took, outcome, if index < 5 { "v1" } else { "v2" });
        }
        timeline
    }

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_next_success() {
        let stats = timeline("..xxx.x....").stats();
        assert_eq!((stats.sent, stats.ok, stats.failed), (11, 7, 4));
        assert_eq!(stats.longest_outage, Duration::from_millis(150));
        assert_eq!(stats.reasons["refused"], 4);
        assert_eq!((stats.releases["v1"], stats.releases["v2"]), (5, 6));
        assert_eq!(timeline("....").stats().longest_outage, Duration::ZERO);
    }

    #[test]
    fn an_outage_that_goes_on_is_known() {
        let timeline = timeline("..x.xx");
        assert_eq!(timeline.failing_since(), Some(200));
        assert_eq!(timeline.stats().longest_outage, Duration::from_millis(100));
        assert_eq!(timeline.figures(0, u32::MAX, 1200).longest_outage, Duration::from_secs(1));
        assert_eq!(super::tests::timeline("x.").failing_since(), None);
        assert_eq!(super::tests::timeline("xx").failing_since(), Some(0));
        assert_eq!(super::tests::timeline("").failing_since(), None);
    }

    #[test]
    fn answers_may_come_in_any_order() {
        let mut timeline = timeline("");
        for at in [100, 0, 50] {
            let outcome = if at == 50 { "refused" } else { "ok" };
            timeline.add(Duration::from_millis(at), Duration::ZERO, outcome, "");
        }
        assert_eq!(timeline.at_ms, [0, 50, 100]);
        assert_eq!(timeline.stats().longest_outage, Duration::from_millis(50));
    }

    #[test]
    fn figures_begin_at_a_mark() {
        let mut timeline = timeline("xx....x.");
        timeline.mark("cutover", Duration::from_millis(100));
        timeline.mark("done", Duration::from_millis(300));
        let since = timeline.since("cutover");
        assert_eq!((since.sent, since.failed), (6, 1));
        let between = timeline.between("cutover", "done");
        assert_eq!((between.sent, between.failed), (4, 0));
        assert_eq!(timeline.since("no such mark").sent, 8);
    }

    #[test]
    fn quantiles_are_of_the_answers() {
        let mut timeline = timeline("");
        for index in 0..100 {
            let took = Duration::from_millis(index + 1);
            timeline.add(Duration::from_millis(index * 50), took, "ok", "");
        }
        let stats = timeline.stats();
        assert_eq!((stats.p50_ms, stats.p99_ms, stats.max_ms), (50.0, 99.0, 100.0));
    }

    #[test]
    fn a_long_watch_stays_small_and_loses_no_failure() {
        let mut timeline = timeline("");
        for index in 0..200_000_u64 {
            let outcome = if index % 10_000 == 77 { "refused" } else { "ok" };
            let at = Duration::from_millis(index * 50);
            timeline.add(at, Duration::from_millis(2), outcome, "v1");
        }
        assert!(timeline.at_ms.len() <= KEPT + 1000);
        let stats = timeline.stats();
        assert_eq!((stats.sent, stats.failed), (200_000, 20));
        assert_eq!(stats.longest_outage, Duration::from_millis(50));
        assert_eq!(stats.releases["v1"], 200_000);
    }

    #[test]
    fn it_comes_back_from_json() {
        let mut timeline = timeline("..x.");
        timeline.mark("cutover", Duration::from_millis(60));
        let text = serde_json::to_string(&timeline).unwrap();
        assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);
        let stats = serde_json::to_value(timeline.stats()).unwrap();
        assert_eq!(stats["longest_outage_ms"], 50);
    }
}
