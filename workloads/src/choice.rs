//! Combinators that choose between generators: mix, weighted, any, flip-flop.

use history::{Nanos, Vocabulary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Context, Event, Generator, Step, by_thread::ByThread};

/// Draws one of the generators for every call, each as likely as the other.
///
/// Where the drawn one has nothing now, another is drawn, so that one that waits holds up none of the others (in
/// Jepsen it stalls the whole mix). It ends for a worker when all have ended for it.
pub fn mix<G>(branches: impl IntoIterator<Item = G>, rng: ChaCha8Rng) -> Mix<G> {
    weighted(branches.into_iter().map(|branch| (1, branch)), rng)
}

/// Like [`mix`], each as likely as its weight says. A weight of 0 is drawn only when all others have nothing.
pub fn weighted<G>(branches: impl IntoIterator<Item = (u32, G)>, rng: ChaCha8Rng) -> Mix<G> {
    let (weights, branches): (Vec<u32>, Vec<G>) = branches.into_iter().unzip();
    let total = weights.iter().map(|weight| u64::from(*weight)).sum();
    let tried = vec![false; branches.len()];
    Mix {
        weights,
        total,
        branches,
        tried,
        issuer: ByThread::default(),
        ends_with_first: false,
        is_over: false,
        rng,
    }
}

/// Whichever generator has a call first; among several that have one, a random one.
pub fn any<G>(branches: impl IntoIterator<Item = G>, rng: ChaCha8Rng) -> Mix<G> {
    mix(branches, rng)
}

/// Like [`any`], but it ends for all workers as soon as a generator that it drew has ended for one.
pub fn shortest_any<G>(branches: impl IntoIterator<Item = G>, rng: ChaCha8Rng) -> Mix<G> {
    Mix { ends_with_first: true, ..mix(branches, rng) }
}

/// See [`mix`].
#[derive(Debug)]
pub struct Mix<G> {
    weights: Vec<u32>,
    total: u64,
    branches: Vec<G>,
    /// Which branches had nothing for the worker that asks; only used between two draws.
    tried: Vec<bool>,
    /// Which branch a worker's call came from: that one hears of it.
    issuer: ByThread<Option<usize>>,
    ends_with_first: bool,
    is_over: bool,
    rng: ChaCha8Rng,
}

impl<G> Mix<G> {
    /// Draws a branch by weight from those that were not tried, whose weights sum to `total`.
    fn draw(&mut self, total: u64, has_tried: bool) -> Option<usize> {
        let untried = |place: &usize| !has_tried || !self.tried[*place];
        if total == 0 {
            return (0..self.branches.len()).find(untried);
        }
        let mut at = self.rng.random_range(0..total);
        for place in (0..self.branches.len()).filter(untried) {
            let weight = u64::from(self.weights[place]);
            if at < weight {
                return Some(place);
            }
            at -= weight;
        }
        None
    }
}

/// The sooner of two answers that are not calls. `Done` is the latest of all.
pub(crate) fn sooner<C>(a: Step<C>, b: Step<C>) -> Step<C> {
    match (a, b) {
        (Step::Wait(a), Step::Wait(b)) => Step::Wait(a.min(b)),
        (Step::Wait(at), _) | (_, Step::Wait(at)) => Step::Wait(at),
        (Step::Pending, _) | (_, Step::Pending) => Step::Pending,
        _ => Step::Done,
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Mix<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.is_over {
            return Step::Done;
        }
        let mut total = self.total;
        let mut soonest = Step::Done;
        let mut has_tried = false;
        while let Some(place) = self.draw(total, has_tried) {
            let step = self.branches[place].next(context);
            match step {
                Step::Call(_) => {
                    *self.issuer.of(context.thread) = Some(place);
                    return step;
                }
                Step::Done if self.ends_with_first => {
                    self.is_over = true;
                    return Step::Done;
                }
                _ => soonest = sooner(soonest, step),
            }
            if !has_tried {
                self.tried.fill(false);
                has_tried = true;
            }
            self.tried[place] = true;
            total -= u64::from(self.weights[place]);
        }
        soonest
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some(place) = *self.issuer.of(event.thread()) {
            self.branches[place].update(context, event);
        }
    }
}

/// A call of the first, then one of the second, then one of the first again, until one of them has ended
/// for some worker.
pub fn flip_flop<A, B>(first: A, second: B) -> FlipFlop<A, B> {
    FlipFlop { first, second, is_second: false, is_over: false, issuer: ByThread::default() }
}

/// See [`flip_flop`].
#[derive(Debug)]
pub struct FlipFlop<A, B> {
    first: A,
    second: B,
    is_second: bool,
    /// It ends for all workers at once: one that went on alone would wait for ever at a barrier inside.
    is_over: bool,
    issuer: ByThread<bool>,
}

impl<V: Vocabulary, A: Generator<V>, B: Generator<V>> Generator<V> for FlipFlop<A, B> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.is_over {
            return Step::Done;
        }
        let step = if self.is_second { self.second.next(context) } else { self.first.next(context) };
        if matches!(step, Step::Call(_)) {
            *self.issuer.of(context.thread) = self.is_second;
            self.is_second = !self.is_second;
        }
        self.is_over = matches!(step, Step::Done);
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if *self.issuer.of(event.thread()) {
            self.second.update(context, event);
        } else {
            self.first.update(context, event);
        }
    }
}

/// An answer that is not later than this time: a generator that looks again then may have something.
pub(crate) fn by<C>(step: Step<C>, time: Nanos) -> Step<C> {
    match step {
        Step::Wait(at) => Step::Wait(at.min(time)),
        Step::Pending => Step::Wait(time),
        other => other,
    }
}
