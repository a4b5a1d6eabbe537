//! The counter workload: additions, subtractions and reads of counters, each of which lives for a while.
//!
//! An addition is drawn so that sums differ: a power of two mostly, so that a value tells which additions are in it, and
//! sometimes a negative one, so that a counter does not only grow.

use checkers::datatypes;
use history::{
    Value,
    vocabulary::{Counter, counter::Call},
};
use rand::{Rng, RngExt};

use crate::{
    Checkers, Generator, Options, Workload,
    ledger::Ledger,
    short_lived::{FinalCalls, ShortLived},
    workload::{Setting, paced},
};

/// Of 256 calls, how many read.
const READ_SHARE: u32 = 96;

/// Of 256 calls, how many take from the counter.
const SUBTRACTION_SHARE: u32 = 32;

/// How many calls a counter gets before a fresh one takes its place.
const CALLS_PER_KEY: u32 = 120;

/// Additions and reads of counters.
#[derive(Debug)]
pub struct CounterWorkload {
    /// How many calls a counter gets before a fresh one takes its place.
    pub calls_per_key: u32,
    ledger: Ledger,
}

impl Default for CounterWorkload {
    fn default() -> Self {
        Self { calls_per_key: CALLS_PER_KEY, ledger: Ledger::default() }
    }
}

impl Workload for CounterWorkload {
    type Vocabulary = Counter;

    fn name(&self) -> &str {
        "counter"
    }

    fn promise(&self) -> &str {
        "every addition to a counter counts once, and every read shows those that had been made at one instant"
    }

    fn settings(&self) -> Vec<Setting> {
        let meaning = "calls after which a counter is replaced by a fresh one";
        vec![Setting::new("calls-per-key", self.calls_per_key, meaning)]
    }

    /// Nothing was added yet.
    fn initial(&self) -> Value {
        Value::Int(0)
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Counter>> {
        let used = self.ledger.open(&options.run_id);
        let calls = ShortLived::new("workload/counter", options, self.calls_per_key, used, |rng, key, _| {
            let draw = rng.next_u32() & 0xff;
            if draw < READ_SHARE {
                return Call::Read(key);
            }
            let number = 1_i64 << rng.random_range(0..20);
            Call::Add(key, if draw < READ_SHARE + SUBTRACTION_SHARE { -number } else { number })
        });
        paced(calls, options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Counter>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(FinalCalls::new(options, used, 2, Call::Read))
    }

    fn checkers(&self, options: &Options) -> Checkers<Counter> {
        datatypes::checker(&options.model).into_iter().collect()
    }
}
