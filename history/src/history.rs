//! A whole history, immutable once read, and the ways to look at it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::{FaultRecord, Header, Key, Nanos, OpIndex, Operation, Outcome, Process, Vocabulary};

/// Where and how a history's file was damaged, and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The line (from 1) at which reading stopped.
    pub line: u64,
    /// The byte of the uncompressed text at which that line begins.
    pub byte: u64,
    /// What was wrong there, and what was done about it, in one sentence.
    pub what: String,
}

/// All operations of a run, in the order they began, and the faults that happened during it.
#[derive(Debug)]
pub struct History<V: Vocabulary> {
    /// What it is a history of.
    pub header: Header,
    /// Its operations; `operations[i].index == OpIndex(i)`.
    pub operations: Vec<Operation<V>>,
    /// Its faults, in the order they began.
    pub faults: Vec<FaultRecord>,
    /// What was lost of it, if its file was damaged.
    pub damage: Option<Damage>,
}

/// How many calls of one kind there were, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// They happened.
    pub ok: u64,
    /// They certainly did not happen.
    pub fail: u64,
    /// Nobody knows.
    pub unknown: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.ok + self.fail + self.unknown
    }
}

impl<V: Vocabulary> History<V> {
    /// The operations that touch each key, in the order they began; the keys in their order. An operation that touches
    /// several keys is listed under each of them.
    pub fn by_key(&self) -> Vec<(Key, Vec<&Operation<V>>)> {
        let mut places: FxHashMap<Key, usize> = FxHashMap::default();
        let mut lists: Vec<(Key, Vec<&Operation<V>>)> = Vec::new();
        for operation in &self.operations {
            for key in V::keys(&operation.call) {
                let place = *places.entry(key.clone()).or_insert_with(|| {
                    lists.push((key, Vec::new()));
                    lists.len() - 1
                });
                let list = &mut lists[place].1;
                // A transaction may touch a key twice and is still one operation.
                if list.last().is_none_or(|last| last.index != operation.index) {
                    list.push(operation);
                }
            }
        }
        lists.sort_by(|one, other| one.0.cmp(&other.0));
        lists
    }

    /// The operations of each process, in the order they began; the processes in their order.
    pub fn by_process(&self) -> Vec<(Process, Vec<&Operation<V>>)> {
        let mut places: FxHashMap<Process, usize> = FxHashMap::default();
        let mut lists: Vec<(Process, Vec<&Operation<V>>)> = Vec::new();
        for operation in &self.operations {
            let place = *places.entry(operation.process).or_insert_with(|| {
                lists.push((operation.process, Vec::new()));
                lists.len() - 1
            });
            lists[place].1.push(operation);
        }
        lists.sort_by_key(|(process, _)| *process);
        lists
    }

    /// The operations that began at `from` or later and before `to`.
    pub fn begun_between(&self, from: Nanos, to: Nanos) -> &[Operation<V>] {
        let start = self.operations.partition_point(|operation| operation.began < from);
        let end = self.operations.partition_point(|operation| operation.began < to);
        &self.operations[start..end.max(start)]
    }

    /// When the last event was: the last call's beginning, or the last answer. 0 where no times were recorded.
    pub fn last_event(&self) -> Nanos {
        if self.header.untimed {
            return Nanos(0);
        }
        let times = self.operations.iter().map(|operation| operation.ended.unwrap_or(operation.began));
        times.max().unwrap_or_default()
    }

    /// How many calls there were, by kind and outcome.
    pub fn counts(&self) -> BTreeMap<&'static str, Counts> {
        let mut counts: BTreeMap<&'static str, Counts> = BTreeMap::new();
        for operation in &self.operations {
            let counts = counts.entry(V::kind(&operation.call)).or_default();
            match operation.outcome {
                Outcome::Ok(_) => counts.ok += 1,
                Outcome::Fail(_) => counts.fail += 1,
                Outcome::Unknown(_) => counts.unknown += 1,
            }
        }
        counts
    }
}

/// Brings operations into the order of (began, number) and numbers them so.
///
/// Operations are large and nearly in order, so small keys are sorted and each operation is moved once.
pub(crate) fn rank<V: Vocabulary>(operations: &mut [Operation<V>]) {
    let keys = operations.iter().map(|operation| (operation.began, operation.index.0));
    let mut from = places(keys.zip(0..).map(|((began, id), place)| (began, id, place)).collect());
    for start in 0..from.len() {
        let mut at = start;
        while from[at] as usize != start {
            let next = from[at] as usize;
            operations.swap(at, next);
            from[at] = at as u32;
            at = next;
        }
        from[at] = at as u32;
    }
    for (operation, index) in operations.iter_mut().zip(0..) {
        operation.index = OpIndex(index);
    }
}

/// Where what comes at each place is now.
fn places(mut order: Vec<(Nanos, u32, u32)>) -> Vec<u32> {
    order.sort();
    order.into_iter().map(|(_, _, place)| place).collect()
}
