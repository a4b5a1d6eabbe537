//! The calls of the main phase.

use std::{collections::VecDeque, fmt};

use history::{
    Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::{
    RegisterSettings,
    key::{Ask, LiveKey},
    key_name,
};
use crate::{Context, Event, Generator, Options, Step, ledger::KeysUsed, streams};

/// How many retired keys are remembered to be read again now and then.
const RETIRED_MAX: usize = 64;

/// Of 64 calls, how many read a retired key.
const RETIRED_SHARE: u32 = 2;

/// Of 64 calls, how many go to a key that lives as long as the run.
const LASTING_SHARE: u32 = 3;

/// What a worker mostly does. Half of the workers lean to reads and half to writes, and workers go round the nodes, so
/// every node has both. Were all alike, a node that still takes writes but can answer no read (a leader that was cut
/// off) would soon have every worker waiting for a read, and would take none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaning {
    Reads,
    Writes,
}

/// Of 10 writes that a worker leaning to reads would make, how many it reads instead.
const READS_INSTEAD: u32 = 7;
/// Of 10 reads that a worker leaning to writes would make, how many it writes instead.
const WRITES_INSTEAD: u32 = 9;

impl Leaning {
    fn of(context: &Context) -> Option<Self> {
        match context.threads {
            0 | 1 => None,
            threads if context.thread * 2 < threads => Some(Self::Reads),
            _ => Some(Self::Writes),
        }
    }
}

/// Which key a worker's call under way went to, and its slot: slots change keys while calls are under way.
#[derive(Clone, Copy, Debug)]
struct Asked {
    slot: usize,
    number: u64,
}

/// Makes the calls of the register workload. It never ends by itself.
pub struct RegisterCalls {
    run_id: String,
    used: KeysUsed,
    rng: ChaCha8Rng,
    calls_per_key: u32,
    unknown_writes_max: u32,
    compare_and_set: bool,
    /// The lasting keys first, then those in use for a while.
    slots: Vec<LiveKey>,
    lasting: usize,
    retired: VecDeque<history::Key>,
    /// By worker.
    asked: Vec<Option<Asked>>,
    next_value: i64,
}

impl fmt::Debug for RegisterCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterCalls")
            .field("run_id", &self.run_id)
            .field("keys", &self.used)
            .finish_non_exhaustive()
    }
}

impl RegisterCalls {
    /// The calls of one run; `used` counts the keys it makes.
    pub(crate) fn new(settings: &RegisterSettings, options: &Options, used: KeysUsed) -> Self {
        let mut calls = Self {
            run_id: options.run_id.clone(),
            used,
            rng: streams::rng(options.seed, "workload/register", 0),
            calls_per_key: settings.calls_per_key,
            unknown_writes_max: settings.unknown_writes_max,
            compare_and_set: settings.compare_and_set,
            slots: Vec::new(),
            lasting: settings.lasting_keys,
            retired: VecDeque::with_capacity(RETIRED_MAX),
            asked: vec![None; options.threads],
            next_value: 1,
        };
        for _ in 0..settings.lasting_keys + options.keys.max(1) {
            let key = calls.fresh_key();
            calls.slots.push(key);
        }
        calls
    }

    fn fresh_key(&mut self) -> LiveKey {
        let number = self.used.take();
        let name = key_name(&self.run_id, number);
        LiveKey::new(number, name, self.calls_per_key, self.unknown_writes_max, &mut self.rng)
    }

    fn fresh_value(&mut self) -> Value {
        let value = self.next_value;
        self.next_value += 1;
        Value::Int(value)
    }

    /// Draws the slot of the next call, or `None` for a read of a retired key.
    fn slot(&mut self, leaning: Option<Leaning>) -> Option<usize> {
        let draw = self.rng.next_u32() % 64;
        if draw < RETIRED_SHARE && !self.retired.is_empty() && leaning != Some(Leaning::Writes) {
            return None;
        }
        if self.lasting > 0 && (RETIRED_SHARE..RETIRED_SHARE + LASTING_SHARE).contains(&draw) {
            return Some(self.rng.random_range(0..self.lasting));
        }
        Some(self.rng.random_range(self.lasting..self.slots.len()))
    }

    fn retire(&mut self, slot: usize) {
        let fresh = self.fresh_key();
        let old = std::mem::replace(&mut self.slots[slot], fresh);
        if self.retired.len() == RETIRED_MAX {
            self.retired.pop_front();
        }
        self.retired.push_back(old.name);
    }

    /// What a worker asks of a key that the key's own habit would have asked so.
    fn lean(&mut self, ask: Ask, leaning: Option<Leaning>) -> Ask {
        let draw = self.rng.next_u32() % 20;
        match (leaning, ask) {
            (Some(Leaning::Reads), Ask::Write | Ask::Cas) if draw / 2 < READS_INSTEAD => Ask::Read,
            (Some(Leaning::Writes), Ask::Read) if draw / 2 < WRITES_INSTEAD => {
                if self.compare_and_set && draw.is_multiple_of(4) { Ask::Cas } else { Ask::Write }
            }
            (_, ask) => ask,
        }
    }

    fn call_of(&mut self, slot: usize, leaning: Option<Leaning>) -> Call {
        let is_lasting = slot < self.lasting;
        if !is_lasting && self.slots[slot].is_spent() {
            self.retire(slot);
        }
        let key = &mut self.slots[slot];
        // A lasting key that has had its writes is read for the rest of the run.
        if is_lasting && key.is_spent() {
            return Call::Read(key.name.clone());
        }
        let ask = key.ask(self.compare_and_set, &mut self.rng);
        let ask = self.lean(ask, leaning);
        let key = &mut self.slots[slot];
        match ask {
            Ask::Read => Call::Read(key.name.clone()),
            Ask::Write => {
                let name = key.name.clone();
                Call::Write(name, self.fresh_value())
            }
            Ask::Cas => {
                let name = key.name.clone();
                let expected = key.expected(&mut self.rng);
                Call::Cas(name, expected, self.fresh_value())
            }
        }
    }

    /// Learns the value that a completed call has shown, or that one more write is in doubt.
    fn learn(&mut self, asked: Asked, call: &Call, outcome: &Outcome<Return>) {
        let key = &mut self.slots[asked.slot];
        if key.number != asked.number {
            return;
        }
        match (call, outcome) {
            (Call::Read(_), Outcome::Ok(Return::Value(Some(Value::Int(value)))))
            | (Call::Write(_, Value::Int(value)), Outcome::Ok(Return::Written))
            | (Call::Cas(_, _, Value::Int(value)), Outcome::Ok(Return::Swapped)) => key.saw(*value),
            (Call::Write(..) | Call::Cas(..), Outcome::Unknown(_)) => {
                key.unknowns_left = key.unknowns_left.saturating_sub(1);
            }
            _ => {}
        }
    }
}

impl Generator<Register> for RegisterCalls {
    fn next(&mut self, context: &Context) -> Step<Call> {
        if self.asked.len() < context.threads {
            self.asked.resize(context.threads, None);
        }
        let leaning = Leaning::of(context);
        let Some(slot) = self.slot(leaning) else {
            self.asked[context.thread] = None;
            let retired = self.rng.random_range(0..self.retired.len());
            return Step::Call(Call::Read(self.retired[retired].clone()));
        };
        let call = self.call_of(slot, leaning);
        self.asked[context.thread] = Some(Asked { slot, number: self.slots[slot].number });
        Step::Call(call)
    }

    fn update(&mut self, _context: &Context, event: &Event<'_, Register>) {
        if let Event::Completed { thread, operation } = event
            && let Some(asked) = self.asked.get_mut(*thread).and_then(Option::take)
        {
            self.learn(asked, &operation.call, &operation.outcome);
        }
    }
}
