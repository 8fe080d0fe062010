//! Asking at a fixed rate while traffic moves.
//!
//! Requests are sent when they are due, whatever became of those before, and are timed from when
//! they were due: an app that stands still for a second is seen by every request of that second.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior},
};

use super::{
    http::{Connection, HttpCheck, Prober},
    timeline::{Stats, Timeline},
};
use crate::{
    clock,
    error::{Error, Kind, Result},
};

/// A watch that goes on in the background until it is stopped or dropped.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Seen>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    began: Instant,
    unanswered: AtomicU64,
    timeline: Mutex<Timeline>,
}

impl Seen {
    fn timeline(&self) -> MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}

impl Watch {
    /// Starts to ask `rate` times a second, each time on a new connection.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the check cannot be carried out.
    pub fn start(check: &HttpCheck, rate: u32) -> Result<Self> {
        Self::start_with(check, rate, Connection::New)
    }

    /// Starts to ask `rate` times a second, with connections of that kind.
    ///
    /// # Errors
    /// [`Kind::Usage`] when the check cannot be carried out.
    pub fn start_with(check: &HttpCheck, rate: u32, connection: Connection) -> Result<Self> {
        let rate = rate.clamp(1, 1000);
        let prober = Prober::new(check, connection)
            .map_err(|unwell| Error::new(Kind::Usage, unwell.text).at("url", &check.url))?;
        let timeline = Timeline::new(check.url.to_string(), rate, clock::now());
        let seen = Arc::new(Seen {
            began: Instant::now(),
            unanswered: AtomicU64::new(0),
            timeline: Mutex::new(timeline),
        });
        let (stop, stopped) = watch::channel(false);
        // Enough for every request to wait for its whole timeout, and no more.
        let most = (check.timeout.as_secs_f64() * f64::from(rate)).ceil().clamp(1.0, 4096.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let most = most as usize + rate as usize;
        let task = tokio::spawn(go_on(Arc::new(prober), rate, most, Arc::clone(&seen), stopped));
        Ok(Self { seen, stop, task })
    }

    /// Returns the figures so far.
    pub fn stats(&self) -> Stats {
        self.figures(0)
    }

    /// Gives this moment a name.
    pub fn mark(&self, name: &str) {
        let at = self.seen.began.elapsed();
        self.seen.timeline().mark(name, at);
    }

    /// Returns the figures from the mark on; of the whole watch where there is no such mark.
    pub fn since(&self, mark: &str) -> Stats {
        let from = self.seen.timeline().from(mark);
        self.figures(from)
    }

    /// Returns for how long every request has failed; none while the app is well.
    pub fn failing_for(&self) -> Option<Duration> {
        let since = self.seen.timeline().failing_since()?;
        Some(Duration::from_millis(self.seen.now_ms().saturating_sub(since).into()))
    }

    /// Asks no more; what was seen stays.
    pub fn halt(&self) {
        self.stop.send_replace(true);
    }

    /// Returns all that was seen so far.
    pub fn timeline(&self) -> Timeline {
        self.seen.timeline().clone()
    }

    /// Stops, waits for the answers that are still to come, and returns all that was seen.
    pub async fn stop(mut self) -> Timeline {
        self.stop.send_replace(true);
        // Each request ends by its own timeout.
        (&mut self.task).await.ok();
        self.seen.timeline().clone()
    }

    fn figures(&self, from: u32) -> Stats {
        let unanswered = self.seen.unanswered.load(Ordering::Relaxed);
        let mut stats = self.seen.timeline().figures(from, u32::MAX, self.seen.now_ms());
        stats.sent += unanswered;
        stats
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn go_on(
    prober: Arc<Prober>,
    rate: u32,
    most: usize,
    seen: Arc<Seen>,
    mut stopped: watch::Receiver<bool>,
) {
    let period = Duration::from_secs(1) / rate;
    let mut due = tokio::time::interval_at(seen.began, period);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asked = JoinSet::new();
    loop {
        let at = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            at = due.tick() => at,
        };
        while asked.try_join_next().is_some() {}
        if asked.len() >= most {
            let at = at.duration_since(seen.began);
            seen.timeline().add(at, Duration::ZERO, "too many unanswered", "");
            continue;
        }
        seen.unanswered.fetch_add(1, Ordering::Relaxed);
        let (prober, seen) = (Arc::clone(&prober), Arc::clone(&seen));
        asked.spawn(async move {
            let found = prober.ask().await;
            let took = at.elapsed();
            let at = at.duration_since(seen.began);
            let (outcome, release) = match found {
                Ok(sample) => ("ok".to_owned(), sample.release),
                Err(unwell) => (unwell.reason.word(), unwell.release),
            };
            seen.timeline().add(at, took, &outcome, &release.unwrap_or_default());
            seen.unanswered.fetch_sub(1, Ordering::Relaxed);
        });
    }
    while asked.join_next().await.is_some() {}
}
