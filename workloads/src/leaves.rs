//! The generators that make calls themselves, and those that make none.

use std::{collections::VecDeque, fmt, marker::PhantomData, time::Duration};

use history::{Nanos, Vocabulary};

use crate::{Context, Generator, Step};

/// A generator whose every call is made by a function. It never ends.
pub fn calls<V: Vocabulary, F: FnMut(&Context) -> V::Call + Send>(make: F) -> Calls<V, F> {
    Calls { make, vocabulary: PhantomData }
}

/// See [`calls`].
pub struct Calls<V, F> {
    make: F,
    vocabulary: PhantomData<fn() -> V>,
}

impl<V, F> fmt::Debug for Calls<V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

impl<V: Vocabulary, F: FnMut(&Context) -> V::Call + Send> Generator<V> for Calls<V, F> {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        Step::Call((self.make)(context))
    }
}

/// These calls one after another, each once, to whichever worker asks.
pub fn each_of<V: Vocabulary>(calls: impl IntoIterator<Item = V::Call>) -> EachOf<V> {
    EachOf(calls.into_iter().collect())
}

/// One call, once.
pub fn call<V: Vocabulary>(call: V::Call) -> EachOf<V> {
    each_of([call])
}

/// See [`each_of`].
pub struct EachOf<V: Vocabulary>(VecDeque<V::Call>);

impl<V: Vocabulary> fmt::Debug for EachOf<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EachOf").field(&self.0).finish()
    }
}

impl<V: Vocabulary> Generator<V> for EachOf<V> {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        self.0.pop_front().map_or(Step::Done, Step::Call)
    }
}

/// The same call, for ever.
pub fn repeat<V: Vocabulary>(call: V::Call) -> Repeat<V> {
    Repeat(call)
}

/// See [`repeat`].
pub struct Repeat<V: Vocabulary>(V::Call);

impl<V: Vocabulary> fmt::Debug for Repeat<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repeat").field(&self.0).finish()
    }
}

impl<V: Vocabulary> Generator<V> for Repeat<V> {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        Step::Call(self.0.clone())
    }
}

/// No call at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl<V: Vocabulary> Generator<V> for Nothing {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        Step::Done
    }
}

/// No call for this long, from when a worker first asks.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration: nanos(duration), until: None }
}

/// See [`sleep`].
#[derive(Clone, Debug)]
pub struct Sleep {
    duration: u64,
    until: Option<Nanos>,
}

impl<V: Vocabulary> Generator<V> for Sleep {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        let until = *self.until.get_or_insert(later(context.now, self.duration));
        if context.now < until { Step::Wait(until) } else { Step::Done }
    }
}

/// Says something once through a sink, and makes no call. In [`crate::phases`] it marks where one phase ends.
pub fn log<S: FnMut(&str) + Send>(message: impl Into<String>, sink: S) -> Log<S> {
    Log { message: Some(message.into()), sink }
}

/// See [`log`].
pub struct Log<S> {
    message: Option<String>,
    sink: S,
}

impl<S> fmt::Debug for Log<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("message", &self.message).finish_non_exhaustive()
    }
}

impl<V: Vocabulary, S: FnMut(&str) + Send> Generator<V> for Log<S> {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        if let Some(message) = self.message.take() {
            (self.sink)(&message);
        }
        Step::Done
    }
}

/// A duration in nanoseconds; more than 584 years is as good as for ever.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time after another one.
pub(crate) fn later(time: Nanos, by: u64) -> Nanos {
    Nanos(time.0.saturating_add(by))
}
