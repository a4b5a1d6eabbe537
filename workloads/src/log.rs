//! The log workloads: unique entries are appended to logs, and consumers follow them.
//!
//! Each worker is a consumer that goes on where it stopped. At the end everybody reads every log from its beginning to its end,
//! so that what was acknowledged and is not there is known to be gone. `watch` is the same with more that follow than append, and
//! with nobody who reads a log as a whole before the end: what consumers know, they know from following alone.

use std::collections::BTreeMap;

use checkers::{Checker, OrderedLog, datatypes, ordered_log::ORDERED_LOG};
use history::{
    Key, Outcome, Value,
    vocabulary::{
        Log,
        log::{Call, Return},
    },
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    Checkers, Context, Event, Generator, Options, Step, Workload,
    ledger::Ledger,
    short_lived::{FinalCalls, LivingKeys},
    streams,
    workload::{Setting, paced},
};

/// The most logs at a time: making one takes some systems far longer than appending to it.
const LOGS_MAX: usize = 4;

/// How many calls a log gets before a fresh one takes its place.
const CALLS_PER_KEY: u32 = 600;

/// What the calls of a workload are.
#[derive(Clone, Copy, Debug)]
struct Mix {
    name: &'static str,
    promise: &'static str,
    /// Of 256 calls, how many append.
    appends: u32,
    /// Of 256 calls, how many read a whole log.
    wholes: u32,
}

/// Half of the calls append, and a few read a whole log.
const LOG: Mix = Mix {
    name: "log",
    promise: "an entry that was acknowledged is in the log for good, once, at a place that is the same for all",
    appends: 128,
    wholes: 2,
};

/// Most of the calls follow.
const WATCH: Mix = Mix {
    name: "watch",
    promise: "whoever follows is told every acknowledged change, once, in an order that is the same for all",
    appends: 72,
    wholes: 0,
};

/// The most places that are remembered of consumers. Who is forgotten begins anew.
const PLACES_MAX: usize = 4096;

/// How often each log is read at the end, each time by another worker: a log that nobody reads to its end proves nothing.
const FINAL_ROUNDS: u64 = 4;

/// Appends of unique entries, and consumers that follow.
#[derive(Debug)]
pub struct LogWorkload {
    /// How many calls a log gets before a fresh one takes its place.
    pub calls_per_key: u32,
    mix: Mix,
    ledger: Ledger,
}

impl Default for LogWorkload {
    fn default() -> Self {
        Self { calls_per_key: CALLS_PER_KEY, mix: LOG, ledger: Ledger::default() }
    }
}

impl LogWorkload {
    /// The one in which most of the calls follow.
    pub fn watch() -> Self {
        Self { mix: WATCH, ..Self::default() }
    }
}

impl Workload for LogWorkload {
    type Vocabulary = Log;

    fn name(&self) -> &str {
        self.mix.name
    }

    fn promise(&self) -> &str {
        self.mix.promise
    }

    fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new(
                "calls-per-key",
                self.calls_per_key,
                "calls after which a log is replaced by a fresh one",
            ),
            Setting::new("logs-max", LOGS_MAX, "the most logs at a time, whatever --keys says"),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Log>> {
        let used = self.ledger.open(&options.run_id);
        let few = Options { keys: options.keys.min(LOGS_MAX), ..options.clone() };
        let calls = Calls {
            mix: self.mix,
            keys: LivingKeys::new("workload/log/keys", &few, self.calls_per_key, used),
            rng: streams::rng(options.seed, "workload/log", 0),
            places: BTreeMap::new(),
            number: 0,
        };
        paced(calls, options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Log>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(FinalCalls::new(options, used, FINAL_ROUNDS, |key| Call::Read(key, 0)))
    }

    fn checkers(&self, options: &Options) -> Checkers<Log> {
        let judge = |model: &str| -> Option<Box<dyn Checker<Log>>> {
            match model {
                ORDERED_LOG => Some(Box::new(OrderedLog::default())),
                model => datatypes::checker(model),
            }
        };
        options.model.split(',').filter_map(judge).collect()
    }
}

struct Calls {
    mix: Mix,
    keys: LivingKeys,
    rng: ChaCha8Rng,
    /// Where each worker goes on in each log.
    places: BTreeMap<(usize, Key), u64>,
    number: i64,
}

impl Generator<Log> for Calls {
    fn next(&mut self, context: &Context) -> Step<Call> {
        let key = self.keys.draw();
        let draw = self.rng.next_u32() & 0xff;
        if draw < self.mix.appends {
            let number = self.number;
            self.number += 1;
            return Step::Call(Call::Append(key, Value::Int(number)));
        }
        if draw < self.mix.appends + self.mix.wholes {
            return Step::Call(Call::Read(key, 0));
        }
        let place = self.places.get(&(context.thread, key.clone())).copied().unwrap_or(0);
        Step::Call(Call::Poll(key, place))
    }

    fn update(&mut self, _: &Context, event: &Event<'_, Log>) {
        let Event::Completed { thread, operation } = event else { return };
        if let (Call::Poll(key, from), Outcome::Ok(Return::Entries(entries))) =
            (&operation.call, &operation.outcome)
        {
            if self.places.len() == PLACES_MAX {
                self.places.clear();
            }
            self.places.insert((*thread, key.clone()), from + entries.len() as u64);
        }
    }
}
