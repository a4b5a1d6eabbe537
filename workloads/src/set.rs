//! The set workload: unique elements are added to a few sets, and the sets are read.
//!
//! What was acknowledged must be there in every later read, and nothing may be there that nobody added. A read
//! returns the whole set, so a set gets a bounded number of elements and is then replaced by a fresh one; a retired
//! set is read again now and then, and every set is read at the end.

use std::collections::VecDeque;

use checkers::SetFull;
use history::{
    Key, Value,
    vocabulary::{Set, set::Call},
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::{
    Checkers, Context, Generator, Options, Step, Workload,
    ledger::{KeysUsed, Ledger},
    register::key_name,
    streams,
    workload::{Setting, paced},
};

/// Of 256 calls, how many read; a read costs the database far more than an add.
const READ_SHARE: u32 = 64;

/// Of 256 calls, how many read a retired set.
const RETIRED_SHARE: u32 = 4;

/// How many retired sets are remembered.
const RETIRED_MAX: usize = 64;

/// How many elements a set gets before a fresh one takes its place.
const ELEMENTS_PER_SET: u32 = 400;

/// How often each set is read at the end, each time by another worker.
const FINAL_ROUNDS: u64 = 3;

/// Adds of unique elements and reads of whole sets.
#[derive(Debug)]
pub struct SetWorkload {
    /// How many elements a set gets before a fresh one takes its place.
    pub elements_per_set: u32,
    ledger: Ledger,
}

impl Default for SetWorkload {
    fn default() -> Self {
        Self { elements_per_set: ELEMENTS_PER_SET, ledger: Ledger::default() }
    }
}

impl Workload for SetWorkload {
    type Vocabulary = Set;

    fn name(&self) -> &str {
        "set"
    }

    fn promise(&self) -> &str {
        "an element whose addition was acknowledged is in every later read, once, and nothing else is"
    }

    fn settings(&self) -> Vec<Setting> {
        let meaning = "elements after which a set is replaced by a fresh one";
        vec![Setting::new("elements-per-set", self.elements_per_set, meaning)]
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Set>> {
        let used = self.ledger.open(&options.run_id);
        paced(SetCalls::counted(options, self.elements_per_set, used), options)
    }

    fn final_generator(&self, options: &Options) -> Box<dyn Generator<Set>> {
        let used = self.ledger.used(&options.run_id);
        Box::new(SetFinalReads { run_id: options.run_id.clone(), used, times: FINAL_ROUNDS, at: 0 })
    }

    fn checkers(&self, options: &Options) -> Checkers<Set> {
        match options.model.as_str() {
            "linearizable" => vec![Box::new(SetFull::new(true))],
            "eventual" => vec![Box::new(SetFull::new(false))],
            _ => Vec::new(),
        }
    }
}

/// Adds and reads. It never ends by itself.
#[derive(Debug)]
pub struct SetCalls {
    run_id: String,
    used: KeysUsed,
    rng: ChaCha8Rng,
    elements_per_set: u32,
    live: Vec<(Key, u32)>,
    retired: VecDeque<Key>,
    next_element: i64,
}

impl SetCalls {
    /// The calls of one run, with so many elements in each set.
    pub fn new(options: &Options, elements_per_set: u32) -> Self {
        Self::counted(options, elements_per_set, KeysUsed::default())
    }

    fn counted(options: &Options, elements_per_set: u32, used: KeysUsed) -> Self {
        let mut calls = Self {
            run_id: options.run_id.clone(),
            used,
            rng: streams::rng(options.seed, "workload/set", 0),
            elements_per_set: elements_per_set.max(1),
            live: Vec::new(),
            retired: VecDeque::with_capacity(RETIRED_MAX),
            next_element: 0,
        };
        for _ in 0..options.keys.max(1) {
            let name = calls.fresh_set();
            calls.live.push((name, 0));
        }
        calls
    }

    fn fresh_set(&mut self) -> Key {
        key_name(&self.run_id, self.used.take())
    }

    fn add(&mut self, place: usize) -> Call {
        if self.live[place].1 == self.elements_per_set {
            let name = self.fresh_set();
            let (old, _) = std::mem::replace(&mut self.live[place], (name, 0));
            if self.retired.len() == RETIRED_MAX {
                self.retired.pop_front();
            }
            self.retired.push_back(old);
        }
        let element = self.next_element;
        self.next_element += 1;
        let (name, elements) = &mut self.live[place];
        *elements += 1;
        Call::Add(name.clone(), Value::Int(element))
    }

    /// Reads every set that was used, so many times each, and ends. Made before the calls are given away.
    pub fn final_reads(&self, times: u64) -> SetFinalReads {
        SetFinalReads { run_id: self.run_id.clone(), used: self.used.clone(), times: times.max(1), at: 0 }
    }
}

impl Generator<Set> for SetCalls {
    fn next(&mut self, _context: &Context) -> Step<Call> {
        let draw = self.rng.next_u32() & 0xff;
        if draw < RETIRED_SHARE && !self.retired.is_empty() {
            let place = self.rng.random_range(0..self.retired.len());
            return Step::Call(Call::Read(self.retired[place].clone()));
        }
        let place = self.rng.random_range(0..self.live.len());
        Step::Call(if draw < READ_SHARE { Call::Read(self.live[place].0.clone()) } else { self.add(place) })
    }
}

/// See [`SetCalls::final_reads`].
#[derive(Debug)]
pub struct SetFinalReads {
    run_id: String,
    used: KeysUsed,
    times: u64,
    at: u64,
}

impl Generator<Set> for SetFinalReads {
    fn next(&mut self, _context: &Context) -> Step<Call> {
        let count = self.used.count();
        if self.at >= count * self.times {
            return Step::Done;
        }
        // From the newest down, each round begun one later, so that a set falls to different workers.
        let (round, place) = (self.at / count, self.at % count);
        self.at += 1;
        Step::Call(Call::Read(key_name(&self.run_id, count - 1 - (place + round) % count)))
    }
}
