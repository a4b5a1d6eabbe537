//! Transactions over a moving window of keys, in the manner of Elle's generators.
//!
//! A few keys are in use at a time, some far more often than others. Each gets a bounded number of writes and then
//! makes place for a fresh one, so that no list grows without end.

use std::ops::RangeInclusive;

use history::{
    Key, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister, list_append, rw_register},
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::{Context, Generator, Step, ledger::KeysUsed, register::key_name, streams};

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

/// A key in use.
#[derive(Clone, Debug)]
struct LiveKey {
    name: Key,
    writes: u32,
    writes_max: u32,
}

/// A vocabulary of transactions whose steps read or write one key.
pub trait Transactional: Vocabulary<Call = Vec<<Self as Transactional>::Step>> {
    /// One step.
    type Step;
    /// A step that reads a key.
    fn read(key: Key) -> Self::Step;
    /// A step that writes a value to a key.
    fn write(key: Key, value: Value) -> Self::Step;
}

impl Transactional for ListAppend {
    type Step = list_append::Step;

    fn read(key: Key) -> Self::Step {
        list_append::Step::Read(key)
    }

    fn write(key: Key, value: Value) -> Self::Step {
        list_append::Step::Append(key, value)
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
}

/// Makes transactions, half of whose steps read. It never ends; every value is written once per key.
#[derive(Debug)]
pub struct Transactions {
    shape: TransactionShape,
    run_id: String,
    used: KeysUsed,
    rng: ChaCha8Rng,
    live: Vec<LiveKey>,
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
        LiveKey { name: key_name(&self.run_id, self.used.take()), writes: 0, writes_max: writes_max.max(1) }
    }

    fn draw_key(&mut self) -> usize {
        let draw = self.rng.random_range(0.0..1.0);
        self.cumulative.partition_point(|chance| *chance <= draw).min(self.live.len() - 1)
    }

    fn write<V: Transactional>(&mut self, place: usize) -> V::Step {
        let key = &mut self.live[place];
        key.writes += 1;
        let step = V::write(key.name.clone(), Value::Int(i64::from(key.writes)));
        if key.writes == key.writes_max {
            self.live[place] = self.fresh_key();
        }
        step
    }

    /// How many keys were used so far; they are named `{run_id}-0` and so on.
    pub fn keys_used(&self) -> u64 {
        self.used.count()
    }

    /// Reads every key that was used so far, the largest included, in transactions of so many reads.
    pub fn final_reads<V: Transactional>(&self, per_transaction: usize) -> FinalTransactions {
        FinalTransactions::new(&self.run_id, self.used.clone(), per_transaction)
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
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
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
        Step::Call(steps)
    }
}

/// See [`Transactions::final_reads`].
#[derive(Debug)]
pub struct FinalTransactions {
    run_id: String,
    used: KeysUsed,
    at: u64,
    per_transaction: u64,
}

impl FinalTransactions {
    pub(crate) fn new(run_id: &str, used: KeysUsed, per_transaction: usize) -> Self {
        Self { run_id: run_id.to_owned(), used, at: 0, per_transaction: per_transaction.max(1) as u64 }
    }
}

impl<V: Transactional> Generator<V> for FinalTransactions {
    fn next(&mut self, _context: &Context) -> Step<V::Call> {
        let end = (self.at + self.per_transaction).min(self.used.count());
        if self.at >= end {
            return Step::Done;
        }
        let steps = (self.at..end).map(|number| V::read(key_name(&self.run_id, number))).collect();
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
}
