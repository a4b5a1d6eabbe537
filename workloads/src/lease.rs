//! The lease workload: locks that are given for a time are taken, renewed, given back, or left to end by themselves.
//!
//! Unlike a lock, a lease says itself how long it lasts, so a holder that stalls knows that it is over. Nobody else may have
//! it before.

use std::time::Duration;

use checkers::datatypes;
use history::{
    Key, Nanos, Outcome, Value,
    vocabulary::{
        Lease,
        lease::{Call, Return},
    },
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{
    Checkers, Context, Event, Generator, Nothing, Options, Step, Workload,
    holders::{Held, Holders, Turn},
    ledger::Ledger,
    short_lived::LivingKeys,
    streams,
    workload::{Setting, paced},
};

/// How many calls a lease gets before a fresh one takes its place.
const CALLS_PER_KEY: u32 = 200;

/// How long a lease lasts.
const LASTS: Duration = Duration::from_secs(2);

/// Leases that are taken, renewed and given back.
#[derive(Debug)]
pub struct LeaseWorkload {
    /// How many calls a lease gets before a fresh one takes its place.
    pub calls_per_key: u32,
    ledger: Ledger,
}

impl Default for LeaseWorkload {
    fn default() -> Self {
        Self { calls_per_key: CALLS_PER_KEY, ledger: Ledger::default() }
    }
}

impl Workload for LeaseWorkload {
    type Vocabulary = Lease;

    fn name(&self) -> &str {
        "lease"
    }

    fn promise(&self) -> &str {
        "nobody is given a lease before the time is over that somebody else was given it for"
    }

    fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new(
                "calls-per-key",
                self.calls_per_key,
                "calls after which a lease is replaced by a fresh one",
            ),
            Setting::new("lasts", format!("{} s", LASTS.as_secs()), "how long a lease is taken for"),
        ]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Lease>> {
        let used = self.ledger.open(&options.run_id);
        let calls = Calls {
            keys: LivingKeys::new("workload/lease/keys", options, self.calls_per_key, used),
            rng: streams::rng(options.seed, "workload/lease", 0),
            holders: Holders::default(),
        };
        paced(calls, options)
    }

    /// Nothing is read of a lease: what counts is who was given it, and when.
    fn final_generator(&self, _: &Options) -> Box<dyn Generator<Lease>> {
        Box::new(Nothing)
    }

    fn checkers(&self, options: &Options) -> Checkers<Lease> {
        datatypes::checker(&options.model).into_iter().collect()
    }
}

struct Calls {
    keys: LivingKeys,
    rng: ChaCha8Rng,
    holders: Holders,
}

impl Calls {
    /// What a holder does with its lease: most are quick, some renew it, some are late, and some never come back to it.
    fn holds(&mut self, key: Key, since: Nanos, operation: (usize, history::Process), renewals: u32) {
        let (thread, process) = operation;
        let lasts = LASTS.as_millis() as u64;
        let (after, renewals) = match (self.rng.random_range(0..16_u32), renewals) {
            (0, _) => return,
            (1, _) => (self.rng.random_range(lasts..2 * lasts), 0),
            (2..5, 0) => (self.rng.random_range(lasts / 4..lasts), 1),
            _ => (self.rng.random_range(0..lasts / 8), 0),
        };
        let until = Nanos(since.0 + after * 1_000_000);
        self.holders.take(thread, Held { key, process, until, renewals });
    }
}

impl Generator<Lease> for Calls {
    fn next(&mut self, context: &Context) -> Step<Call> {
        let owner = Value::Int(i64::from(context.process.0));
        let lasts = LASTS.as_nanos() as u64;
        match self.holders.turn(context) {
            Turn::Waits(until) => Step::Wait(until),
            Turn::Ready(held) if held.renewals > 0 => Step::Call(Call::Renew(held.key, owner, lasts)),
            Turn::Ready(held) => Step::Call(Call::Release(held.key, owner)),
            Turn::Free => Step::Call(Call::Acquire(self.keys.draw(), owner, lasts)),
        }
    }

    fn update(&mut self, _: &Context, event: &Event<'_, Lease>) {
        let Event::Completed { thread, operation } = event else { return };
        let renewals = match (&operation.call, &operation.outcome) {
            (Call::Acquire(..), Outcome::Ok(Return::Acquired)) => 0,
            (Call::Renew(..), Outcome::Ok(Return::Renewed)) => 1,
            _ => return,
        };
        let since = operation.ended.unwrap_or(operation.began);
        self.holds(operation.call.key().clone(), since, (*thread, operation.process), renewals);
    }
}
