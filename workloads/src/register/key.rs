//! One key while it is in use: its habit, what was seen of it, and how long it still lives.

use history::{Key, Value};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// How many values a key remembers to start compare-and-sets from.
const SEEN: usize = 8;

/// The shares of reads and writes in 256 calls; the rest are compare-and-sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    reads: u8,
    writes: u8,
}

/// One is drawn for every key. Over all of them a little more than half of the calls are reads.
const HABITS: [Habit; 5] = [
    // Even: the usual mix. Twice, since it finds most.
    Habit { reads: 128, writes: 64 },
    Habit { reads: 128, writes: 64 },
    // Duels: many compare-and-sets from the same value, of which one may apply.
    Habit { reads: 104, writes: 24 },
    // Bursts of writes, which expose reordered and repeated ones.
    Habit { reads: 112, writes: 128 },
    // Mostly reads, which expose stale ones on every node.
    Habit { reads: 200, writes: 36 },
];

/// What to ask of a key next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Read,
    Write,
    Cas,
}

/// A key in use.
#[derive(Debug)]
pub(super) struct LiveKey {
    /// Its number in the run.
    pub(super) number: u64,
    /// Its name.
    pub(super) name: Key,
    habit: Habit,
    calls_left: u32,
    /// How many writes of unknown outcome it may still get.
    pub(super) unknowns_left: u32,
    /// The values seen last, as a ring; the newest is at `newest`.
    seen: [Option<i64>; SEEN],
    newest: usize,
}

impl LiveKey {
    pub(super) fn new(
        number: u64,
        name: Key,
        calls_max: u32,
        unknowns_max: u32,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let habit = HABITS[rng.random_range(0..HABITS.len())];
        let calls_max = calls_max.max(1);
        let calls_left = rng.random_range(calls_max.div_ceil(2)..=calls_max);
        Self { number, name, habit, calls_left, unknowns_left: unknowns_max, seen: [None; SEEN], newest: 0 }
    }

    /// Whether it has had its calls, or too many of its writes are in doubt.
    pub(super) fn is_spent(&self) -> bool {
        self.calls_left == 0 || self.unknowns_left == 0
    }

    /// Draws what to ask next, and counts it.
    pub(super) fn ask(&mut self, compare_and_set: bool, rng: &mut ChaCha8Rng) -> Ask {
        self.calls_left = self.calls_left.saturating_sub(1);
        let draw = (rng.next_u32() & 0xff) as u16;
        if draw < u16::from(self.habit.reads) {
            Ask::Read
        } else if !compare_and_set || draw < u16::from(self.habit.reads) + u16::from(self.habit.writes) {
            Ask::Write
        } else {
            Ask::Cas
        }
    }

    /// Learns that the key had this value not long ago.
    pub(super) fn saw(&mut self, value: i64) {
        if self.seen[self.newest] != Some(value) {
            self.newest = (self.newest + 1) % SEEN;
            self.seen[self.newest] = Some(value);
        }
    }

    /// The value to start a compare-and-set from: the newest, or in one of eight an older one, which must be
    /// refused. Nil where nothing was seen yet, which the first writer of a key expects.
    pub(super) fn expected(&self, rng: &mut ChaCha8Rng) -> Value {
        let draw = rng.next_u32() as usize;
        let back = if draw.is_multiple_of(8) { (draw >> 8) % SEEN } else { 0 };
        let older = self.seen[(self.newest + SEEN - back) % SEEN];
        older.or(self.seen[self.newest]).map_or(Value::Nil, Value::Int)
    }
}
