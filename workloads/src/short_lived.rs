//! Calls of objects that live for a while: each object gets a bounded number of calls and then makes place for a fresh one, so
//! that its part of the history stays small.

use history::{Key, Vocabulary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Context, Generator, Options, Step, ledger::KeysUsed, register::key_name, streams};

/// The newest objects are asked at the end, at most so many.
const FINAL_KEYS_MAX: u64 = 500;

/// The names of objects that live for a while.
#[derive(Debug)]
pub(crate) struct LivingKeys {
    run_id: String,
    used: KeysUsed,
    rng: ChaCha8Rng,
    calls_per_key: u32,
    live: Vec<(Key, u32)>,
}

impl LivingKeys {
    /// The objects of one run.
    pub(crate) fn new(stream: &str, options: &Options, calls_per_key: u32, used: KeysUsed) -> Self {
        let mut keys = Self {
            run_id: options.run_id.clone(),
            used,
            rng: streams::rng(options.seed, stream, 0),
            calls_per_key: calls_per_key.max(1),
            live: Vec::new(),
        };
        for _ in 0..options.keys.max(1) {
            let name = keys.fresh();
            keys.live.push((name, 0));
        }
        keys
    }

    fn fresh(&mut self) -> Key {
        key_name(&self.run_id, self.used.take())
    }

    /// The name of an object that gets a call more.
    pub(crate) fn draw(&mut self) -> Key {
        let place = self.rng.random_range(0..self.live.len());
        if self.live[place].1 == self.calls_per_key {
            self.live[place] = (self.fresh(), 0);
        }
        let (name, calls) = &mut self.live[place];
        *calls += 1;
        name.clone()
    }
}

/// Makes calls of objects that live for a while. It never ends by itself.
pub(crate) struct ShortLived<F> {
    keys: LivingKeys,
    number: i64,
    draw: F,
}

impl<F> ShortLived<F> {
    /// The calls of one run. `draw` makes a call of an object, and is told a number that it was never told before.
    pub(crate) fn new<C>(stream: &str, options: &Options, calls_per_key: u32, used: KeysUsed, draw: F) -> Self
    where
        F: FnMut(&mut ChaCha8Rng, Key, i64) -> C,
    {
        Self { keys: LivingKeys::new(stream, options, calls_per_key, used), number: 0, draw }
    }
}

impl<V: Vocabulary, F> Generator<V> for ShortLived<F>
where
    F: FnMut(&mut ChaCha8Rng, Key, i64) -> V::Call + Send,
{
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        let name = self.keys.draw();
        let number = self.number;
        self.number += 1;
        Step::Call((self.draw)(&mut self.keys.rng, name, number))
    }
}

/// Makes a call of each of the newest objects, so many rounds, and ends.
pub(crate) struct FinalCalls<F> {
    run_id: String,
    used: KeysUsed,
    rounds: u64,
    at: u64,
    call: F,
}

impl<F> FinalCalls<F> {
    /// The final calls of one run.
    pub(crate) fn new(options: &Options, used: KeysUsed, rounds: u64, call: F) -> Self {
        Self { run_id: options.run_id.clone(), used, rounds, at: 0, call }
    }
}

impl<V: Vocabulary, F> Generator<V> for FinalCalls<F>
where
    F: FnMut(Key) -> V::Call + Send,
{
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        let all = self.used.count();
        let count = all.min(FINAL_KEYS_MAX);
        if self.at >= count * self.rounds {
            return Step::Done;
        }
        // Each round begins one later, so that an object falls to different workers.
        let (round, place) = (self.at / count, self.at % count);
        self.at += 1;
        Step::Call((self.call)(key_name(&self.run_id, all - 1 - (place + round) % count)))
    }
}
