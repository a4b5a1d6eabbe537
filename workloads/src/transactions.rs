//! Transactions over a moving window of keys, in the manner of Elle's generators.
//!
//! A few keys are in use at a time, some far more often than others. Each gets a bounded number of writes and then
//! makes place for a fresh one, so that no list grows without end.

use std::{collections::VecDeque, ops::RangeInclusive};

use history::{
    Key, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister, list_append, rw_register},
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::{Context, Event, Generator, Step, ledger::KeysUsed, register::key_name, streams};

/// How often each of the keys in use is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyDistribution {
    /// Each key is drawn as often as the next one times this base, which is more than 1. Elle's default is 2.
    Exponential(f64),
    /// The key of rank k is drawn as often as k to the power of minus this skew.
    Zipf(f64),
    /// Each is as likely as the other.
    Uniform,
}

/// The shape of the transactions.
#[derive(Clone, Debug)]
pub struct TransactionShape {
    /// How often each key in use is drawn.
    pub distribution: KeyDistribution,
    /// How many keys are in use at a time.
    pub key_count: usize,
    /// How many steps a transaction has.
    pub length: RangeInclusive<usize>,
    /// The most writes a key gets.
    pub writes_per_key_max: u32,
}

impl Default for TransactionShape {
    fn default() -> Self {
        Self {
            distribution: KeyDistribution::Exponential(2.0),
            key_count: 10,
            length: 1..=4,
            writes_per_key_max: 256,
        }
    }
}

/// A key that so many transactions in a row left alone is replaced too.
const ALONE_MAX: u64 = 4_096;
/// How often such keys are looked for, in transactions.
const LOOK_EVERY: u64 = 256;
/// So many keys wait for their last read at most.
const LEAVING_MAX: usize = 256;

/// A key in use.
#[derive(Clone, Debug)]
struct LiveKey {
    name: Key,
    writes: u32,
    writes_max: u32,
    /// How many of its writes are under way.
    under_way: u32,
    /// The last transaction that drew it.
    drawn: u64,
}

/// A key that gets no more writes. It is read once more when all of them have ended, so that everybody who forgets the key
/// knows how it ended.
#[derive(Clone, Debug)]
struct LeavingKey {
    name: Key,
    /// How many of its writes are under way.
    under_way: u32,
    /// The worker that reads it.
    reader: Option<usize>,
}

/// A vocabulary of transactions whose steps read or write one key.
pub trait Transactional: Vocabulary<Call = Vec<<Self as Transactional>::Step>> {
    /// One step.
    type Step;
    /// A step that reads a key.
    fn read(key: Key) -> Self::Step;
    /// A step that writes a value to a key.
    fn write(key: Key, value: Value) -> Self::Step;
    /// The key of a step.
    fn key(step: &Self::Step) -> &Key;
    /// Whether a step writes its key.
    fn writes(step: &Self::Step) -> bool;
}

impl Transactional for ListAppend {
    type Step = list_append::Step;

    fn read(key: Key) -> Self::Step {
        list_append::Step::Read(key)
    }

    fn write(key: Key, value: Value) -> Self::Step {
        list_append::Step::Append(key, value)
    }

    fn key(step: &Self::Step) -> &Key {
        step.key()
    }

    fn writes(step: &Self::Step) -> bool {
        matches!(step, list_append::Step::Append(..))
    }
}

impl Transactional for RwRegister {
    type Step = rw_register::Step;

    fn read(key: Key) -> Self::Step {
        rw_register::Step::Read(key)
    }

    fn write(key: Key, value: Value) -> Self::Step {
        rw_register::Step::Write(key, value)
    }

    fn key(step: &Self::Step) -> &Key {
        step.key()
    }

    fn writes(step: &Self::Step) -> bool {
        matches!(step, rw_register::Step::Write(..))
    }
}

/// Makes transactions, half of whose steps read. It never ends; every value is written once per key.
#[derive(Debug)]
pub struct Transactions {
    shape: TransactionShape,
    run_id: String,
    used: KeysUsed,
    rng: ChaCha8Rng,
    live: Vec<LiveKey>,
    leaving: VecDeque<LeavingKey>,
    /// How many transactions were made.
    made: u64,
    /// The chance of each rank or any before it.
    cumulative: Vec<f64>,
}

impl Transactions {
    /// The transactions of one run.
    pub fn new(shape: TransactionShape, run_id: &str, seed: u64) -> Self {
        Self::counted(shape, run_id, seed, KeysUsed::default())
    }

    pub(crate) fn counted(shape: TransactionShape, run_id: &str, seed: u64, used: KeysUsed) -> Self {
        let count = shape.key_count.max(1);
        let mut transactions = Self {
            cumulative: cumulative(shape.distribution, count),
            shape,
            run_id: run_id.to_owned(),
            used,
            rng: streams::rng(seed, "workload/transactions", 0),
            live: Vec::with_capacity(count),
            leaving: VecDeque::new(),
            made: 0,
        };
        for _ in 0..count {
            let key = transactions.fresh_key();
            transactions.live.push(key);
        }
        transactions
    }

    fn fresh_key(&mut self) -> LiveKey {
        // Most keys get few writes and some get many, so that short and long lists are both met.
        let most = f64::from(self.shape.writes_per_key_max.max(1));
        let writes_max = most.powf(self.rng.random_range(0.0..=1.0)).round() as u32;
        LiveKey {
            name: key_name(&self.run_id, self.used.take()),
            writes: 0,
            writes_max: writes_max.max(1),
            under_way: 0,
            drawn: self.made,
        }
    }

    /// Has a fresh key take the place of another.
    fn replace(&mut self, place: usize) {
        let fresh = self.fresh_key();
        let LiveKey { name, under_way, .. } = std::mem::replace(&mut self.live[place], fresh);
        self.leaving.push_back(LeavingKey { name, under_way, reader: None });
        if self.leaving.len() > LEAVING_MAX {
            self.leaving.pop_front();
        }
    }

    fn replace_those_left_alone(&mut self) {
        if !self.made.is_multiple_of(LOOK_EVERY) {
            return;
        }
        for place in 0..self.live.len() {
            if self.live[place].drawn + ALONE_MAX < self.made {
                self.replace(place);
            }
        }
    }

    fn draw_key(&mut self) -> usize {
        let draw = self.rng.random_range(0.0..1.0);
        let place = self.cumulative.partition_point(|chance| *chance <= draw).min(self.live.len() - 1);
        self.live[place].drawn = self.made;
        place
    }

    fn write<V: Transactional>(&mut self, place: usize) -> V::Step {
        let key = &mut self.live[place];
        key.writes += 1;
        key.under_way += 1;
        let step = V::write(key.name.clone(), Value::Int(i64::from(key.writes)));
        if key.writes == key.writes_max {
            self.replace(place);
        }
        step
    }

    /// The first step that reads anything reads a key that leaves instead, where one waits for that.
    fn say_farewell<V: Transactional>(&mut self, steps: &mut [V::Step], reader: usize) {
        let mut waiting = self.leaving.iter_mut().filter(|key| key.under_way == 0 && key.reader.is_none());
        if let Some(key) = waiting.next()
            && let Some(step) = steps.iter_mut().find(|step| !V::writes(step))
        {
            key.reader = Some(reader);
            *step = V::read(key.name.clone());
        }
    }

    /// A transaction has ended.
    fn ended<V: Transactional>(&mut self, call: &[V::Step], is_ok: bool, thread: usize) {
        for step in call {
            let key = V::key(step);
            if !V::writes(step) {
                self.leaving.retain_mut(|leaving| {
                    let was_read = leaving.reader == Some(thread) && leaving.name == *key;
                    if was_read {
                        leaving.reader = None;
                    }
                    !(was_read && is_ok)
                });
                continue;
            }
            let live = self.live.iter_mut().map(|live| (&live.name, &mut live.under_way));
            let leaving = self.leaving.iter_mut().map(|leaving| (&leaving.name, &mut leaving.under_way));
            if let Some((_, under_way)) = live.chain(leaving).find(|(name, _)| *name == key) {
                *under_way = under_way.saturating_sub(1);
            }
        }
    }

    /// How many keys were used so far; they are named `{run_id}-0` and so on.
    pub fn keys_used(&self) -> u64 {
        self.used.count()
    }

    /// Reads every key that was used so far, the largest included, in transactions of so many reads.
    pub fn final_reads<V: Transactional>(&self, per_transaction: usize) -> FinalTransactions {
        FinalTransactions::new(&self.run_id, self.used.clone(), per_transaction, u64::MAX)
    }
}

/// The chance of each rank or any before it, for so many ranks.
fn cumulative(distribution: KeyDistribution, count: usize) -> Vec<f64> {
    let weight = |rank: usize| match distribution {
        KeyDistribution::Exponential(base) => base.max(1.0).powi(-(rank as i32)),
        KeyDistribution::Zipf(skew) => ((rank + 1) as f64).powf(-skew),
        KeyDistribution::Uniform => 1.0,
    };
    let total: f64 = (0..count).map(weight).sum();
    let mut sum = 0.0;
    (0..count)
        .map(|rank| {
            sum += weight(rank) / total;
            sum
        })
        .collect()
}

impl<V: Transactional> Generator<V> for Transactions {
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        self.made += 1;
        self.replace_those_left_alone();
        let length = self.rng.random_range(self.shape.length.clone()).max(1);
        let mut steps = Vec::with_capacity(length);
        for _ in 0..length {
            let place = self.draw_key();
            steps.push(if self.rng.next_u32() & 1 == 0 {
                V::read(self.live[place].name.clone())
            } else {
                self.write::<V>(place)
            });
        }
        self.say_farewell::<V>(&mut steps, context.thread);
        Step::Call(steps)
    }

    fn update(&mut self, _context: &Context, event: &Event<'_, V>) {
        if let Event::Completed { thread, operation } = event {
            self.ended::<V>(&operation.call, operation.outcome.ok().is_some(), *thread);
        }
    }
}

/// Reads of the keys that were used: all of them, or of many the newest and as many others, evenly spread.
#[derive(Debug)]
pub struct FinalTransactions {
    run_id: String,
    used: KeysUsed,
    at: u64,
    per_transaction: u64,
    keys_max: u64,
}

impl FinalTransactions {
    pub(crate) fn new(run_id: &str, used: KeysUsed, per_transaction: usize, keys_max: u64) -> Self {
        let per_transaction = per_transaction.max(1) as u64;
        Self { run_id: run_id.to_owned(), used, at: 0, per_transaction, keys_max: keys_max.max(1) }
    }

    /// The number of the key that is read at this place, of so many keys.
    fn number(&self, at: u64, keys: u64) -> u64 {
        let newest = self.keys_max.div_ceil(2);
        let others = self.keys_max - newest;
        match keys > self.keys_max {
            false => at,
            true if at < others => at * (keys - newest) / others,
            true => keys - self.keys_max + at,
        }
    }
}

impl<V: Transactional> Generator<V> for FinalTransactions {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        let keys = self.used.count();
        let end = (self.at + self.per_transaction).min(keys.min(self.keys_max));
        if self.at >= end {
            return Step::Done;
        }
        let numbers = (self.at..end).map(|at| self.number(at, keys));
        let steps = numbers.map(|number| V::read(key_name(&self.run_id, number))).collect();
        self.at = end;
        Step::Call(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_drawn_by_their_distribution() {
        let cases = [
            (KeyDistribution::Uniform, [0.25; 4]),
            (KeyDistribution::Exponential(2.0), [8.0 / 15.0, 4.0 / 15.0, 2.0 / 15.0, 1.0 / 15.0]),
            (KeyDistribution::Zipf(1.0), [0.48, 0.24, 0.16, 0.12]),
        ];
        for (distribution, expected) in cases {
            let shape = TransactionShape { distribution, key_count: 4, ..TransactionShape::default() };
            let mut transactions = Transactions::new(shape, "r", 7);
            let mut shares = [0.0_f64; 4];
            for _ in 0..20_000 {
                shares[transactions.draw_key()] += 1.0 / 20_000.0;
            }
            let is_near =
                shares.iter().zip(expected).all(|(share, expected)| (share - expected).abs() < 0.015);
            assert!(is_near, "{distribution:?}: {shares:?} for {expected:?}");
        }
    }

    #[test]
    fn of_many_keys_the_newest_are_read_and_others_everywhere() {
        let numbers = |keys: u64, keys_max: u64| -> Vec<u64> {
            let used = KeysUsed::default();
            while used.count() < keys {
                used.take();
            }
            let finals = FinalTransactions::new("r", used, 3, keys_max);
            (0..keys.min(keys_max)).map(|at| finals.number(at, keys)).collect()
        };
        assert_eq!(numbers(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(12, 6), [0, 3, 6, 9, 10, 11]);
        assert_eq!(numbers(9, 5), [0, 3, 6, 7, 8]);
        assert_eq!(numbers(7, 1), [6]);
    }
}
