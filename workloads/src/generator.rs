//! Generators: small composable values that decide the next call.

use history::{Nanos, Operation, Process, Vocabulary};

/// What a generator knows when a free worker asks it for a call.
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

/// Decides the next call. Every random choice comes from a stream of the run's seed that it was built with.
pub trait Generator<V: Vocabulary>: Send {
    /// The next step for the worker that asks.
    fn next(&mut self, context: &Context) -> Step<V::Call>;
    /// Hears of what happened.
    fn update(&mut self, _context: &Context, _event: &Event<'_, V>) {}
}
