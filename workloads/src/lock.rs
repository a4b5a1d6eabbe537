//! The lock workload: locks are taken, held for a while, and given back.
//!
//! Most holders are quick, and some stall for longer than any lease on a lock lasts, as a program does whose machine was
//! suspended. A lock that is a lease is then given to somebody else while the first one still believes to have it.

use std::time::Duration;

use checkers::datatypes;
use history::{
    Nanos, Outcome, Value,
    vocabulary::{
        Mutex,
        lock::{Call, Return},
    },
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::{
    Checkers, Context, Event, Generator, Nothing, Options, Step, Workload,
    holders::{Held, Holders, Turn},
    ledger::Ledger,
    short_lived::LivingKeys,
    streams,
    workload::{Setting, paced},
};

/// How many calls a lock gets before a fresh one takes its place.
const CALLS_PER_KEY: u32 = 300;

/// The longest that a quick holder keeps a lock, in milliseconds.
const QUICK_MS: u64 = 100;

/// How long a holder that stalls keeps a lock.
const STALL: Duration = Duration::from_secs(6);

/// Of 256 holders, how many stall.
const STALL_SHARE: u32 = 8;

/// Locks that are taken and given back.
#[derive(Debug)]
pub struct LockWorkload {
    /// How many calls a lock gets before a fresh one takes its place.
    pub calls_per_key: u32,
    ledger: Ledger,
}

impl Default for LockWorkload {
    fn default() -> Self {
        Self { calls_per_key: CALLS_PER_KEY, ledger: Ledger::default() }
    }
}

impl Workload for LockWorkload {
    type Vocabulary = Mutex;

    fn name(&self) -> &str {
        "lock"
    }

    fn promise(&self) -> &str {
        "nobody is given a lock that somebody else was given and has not given back, however slow its holder is"
    }

    fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new(
                "calls-per-key",
                self.calls_per_key,
                "calls after which a lock is replaced by a fresh one",
            ),
            Setting::new(
                "stall",
                format!("{} s", STALL.as_secs()),
                "how long a few of the holders keep a lock",
            ),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Mutex>> {
        let used = self.ledger.open(&options.run_id);
        let calls = Calls {
            keys: LivingKeys::new("workload/lock/keys", options, self.calls_per_key, used),
            rng: streams::rng(options.seed, "workload/lock", 0),
            holders: Holders::default(),
        };
        paced(calls, options)
    }

    /// Nothing is read of a lock: what counts is who was given it, and when.
    fn final_generator(&self, _: &Options) -> Box<dyn Generator<Mutex>> {
        Box::new(Nothing)
    }

    fn checkers(&self, options: &Options) -> Checkers<Mutex> {
        datatypes::checker(&options.model).into_iter().collect()
    }
}

struct Calls {
    keys: LivingKeys,
    rng: ChaCha8Rng,
    holders: Holders,
}

impl Generator<Mutex> for Calls {
    fn next(&mut self, context: &Context) -> Step<Call> {
        let owner = Value::Int(i64::from(context.process.0));
        match self.holders.turn(context) {
            Turn::Waits(until) => Step::Wait(until),
            Turn::Ready(held) => Step::Call(Call::Release(held.key, owner)),
            Turn::Free => Step::Call(Call::Acquire(self.keys.draw(), owner)),
        }
    }

    fn update(&mut self, _: &Context, event: &Event<'_, Mutex>) {
        let Event::Completed { thread, operation } = event else { return };
        let (Call::Acquire(key, _), Outcome::Ok(Return::Acquired | Return::Fenced(_))) =
            (&operation.call, &operation.outcome)
        else {
            return;
        };
        let stalls = self.rng.next_u32() & 0xff < STALL_SHARE;
        let held = match stalls {
            true => STALL,
            false => Duration::from_millis(self.rng.random_range(0..QUICK_MS)),
        };
        let since = operation.ended.unwrap_or(operation.began);
        let until = Nanos(since.0 + held.as_nanos() as u64);
        self.holders.take(*thread, Held { key: key.clone(), process: operation.process, until, renewals: 0 });
    }
}
