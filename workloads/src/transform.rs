//! Combinators that change or watch what passes: map, filter, trace, on-update.

use std::fmt;

use history::Vocabulary;

use crate::{Context, Event, Generator, Step, leaves::later};

/// The most calls that a filter drops for one question. After that the worker waits, so that a filter that lets
/// nothing through holds up no other worker.
const DROPPED_MAX: usize = 10_000;

/// How long it waits then.
const DROPPED_WAIT_NANOS: u64 = 1_000_000;

/// Changes every call.
#[derive(Debug)]
pub struct Map<G, F> {
    pub(crate) inner: G,
    pub(crate) change: F,
}

impl<V: Vocabulary, G: Generator<V>, F: FnMut(V::Call) -> V::Call + Send> Generator<V> for Map<G, F> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        match self.inner.next(context) {
            Step::Call(call) => Step::Call((self.change)(call)),
            step => step,
        }
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Drops the calls that the condition refuses. The generator hears nothing of those.
#[derive(Debug)]
pub struct Filter<G, P> {
    pub(crate) inner: G,
    pub(crate) keeps: P,
}

impl<V: Vocabulary, G: Generator<V>, P: FnMut(&V::Call) -> bool + Send> Generator<V> for Filter<G, P> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        for _ in 0..DROPPED_MAX {
            match self.inner.next(context) {
                Step::Call(call) if !(self.keeps)(&call) => {}
                step => return step,
            }
        }
        Step::Wait(later(context.now, DROPPED_WAIT_NANOS))
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        self.inner.update(context, event);
    }
}

/// Tells a function of every event before the generator hears of it.
#[derive(Debug)]
pub struct OnUpdate<G, F> {
    pub(crate) inner: G,
    pub(crate) hear: F,
}

impl<V, G, F> Generator<V> for OnUpdate<G, F>
where
    V: Vocabulary,
    G: Generator<V>,
    F: FnMut(&mut G, &Context, &Event<'_, V>) + Send,
{
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        self.inner.next(context)
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        (self.hear)(&mut self.inner, context, event);
        self.inner.update(context, event);
    }
}

/// Writes a line for every question and every event through a sink.
#[derive(Debug)]
pub struct Trace<G, S> {
    pub(crate) inner: G,
    pub(crate) sink: S,
}

impl<V, G, S> Generator<V> for Trace<G, S>
where
    V: Vocabulary,
    G: Generator<V>,
    S: FnMut(fmt::Arguments<'_>) + Send,
{
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let step = self.inner.next(context);
        let Context { now, thread, process, busy, .. } = context;
        match &step {
            Step::Call(call) => (self.sink)(format_args!(
                "{now} worker {thread} ({process}, {busy} busy): {}",
                V::describe_call(call)
            )),
            Step::Wait(until) => (self.sink)(format_args!("{now} worker {thread}: wait until {until}")),
            Step::Pending => (self.sink)(format_args!("{now} worker {thread}: pending")),
            Step::Done => (self.sink)(format_args!("{now} worker {thread}: done")),
        }
        step
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        let now = context.now;
        match event {
            Event::Invoked { thread, call, .. } => {
                (self.sink)(format_args!("{now} worker {thread} invoked {}", V::describe_call(call)));
            }
            Event::Completed { thread, operation } => (self.sink)(format_args!(
                "{now} worker {thread} completed {}: {}",
                V::describe_call(&operation.call),
                operation.outcome.kind()
            )),
        }
        self.inner.update(context, event);
    }
}
