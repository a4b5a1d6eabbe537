//! The queue workload: unique elements are put into queues and taken out, each queue for a while.
//!
//! What was acknowledged comes out once, the first in first, and at the end every queue is emptied.

use checkers::{Checker, Deliveries, Delivery, datatypes};
use history::{
    Value,
    vocabulary::{Queue, queue::Call},
};
use rand::Rng;

use crate::{
    Checkers, Generator, Options, Workload,
    ledger::Ledger,
    short_lived::{FinalCalls, ShortLived},
    workload::{Setting, paced},
};

/// Of 256 calls, how many put an element in. A little less than half: queues are empty now and then, and not always.
const PUT_SHARE: u32 = 124;

/// How many calls a queue gets before a fresh one takes its place.
const CALLS_PER_KEY: u32 = 200;

/// How often each queue is asked for an element at the end.
const FINAL_ROUNDS: u64 = 60;

/// Unique elements into queues and out of them.
#[derive(Debug)]
pub struct QueueWorkload {
    /// How many calls a queue gets before a fresh one takes its place.
    pub calls_per_key: u32,
    ledger: Ledger,
}

impl Default for QueueWorkload {
    fn default() -> Self {
        Self { calls_per_key: CALLS_PER_KEY, ledger: Ledger::default() }
    }
}

impl Workload for QueueWorkload {
    type Vocabulary = Queue;

    fn name(&self) -> &str {
        "queue"
    }

    fn promise(&self) -> &str {
        "an element that was put into a queue comes out once, and the one that was put in first comes out first"
    }

    fn settings(&self) -> Vec<Setting> {
        let meaning = "calls after which a queue is replaced by a fresh one";
        vec![Setting::new("calls-per-key", self.calls_per_key, meaning)]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Queue>> {
        let used = self.ledger.open(&options.run_id);
        let calls =
            ShortLived::new("workload/queue", options, self.calls_per_key, used, |rng, key, number| {
                if rng.next_u32() & 0xff < PUT_SHARE {
                    Call::Enqueue(key, Value::Int(number))
                } else {
                    Call::Dequeue(key)
                }
            });
        paced(calls, options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Queue>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(FinalCalls::new(options, used, FINAL_ROUNDS, Call::Dequeue))
    }

    fn checkers(&self, options: &Options) -> Checkers<Queue> {
        let judge = |model: &str| -> Option<Box<dyn Checker<Queue>>> {
            match Delivery::named(model) {
                Some(delivery) => Some(Box::new(Deliveries::new(delivery))),
                None => datatypes::checker(model),
            }
        };
        options.model.split(',').filter_map(judge).collect()
    }
}
