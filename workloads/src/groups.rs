//! Groups of keys that live for a while: each gets a bounded number of calls and then makes place for a fresh one.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Options, ledger::KeysUsed, streams};

/// A group in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Its number. No other group of the run has it.
    pub number: u64,
    /// How many calls it got before this one.
    pub calls: u32,
    /// How many of its members were written before this call.
    pub written: u32,
}

/// The groups in use of one run.
#[derive(Debug)]
pub(crate) struct Groups {
    used: KeysUsed,
    rng: ChaCha8Rng,
    calls_max: u32,
    live: Vec<Group>,
}

impl Groups {
    /// So many groups at a time, each for so many calls.
    pub(crate) fn new(stream: &str, options: &Options, count: usize, calls_max: u32, used: KeysUsed) -> Self {
        let rng = streams::rng(options.seed, stream, 0);
        let fresh = |_| Group { number: used.take(), calls: 0, written: 0 };
        let live = (0..count.max(1)).map(fresh).collect();
        Self { used, rng, calls_max: calls_max.max(1), live }
    }

    /// A group that gets a call more. What `draw` makes of it says whether one of its members is written by that.
    pub(crate) fn draw<C>(&mut self, draw: impl FnOnce(&mut ChaCha8Rng, Group) -> (C, bool)) -> C {
        let place = self.rng.random_range(0..self.live.len());
        if self.live[place].calls == self.calls_max {
            self.live[place] = Group { number: self.used.take(), calls: 0, written: 0 };
        }
        let group = &mut self.live[place];
        let (call, writes) = draw(&mut self.rng, *group);
        group.calls += 1;
        group.written += u32::from(writes);
        call
    }
}

/// The groups that are read at the end, the newest first, at most so many.
pub(crate) fn newest(used: &KeysUsed, most: u64) -> impl Iterator<Item = u64> + use<> {
    let count = used.count();
    (count.saturating_sub(most)..count).rev()
}
