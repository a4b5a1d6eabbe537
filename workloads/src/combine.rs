//! The combinators as methods, so that a generator reads in the order in which it works:
//! `mix([reads, writes], rng).stagger(100.0, rng).limit(1000)`.

use std::{collections::BTreeSet, fmt, time::Duration};

use history::Vocabulary;
use rand_chacha::ChaCha8Rng;

use crate::{
    Context, Event, Generator,
    bound::{ConcurrencyLimit, Limit, ProcessLimit, UntilOk},
    by_thread::ByThread,
    order::{Synchronize, Then},
    pace::{Delay, Stagger, TimeLimit},
    transform::{Filter, Map, OnUpdate, Trace},
};

/// The combinators of one generator. Those of several are functions: [`crate::mix`], [`crate::phases`], and others.
pub trait Combine<V: Vocabulary>: Generator<V> + Sized {
    /// At most so many calls.
    fn limit(self, calls_max: u64) -> Limit<Self> {
        Limit { inner: self, left: calls_max }
    }

    /// One call.
    fn once(self) -> Limit<Self> {
        self.limit(1)
    }

    /// Calls until one of them was `Ok`.
    fn until_ok(self) -> UntilOk<Self> {
        UntilOk { inner: self, is_over: false }
    }

    /// Calls of at most so many processes.
    fn process_limit(self, processes_max: usize) -> ProcessLimit<Self> {
        ProcessLimit { inner: self, processes_max, seen: BTreeSet::new(), last: ByThread::default() }
    }

    /// At most so many calls under way at a time; at least one.
    fn concurrency_limit(self, calls_max: usize) -> ConcurrencyLimit<Self> {
        ConcurrencyLimit { inner: self, calls_max: calls_max.max(1), under_way: 0 }
    }

    /// So many calls per second over all workers, at random distances.
    fn stagger(self, per_second: f64, rng: ChaCha8Rng) -> Stagger<Self> {
        Stagger::new(self, per_second, rng)
    }

    /// Calls exactly this far apart, over all workers.
    fn delay(self, distance: Duration) -> Delay<Self> {
        Delay::new(self, distance)
    }

    /// Calls for this long from when the first worker asks.
    fn time_limit(self, duration: Duration) -> TimeLimit<Self> {
        TimeLimit::new(self, duration)
    }

    /// This one, and for each worker for which it has ended the other one. With a barrier between: [`crate::phases`].
    fn then<B: Generator<V>>(self, second: B) -> Then<Self, B> {
        Then { first: self, second, issuer_is_second: ByThread::default() }
    }

    /// Begins when no call is under way.
    fn synchronize(self) -> Synchronize<Self> {
        Synchronize { inner: self, is_open: false }
    }

    /// Changes every call.
    fn map<F: FnMut(V::Call) -> V::Call + Send>(self, change: F) -> Map<Self, F> {
        Map { inner: self, change }
    }

    /// Only the calls that the condition keeps.
    fn filter<P: FnMut(&V::Call) -> bool + Send>(self, keeps: P) -> Filter<Self, P> {
        Filter { inner: self, keeps }
    }

    /// Tells a function of every event, which may change the generator.
    fn on_update<F: FnMut(&mut Self, &Context, &Event<'_, V>) + Send>(self, hear: F) -> OnUpdate<Self, F> {
        OnUpdate { inner: self, hear }
    }

    /// Writes a line for every question and every event through a sink.
    fn trace<S: FnMut(fmt::Arguments<'_>) + Send>(self, sink: S) -> Trace<Self, S> {
        Trace { inner: self, sink }
    }

    /// The generator behind a pointer, so that different ones have one type.
    fn boxed(self) -> Box<dyn Generator<V>>
    where
        Self: 'static,
    {
        Box::new(self)
    }
}

impl<V: Vocabulary, G: Generator<V>> Combine<V> for G {}
