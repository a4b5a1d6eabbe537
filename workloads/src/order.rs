//! Combinators that put generators one after another: then, in-order, phases, synchronize.

use std::collections::VecDeque;

use history::Vocabulary;

use crate::{Context, Event, Generator, Step, by_thread::ByThread, leaves::later};

/// How long a free worker waits before it looks again whether the other free workers have come to a barrier. No
/// call completes then, so nothing else would wake it.
const BARRIER_POLL_NANOS: u64 = 1_000_000;

/// The most generators of [`in_order`] that are kept for workers that lag behind.
const LAGGING_MAX: usize = 1024;

/// The generators of a sequence one after another, each worker at its own pace, without a barrier.
///
/// A worker goes on to the next generator when the one it is at has ended for it. The sequence may be endless. A
/// worker that lags 1024 generators behind skips those it missed.
pub fn in_order<I: IntoIterator>(parts: I) -> InOrder<I::IntoIter, I::Item> {
    let supply = Supply { parts: parts.into_iter(), is_over: false };
    InOrder { supply, walk: Walk::default() }
}

/// Makes generators for ever by a function of how many were made: `cycle(|round| reads().limit(10))`.
pub fn cycle<G, F: FnMut(u64) -> G>(make: F) -> InOrder<std::iter::Map<std::ops::RangeFrom<u64>, F>, G> {
    in_order((0..).map(make))
}

/// See [`in_order`].
#[derive(Debug)]
pub struct InOrder<I, G> {
    supply: Supply<I>,
    walk: Walk<G>,
}

/// Where generators come from. It is not asked again once it is empty.
#[derive(Debug)]
pub(crate) struct Supply<I> {
    pub(crate) parts: I,
    pub(crate) is_over: bool,
}

impl<G, I: Iterator<Item = G>> Supply<I> {
    fn take(&mut self) -> Option<G> {
        if self.is_over {
            return None;
        }
        let part = self.parts.next();
        self.is_over = part.is_none();
        part
    }
}

/// Workers that walk along generators, which are made as the first of them gets there.
#[derive(Debug)]
pub(crate) struct Walk<G> {
    /// Those that some worker may still be at; the first is number `first`.
    live: VecDeque<G>,
    first: usize,
    at: ByThread<usize>,
    issuer: ByThread<Option<usize>>,
}

impl<G> Default for Walk<G> {
    fn default() -> Self {
        Self { live: VecDeque::new(), first: 0, at: ByThread::default(), issuer: ByThread::default() }
    }
}

impl<G> Walk<G> {
    /// Takes the next generator, and lets go of those that every worker has left behind.
    fn extend(&mut self, part: G, threads: usize) {
        let all = self.at.all();
        let slowest = if all.len() < threads { 0 } else { all.iter().copied().min().unwrap_or(0) };
        while !self.live.is_empty() && (self.first < slowest || self.live.len() == LAGGING_MAX) {
            self.live.pop_front();
            self.first += 1;
        }
        self.live.push_back(part);
    }

    pub(crate) fn next<V: Vocabulary>(
        &mut self,
        context: &Context,
        supply: &mut Supply<impl Iterator<Item = G>>,
    ) -> Step<V::Call>
    where
        G: Generator<V>,
    {
        loop {
            let at = (*self.at.of(context.thread)).max(self.first);
            *self.at.of(context.thread) = at;
            let Some(part) = self.live.get_mut(at - self.first) else {
                let Some(part) = supply.take() else { return Step::Done };
                self.extend(part, context.threads);
                continue;
            };
            match part.next(context) {
                Step::Done => *self.at.of(context.thread) = at + 1,
                step => {
                    if matches!(step, Step::Call(_)) {
                        *self.issuer.of(context.thread) = Some(at);
                    }
                    return step;
                }
            }
        }
    }

    pub(crate) fn update<V: Vocabulary>(&mut self, context: &Context, event: &Event<'_, V>)
    where
        G: Generator<V>,
    {
        if let Some(at) = *self.issuer.of(event.thread())
            && let Some(place) = at.checked_sub(self.first)
            && let Some(part) = self.live.get_mut(place)
        {
            part.update(context, event);
        }
    }
}

impl<V, G, I> Generator<V> for InOrder<I, G>
where
    V: Vocabulary,
    G: Generator<V>,
    I: Iterator<Item = G> + Send,
{
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        self.walk.next(context, &mut self.supply)
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.walk.update(context, event);
    }
}

/// The first, and for each worker for which it has ended the second.
#[derive(Debug)]
pub struct Then<A, B> {
    pub(crate) first: A,
    pub(crate) second: B,
    pub(crate) issuer_is_second: ByThread<bool>,
}

impl<V: Vocabulary, A: Generator<V>, B: Generator<V>> Generator<V> for Then<A, B> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let mut is_second = false;
        let mut step = self.first.next(context);
        if matches!(step, Step::Done) {
            is_second = true;
            step = self.second.next(context);
        }
        if matches!(step, Step::Call(_)) {
            *self.issuer_is_second.of(context.thread) = is_second;
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if *self.issuer_is_second.of(event.thread()) {
            self.second.update(context, event);
        } else {
            self.first.update(context, event);
        }
    }
}

/// The generators one after another with a barrier between: a phase begins when the one before has ended for every
/// worker and no call is under way.
///
/// All workers of its scope must get to ask it, so a combinator around it must not end for some of them only.
pub fn phases<G>(parts: impl IntoIterator<Item = G>) -> Phases<G> {
    Phases { parts: parts.into_iter().collect(), at: 0, arrived: ByThread::default(), arrivals: 0 }
}

/// See [`phases`].
#[derive(Debug)]
pub struct Phases<G> {
    parts: Vec<G>,
    at: usize,
    /// Which workers the phase has ended for, and how many they are.
    arrived: ByThread<bool>,
    arrivals: usize,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Phases<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        loop {
            let Some(part) = self.parts.get_mut(self.at) else { return Step::Done };
            if !*self.arrived.of(context.thread) {
                let step = part.next(context);
                if !matches!(step, Step::Done) || self.at + 1 == self.parts.len() {
                    return step;
                }
                *self.arrived.of(context.thread) = true;
                self.arrivals += 1;
            }
            if context.busy > 0 {
                return Step::Pending;
            }
            if self.arrivals < context.threads {
                return Step::Wait(later(context.now, BARRIER_POLL_NANOS));
            }
            self.at += 1;
            self.arrived.clear();
            self.arrivals = 0;
        }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        // A phase begins with no call under way, so every event belongs to the phase that is on.
        if let Some(part) = self.parts.get_mut(self.at) {
            part.update(context, event);
        }
    }
}

/// Begins when no call is under way.
#[derive(Debug)]
pub struct Synchronize<G> {
    pub(crate) inner: G,
    pub(crate) is_open: bool,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Synchronize<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        self.is_open |= context.busy == 0;
        if self.is_open { self.inner.next(context) } else { Step::Pending }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}
