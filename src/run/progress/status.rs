//! `status.json`: how far the run is, once a second, for whoever looks on.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use history::Nanos;
use reports::status::{POINTS_MAX, Point, Status};

use super::Progress;
use crate::store::{self, RunFolder};

/// How often it is written.
const EVERY: Duration = Duration::from_secs(1);

/// The counts of a moment.
#[derive(Clone, Copy, Default)]
struct Counts {
    at: f64,
    ok: u64,
    fail: u64,
    unknown: u64,
    took: u64,
}

impl Progress {
    /// Writes the status until the task is dropped. A run does not fail because nobody can look on.
    pub async fn tell(self: Arc<Self>, folder: RunFolder, title: String, seed: u64) {
        let mut status = Status { title, seed, ..Status::default() };
        let mut before = self.counts();
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            let now = self.counts();
            self.fill(&mut status, before, now);
            before = now;
            let text = serde_json::to_string(&status).expect("a status is plain data");
            if let Err(failure) = folder.write(store::STATUS, text.as_bytes()) {
                tracing::warn!("{}", failure.message);
                return;
            }
            ticks.tick().await;
        }
    }

    fn counts(&self) -> Counts {
        let [ok, fail, unknown, took] =
            [&self.tally.ok, &self.tally.fail, &self.tally.unknown, &self.tally.took]
                .map(|counter| counter.load(Ordering::Relaxed));
        Counts { at: self.began.elapsed().as_secs_f64(), ok, fail, unknown, took }
    }

    fn fill(&self, status: &mut Status, before: Counts, now: Counts) {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        status.phase.clone_from(&phase.name);
        status.phase_seconds = phase.began.elapsed().as_secs_f64();
        status.phase_limit = phase.limit.map(|limit| limit.as_secs_f64());
        drop(phase);
        (status.ok, status.fail, status.unknown) = (now.ok, now.fail, now.unknown);
        status.slowest = Nanos(self.tally.slowest.load(Ordering::Relaxed));
        status.faults =
            self.faults.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let seconds = (now.at - before.at).max(1e-3);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let happened = now.ok.saturating_sub(before.ok);
        status.points.push(Point {
            at: now.at,
            ok: rate(now.ok, before.ok),
            fail: rate(now.fail, before.fail),
            unknown: rate(now.unknown, before.unknown),
            latency: Nanos(now.took.saturating_sub(before.took).checked_div(happened).unwrap_or(0)),
            faults: status.faults.len(),
        });
        let over = status.points.len().saturating_sub(POINTS_MAX);
        status.points.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_second_and_old_seconds_are_dropped() {
        let progress = Progress::new(true);
        progress.enter("calls", Some(Duration::from_secs(30)));
        let mut status = Status::default();
        let counts =
            |at: u64| Counts { at: at as f64, ok: at * 100, fail: at, unknown: 0, took: at * 100 * 5_000 };
        for second in 1..=200 {
            progress.fill(&mut status, counts(second - 1), counts(second));
        }
        assert_eq!(status.points.len(), POINTS_MAX);
        let last = status.points[POINTS_MAX - 1];
        assert_eq!((last.ok, last.fail, last.latency), (100.0, 1.0, Nanos(5_000)));
        assert_eq!((status.phase.as_str(), status.phase_limit), ("calls", Some(30.0)));
    }
}
