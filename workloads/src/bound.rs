//! Combinators that end a generator or hold it back: limit, until-ok, process-limit, concurrency-limit.

use std::collections::BTreeSet;

use history::{Outcome, Process, Vocabulary};

use crate::{Context, Event, Generator, Step, by_thread::ByThread};

/// At most so many calls.
#[derive(Debug)]
pub struct Limit<G> {
    pub(crate) inner: G,
    pub(crate) left: u64,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Limit<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.left == 0 {
            return Step::Done;
        }
        let step = self.inner.next(context);
        if matches!(step, Step::Call(_)) {
            self.left -= 1;
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Calls until one of them was `Ok`. Those under way by then still complete.
#[derive(Debug)]
pub struct UntilOk<G> {
    pub(crate) inner: G,
    pub(crate) is_over: bool,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for UntilOk<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.is_over { Step::Done } else { self.inner.next(context) }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Event::Completed { operation, .. } = event {
            self.is_over |= matches!(operation.outcome, Outcome::Ok(_));
        }
        self.inner.update(context, event);
    }
}

/// Calls of at most so many processes; a worker whose process would be one more is done.
///
/// A process whose call came back `Unknown` may be in doubt for ever, and doubts are what makes checking hard: this
/// bounds them.
#[derive(Debug)]
pub struct ProcessLimit<G> {
    pub(crate) inner: G,
    pub(crate) processes_max: usize,
    pub(crate) seen: BTreeSet<Process>,
    /// The process a worker had last, which spares the look into the set.
    pub(crate) last: ByThread<Option<Process>>,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for ProcessLimit<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if *self.last.of(context.thread) == Some(context.process) {
            return self.inner.next(context);
        }
        if self.seen.len() == self.processes_max && !self.seen.contains(&context.process) {
            return Step::Done;
        }
        let step = self.inner.next(context);
        if matches!(step, Step::Call(_)) {
            self.seen.insert(context.process);
            *self.last.of(context.thread) = Some(context.process);
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// At most so many calls under way at a time.
#[derive(Debug)]
pub struct ConcurrencyLimit<G> {
    pub(crate) inner: G,
    pub(crate) calls_max: usize,
    pub(crate) under_way: usize,
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for ConcurrencyLimit<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.under_way >= self.calls_max { Step::Pending } else { self.inner.next(context) }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        match event {
            Event::Invoked { .. } => self.under_way += 1,
            Event::Completed { .. } => self.under_way = self.under_way.saturating_sub(1),
        }
        self.inner.update(context, event);
    }
}
