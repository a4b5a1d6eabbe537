//! Combinators that decide when: stagger.

use history::{Nanos, Vocabulary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Context, Event, Generator, Step};

/// The shortest and longest mean distances between two calls that a rate is taken as.
const NANOS_PER_SECOND: f64 = 1e9;
const DISTANCE_MAX: f64 = 1e15;

/// The mean distance between calls at this rate, in nanoseconds.
fn distance(per_second: f64) -> f64 {
    // A rate of zero or less means "hardly ever" and not "never": the rest of the run must still be able to end.
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
