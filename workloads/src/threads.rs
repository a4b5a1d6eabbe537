//! Combinators that divide the workers: on-threads, reserve, each-thread, each-process.
//!
//! Every part numbers its workers anew from 0, so a generator does not need to know that it has only a part.

use history::{Process, Vocabulary};

use crate::{Context, Event, Generator, Step, by_thread::ByThread};

/// Some of the workers, as a part sees them.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    threads: usize,
    busy: usize,
}

impl Scope {
    pub(crate) fn of(threads: usize) -> Self {
        Self { threads, busy: 0 }
    }

    /// The context of a worker that has this number in the part.
    pub(crate) fn context(&self, outer: &Context, thread: usize) -> Context {
        Context { thread, threads: self.threads, busy: self.busy, process: outer.process, now: outer.now }
    }

    /// Counts a call of the part, and tells the part of it.
    pub(crate) fn update<V: Vocabulary>(
        &mut self,
        outer: &Context,
        event: &Event<'_, V>,
        thread: usize,
        mut tell: impl FnMut(&Context, &Event<'_, V>),
    ) {
        match event {
            Event::Invoked { process, call, .. } => {
                self.busy += 1;
                tell(&self.context(outer, thread), &Event::Invoked { thread, process: *process, call });
            }
            Event::Completed { operation, .. } => {
                self.busy = self.busy.saturating_sub(1);
                tell(&self.context(outer, thread), &Event::Completed { thread, operation });
            }
        }
    }
}

/// The generator for the workers that the condition picks by their number; the others are done.
pub fn on_threads<G, P: FnMut(usize) -> bool + Send>(picks: P, inner: G) -> OnThreads<G, P> {
    OnThreads { inner, picks, numbers: Vec::new(), scope: Scope::default() }
}

/// See [`on_threads`].
#[derive(Debug)]
pub struct OnThreads<G, P> {
    inner: G,
    picks: P,
    /// By worker, its number in the part.
    numbers: Vec<Option<usize>>,
    scope: Scope,
}

impl<G, P: FnMut(usize) -> bool> OnThreads<G, P> {
    fn number(&mut self, context: &Context, thread: usize) -> Option<usize> {
        if self.numbers.is_empty() {
            for thread in 0..context.threads {
                let is_picked = (self.picks)(thread);
                self.numbers.push(is_picked.then_some(self.scope.threads));
                self.scope.threads += usize::from(is_picked);
            }
        }
        self.numbers.get(thread).copied().flatten()
    }
}

impl<V: Vocabulary, G: Generator<V>, P: FnMut(usize) -> bool + Send> Generator<V> for OnThreads<G, P> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        match self.number(context, context.thread) {
            Some(number) => self.inner.next(&self.scope.context(context, number)),
            None => Step::Done,
        }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some(number) = self.number(context, event.thread()) {
            let inner = &mut self.inner;
            self.scope.update(context, event, number, |context, event| inner.update(context, event));
        }
    }
}

/// Gives the first so many workers to the first generator, the next so many to the second, and so on; the rest go
/// to the last one.
pub fn reserve<G>(parts: impl IntoIterator<Item = (usize, G)>, rest: G) -> Reserve<G> {
    let mut from = 0;
    let mut reserved = Vec::new();
    for (threads, inner) in parts {
        reserved.push(Part { from, threads: Some(threads), inner, scope: Scope::of(threads) });
        from += threads;
    }
    reserved.push(Part { from, threads: None, inner: rest, scope: Scope::default() });
    Reserve { parts: reserved }
}

/// See [`reserve`].
#[derive(Debug)]
pub struct Reserve<G> {
    parts: Vec<Part<G>>,
}

/// Workers from one number on.
#[derive(Debug)]
struct Part<G> {
    from: usize,
    /// How many; `None` for all the rest.
    threads: Option<usize>,
    inner: G,
    scope: Scope,
}

impl<G> Reserve<G> {
    fn part(&mut self, thread: usize, threads: usize) -> Option<&mut Part<G>> {
        let part = self.parts.iter_mut().rev().find(|part| part.from <= thread && part.threads != Some(0))?;
        // What is left may be fewer than were reserved.
        let left = threads.saturating_sub(part.from);
        part.scope.threads = part.threads.map_or(left, |reserved| reserved.min(left));
        Some(part)
    }
}

impl<V: Vocabulary, G: Generator<V>> Generator<V> for Reserve<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let Some(part) = self.part(context.thread, context.threads) else { return Step::Done };
        part.inner.next(&part.scope.context(context, context.thread - part.from))
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        let Some(part) = self.part(event.thread(), context.threads) else { return };
        let inner = &mut part.inner;
        let number = event.thread() - part.from;
        part.scope.update(context, event, number, |context, event| inner.update(context, event));
    }
}

/// A generator for each worker, made by a function of its number.
pub fn each_thread<G, F: FnMut(usize) -> G + Send>(make: F) -> EachThread<G, F> {
    EachThread { make, own: ByThread::default() }
}

/// See [`each_thread`].
#[derive(Debug)]
pub struct EachThread<G, F> {
    make: F,
    own: ByThread<Option<G>>,
}

/// The context of a generator that has one worker.
fn alone(outer: &Context) -> Context {
    Context { thread: 0, threads: 1, busy: 0, process: outer.process, now: outer.now }
}

/// Tells a generator that has one worker of that worker's event.
fn tell_alone<V: Vocabulary>(generator: &mut impl Generator<V>, context: &Context, event: &Event<'_, V>) {
    Scope { threads: 1, busy: usize::from(matches!(event, Event::Completed { .. })) }.update(
        context,
        event,
        0,
        |context, event| generator.update(context, event),
    );
}

impl<V: Vocabulary, G: Generator<V>, F: FnMut(usize) -> G + Send> Generator<V> for EachThread<G, F> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let make = &mut self.make;
        let own = self.own.of(context.thread).get_or_insert_with(|| make(context.thread));
        own.next(&alone(context))
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some(own) = self.own.of(event.thread()) {
            tell_alone(own, context, event);
        }
    }
}

/// A generator for each process, made by a function of the process. A worker that gets a new process after an
/// `Unknown` outcome begins a new one.
pub fn each_process<G, F: FnMut(Process) -> G + Send>(make: F) -> EachProcess<G, F> {
    EachProcess { make, own: ByThread::default() }
}

/// See [`each_process`].
#[derive(Debug)]
pub struct EachProcess<G, F> {
    make: F,
    own: ByThread<Option<(Process, G)>>,
}

impl<V: Vocabulary, G: Generator<V>, F: FnMut(Process) -> G + Send> Generator<V> for EachProcess<G, F> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let own = self.own.of(context.thread);
        if own.as_ref().is_none_or(|(process, _)| *process != context.process) {
            *own = Some((context.process, (self.make)(context.process)));
        }
        own.as_mut().map_or(Step::Done, |(_, generator)| generator.next(&alone(context)))
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some((process, own)) = self.own.of(event.thread())
            && *process == event.process()
        {
            tell_alone(own, context, event);
        }
    }
}
