//! Combinators that decide when: stagger, delay, time-limit, cycle-times.

use std::time::Duration;

use history::{Nanos, Vocabulary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{
    Context, Event, Generator, Step,
    by_thread::ByThread,
    choice::by,
    leaves::{later, nanos},
};

const NANOS_PER_SECOND: f64 = 1e9;

/// The longest mean distance between two calls that a rate is taken as: eleven days.
const DISTANCE_MAX: f64 = 1e15;

/// The mean distance between calls at this rate, in nanoseconds.
fn distance(per_second: f64) -> f64 {
    // A rate of zero or less means "hardly ever" and not "never": the first call is still made.
    if per_second > 0.0 { (NANOS_PER_SECOND / per_second).min(DISTANCE_MAX) } else { DISTANCE_MAX }
}

/// Spreads calls over time at a mean rate over all workers together.
///
/// The distance between two calls is uniform between nothing and twice the mean, so that calls also meet.
#[derive(Debug)]
pub struct Stagger<G> {
    inner: G,
    distance_max: f64,
    due: Option<f64>,
    rng: ChaCha8Rng,
}

impl<G> Stagger<G> {
    /// So many calls per second over all workers.
    pub fn new(inner: G, per_second: f64, rng: ChaCha8Rng) -> Self {
        Self { inner, distance_max: 2.0 * distance(per_second), due: None, rng }
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Stagger<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let now = context.now.0 as f64;
        let due = *self.due.get_or_insert(now);
        if now < due {
            return Step::Wait(Nanos(due.ceil() as u64));
        }
        let step = self.inner.next(context);
        if matches!(step, Step::Call(_)) {
            let gap = self.rng.random_range(0.0..=self.distance_max);
            // A late call does not push the later ones back, or the rate would sink under load; but a long
            // silence is not made up for by a burst.
            self.due = Some((due + gap).max(now - self.distance_max));
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Calls exactly this far apart, over all workers together; one that is late moves those after it.
#[derive(Debug)]
pub struct Delay<G> {
    inner: G,
    distance: u64,
    due: Nanos,
}

impl<G> Delay<G> {
    pub(crate) fn new(inner: G, distance: Duration) -> Self {
        Self { inner, distance: nanos(distance), due: Nanos(0) }
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Delay<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if context.now < self.due {
            return Step::Wait(self.due);
        }
        let step = self.inner.next(context);
        if matches!(step, Step::Call(_)) {
            self.due = later(context.now, self.distance);
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Calls for this long from when the first worker asks.
#[derive(Debug)]
pub struct TimeLimit<G> {
    inner: G,
    duration: u64,
    end: Option<Nanos>,
}

impl<G> TimeLimit<G> {
    pub(crate) fn new(inner: G, duration: Duration) -> Self {
        Self { inner, duration: nanos(duration), end: None }
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for TimeLimit<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let end = *self.end.get_or_insert(later(context.now, self.duration));
        if context.now >= end {
            return Step::Done;
        }
        // A worker that has nothing to do must still hear of the end when it comes.
        by(self.inner.next(context), end)
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Each generator for its time, one after another, and then from the first again; each goes on where it was.
///
/// A worker for which one has ended waits for the next one's time, and is done when all have ended for it.
pub fn cycle_times<G>(parts: impl IntoIterator<Item = (Duration, G)>) -> CycleTimes<G> {
    let (durations, parts): (Vec<Duration>, Vec<G>) = parts.into_iter().unzip();
    // A duration of nothing would never come up, and a sum of nothing has no remainder.
    let durations: Vec<u64> = durations.into_iter().map(|duration| nanos(duration).max(1)).collect();
    let period = durations.iter().fold(0_u64, |sum, duration| sum.saturating_add(*duration));
    CycleTimes {
        durations,
        parts,
        period,
        began: None,
        ended: ByThread::default(),
        issuer: ByThread::default(),
    }
}

/// See [`cycle_times`].
#[derive(Debug)]
pub struct CycleTimes<G> {
    durations: Vec<u64>,
    parts: Vec<G>,
    period: u64,
    began: Option<Nanos>,
    /// By worker, the parts that have ended for it.
    ended: ByThread<Vec<usize>>,
    issuer: ByThread<Option<usize>>,
}

impl<G> CycleTimes<G> {
    /// Whose time it is, and when that ends.
    fn current(&self, now: Nanos, began: Nanos) -> (usize, Nanos) {
        let elapsed = now.0.saturating_sub(began.0);
        let mut end = began.0.saturating_add(elapsed - elapsed % self.period);
        for (place, duration) in self.durations.iter().enumerate() {
            end = end.saturating_add(*duration);
            if now.0 < end {
                return (place, Nanos(end));
            }
        }
        (self.parts.len() - 1, Nanos(end))
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for CycleTimes<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.parts.is_empty() {
            return Step::Done;
        }
        let began = *self.began.get_or_insert(context.now);
        let (place, end) = self.current(context.now, began);
        match self.parts[place].next(context) {
            Step::Done => {
                let ended = self.ended.of(context.thread);
                if !ended.contains(&place) {
                    ended.push(place);
                }
                if ended.len() == self.parts.len() { Step::Done } else { Step::Wait(end) }
            }
            step @ Step::Call(_) => {
                *self.issuer.of(context.thread) = Some(place);
                step
            }
            step => by(step, end),
        }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some(place) = *self.issuer.of(event.thread()) {
            self.parts[place].update(context, event);
        }
    }
}
