//! Who holds what, and until when: a worker that was given a lock keeps it for a while before it does the next thing with it.

use std::collections::BTreeMap;

use history::{Key, Nanos, Process};

use crate::Context;

/// What one worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The lock.
    pub key: Key,
    /// The session that was given it. No other may give it back.
    pub process: Process,
    /// When the worker does the next thing with it.
    pub until: Nanos,
    /// How often it is to be renewed before it is given back.
    pub renewals: u32,
}

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It holds nothing.
    Free,
    /// It holds something and waits.
    Waits(Nanos),
    /// It has waited long enough.
    Ready(Held),
}

/// What all workers hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holders(BTreeMap<usize, Held>);

impl Holders {
    /// A worker was given something.
    pub(crate) fn take(&mut self, thread: usize, held: Held) {
        self.0.insert(thread, held);
    }

    /// What the worker that asks is to do. What is ready is no longer held here.
    pub(crate) fn turn(&mut self, context: &Context) -> Turn {
        match self.0.get(&context.thread) {
            Some(held) if held.process != context.process => {
                self.0.remove(&context.thread);
                Turn::Free
            }
            Some(held) if context.now < held.until => Turn::Waits(held.until),
            Some(_) => self.0.remove(&context.thread).map_or(Turn::Free, Turn::Ready),
            None => Turn::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_waits_until_it_is_time_and_another_session_holds_nothing() {
        let mut holders = Holders::default();
        let held = |process| Held { key: Key::from("x"), process, until: Nanos(10), renewals: 0 };
        let asks = |process, now| Context { thread: 1, process, threads: 2, busy: 0, now: Nanos(now) };
        holders.take(1, held(Process(1)));
        assert_eq!(holders.turn(&asks(Process(1), 9)), Turn::Waits(Nanos(10)));
        assert_eq!(holders.turn(&asks(Process(1), 10)), Turn::Ready(held(Process(1))));
        assert_eq!(holders.turn(&asks(Process(1), 11)), Turn::Free);
        holders.take(1, held(Process(1)));
        assert_eq!(holders.turn(&asks(Process(3), 20)), Turn::Free);
    }
}
