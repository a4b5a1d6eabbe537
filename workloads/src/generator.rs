//! Generators: small composable values that decide the next call.
//!
//! Nobody hands calls out: a free worker asks for its next step, and the answer is for that worker alone. A `Call`
//! that was answered is made; so a generator may count it at once, and needs no way to take it back.
//!
//! What the runner keeps to:
//!
//! - All questions and all events of a run pass through one lock, one after another.
//! - After a `Call` was answered, the next thing the generator hears is its [`Event::Invoked`].
//! - A worker asks only when it is free, with `busy` not counting itself.
//! - Every call that was invoked is completed once, in whatever order.
//!
//! What a generator keeps to:
//!
//! - A worker that was answered `Done` is answered `Done` whenever it asks again.
//! - `Pending` is answered only where a completed call can change it; what time or another free worker changes is a
//!   `Wait`.

use history::{Nanos, Operation, Process, Vocabulary};

/// What a generator knows when a free worker asks it for a call.
///
/// Workers are numbered from 0 without gaps. A combinator that gives part of the workers to a generator numbers
/// that part anew, so that `thread < threads` holds everywhere and `busy` counts the part only.
#[derive(Clone, Debug)]
pub struct Context {
    /// The worker that asks: 0 up to `threads`. A worker keeps its number when its process changes.
    pub thread: usize,
    /// The session the worker has now.
    pub process: Process,
    /// How many workers there are.
    pub threads: usize,
    /// How many workers have a call under way.
    pub busy: usize,
    /// The time now, since the run's calls began.
    pub now: Nanos,
}

/// What a generator answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<C> {
    /// Make this call now.
    Call(C),
    /// Ask again at this time, or when any call has completed, whichever is sooner.
    Wait(Nanos),
    /// Nothing for this worker until some call has completed.
    Pending,
    /// Nothing for this worker, ever.
    Done,
}

/// What a generator is told about.
#[derive(Debug)]
pub enum Event<'a, V: Vocabulary> {
    /// A worker begins a call it was given.
    Invoked {
        /// The worker.
        thread: usize,
        /// Its session.
        process: Process,
        /// The call.
        call: &'a V::Call,
    },
    /// A call has completed.
    Completed {
        /// The worker.
        thread: usize,
        /// The whole operation.
        operation: &'a Operation<V>,
    },
}

impl<V: Vocabulary> Event<'_, V> {
    /// The worker it is about.
    pub fn thread(&self) -> usize {
        match self {
            Self::Invoked { thread, .. } | Self::Completed { thread, .. } => *thread,
        }
    }

    /// The session it is about.
    pub fn process(&self) -> Process {
        match self {
            Self::Invoked { process, .. } => *process,
            Self::Completed { operation, .. } => operation.process,
        }
    }
}

/// Decides the next call. Every random choice comes from a stream of the run's seed that it was built with.
pub trait Generator<V: Vocabulary>: Send {
    /// The next step for the worker that asks.
    fn next(&mut self, context: &Context) -> Step<V::Call>;
    /// Hears of what happened.
    fn update(&mut self, _context: &Context, _event: &Event<'_, V>) {}
}

impl<V: Vocabulary, G: Generator<V> + ?Sized> Generator<V> for Box<G> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        (**self).next(context)
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        (**self).update(context, event);
    }
}
