//! Long forks: two readers of the same keys who saw two writes in opposite orders.
//!
//! The transactions are judged like any others of registers. Where every key is written once, the forks among them are
//! found by themselves besides, and told in their own words.

use std::collections::BTreeMap;

use history::{
    History, Key, LongFork, Operation, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Transactions, findings::Findings};
use crate::{Anomaly, Budget, Checker, Validity, Verdict};

impl Checker<LongFork> for Transactions {
    fn name(&self) -> String {
        self.names()
    }

    fn check(&self, history: &History<LongFork>, budget: &Budget) -> Verdict {
        let as_registers = History::<RwRegister> {
            header: history.header.clone(),
            operations: history.operations.iter().map(as_register).collect(),
            faults: history.faults.clone(),
            damage: history.damage.clone(),
        };
        let mut verdict = Checker::<RwRegister>::check(self, &as_registers, budget);
        match Forks::new(&as_registers) {
            Ok(forks) => self.tell(&forks, &mut verdict),
            Err(twice) => verdict.notes.push(format!(
                "{twice} was written more than once, so long forks were not looked for by themselves"
            )),
        }
        verdict
    }
}

fn as_register(operation: &Operation<LongFork>) -> Operation<RwRegister> {
    Operation {
        index: operation.index,
        process: operation.process,
        node: operation.node,
        call: operation.call.clone(),
        outcome: operation.outcome.clone(),
        began: operation.began,
        ended: operation.ended,
    }
}

impl Transactions {
    /// Puts the forks before what was found anyhow, where a promise that was asked for forbids them.
    fn tell(&self, forks: &Forks<'_>, verdict: &mut Verdict) {
        let mut findings = Findings::new(self.anomalies_max);
        let mixed = forks.find(&mut findings);
        if mixed == 0 {
            verdict.notes.push(
                "no read saw one write of its keys and missed another, so no fork could have shown".into(),
            );
        }
        let is_forbidden = self.models.iter().any(|model| model.prohibits(KIND));
        for (kind, found) in findings.into_iter() {
            if !is_forbidden {
                verdict.notes.push(format!("also found, and allowed here: {kind} ({})", found.count));
                continue;
            }
            verdict.validity = Validity::Invalid;
            if found.count > found.shown.len() as u64 {
                let shown = found.shown.len();
                verdict.notes.push(format!("{kind} was found {} times; {shown} are described", found.count));
            }
            verdict.anomalies.splice(0..0, found.shown);
        }
    }
}

const KIND: &str = "long-fork";

/// One answered read of a group of keys.
#[derive(Clone, Copy, Debug)]
struct Read {
    transaction: usize,
    /// How many of the keys it saw written.
    seen: usize,
}

/// The reads by the keys that they read.
struct Forks<'a> {
    history: &'a History<RwRegister>,
    /// The one writer of each key.
    writers: FxHashMap<&'a Key, usize>,
    groups: BTreeMap<Vec<&'a Key>, Vec<Read>>,
}

impl<'a> Forks<'a> {
    /// The error is a key that was written more than once.
    fn new(history: &'a History<RwRegister>) -> Result<Self, &'a Key> {
        let mut writers: FxHashMap<&Key, usize> = FxHashMap::default();
        let mut groups: BTreeMap<Vec<&Key>, Vec<Read>> = BTreeMap::new();
        for (transaction, operation) in history.operations.iter().enumerate() {
            for step in &operation.call {
                if let Step::Write(key, value) = step
                    && (writers.insert(key, transaction).is_some() || *value == history.header.initial)
                {
                    return Err(key);
                }
            }
            let Some(answers) = operation.outcome.ok() else { continue };
            let read = |answer: &'a Answer| match answer {
                Answer::Read(key, Some(value)) => Some((key, value)),
                _ => None,
            };
            let Some(shown) = answers.iter().map(read).collect::<Option<Vec<_>>>() else { continue };
            let seen = shown.iter().filter(|(_, value)| **value != history.header.initial).count();
            let mut keys: Vec<&Key> = shown.into_iter().map(|(key, _)| key).collect();
            keys.sort_unstable();
            let is_group = keys.len() > 1 && keys.windows(2).all(|pair| pair[0] != pair[1]);
            if is_group {
                groups.entry(keys).or_default().push(Read { transaction, seen });
            }
        }
        Ok(Self { history, writers, groups })
    }

    fn operation(&self, transaction: usize) -> &'a Operation<RwRegister> {
        &self.history.operations[transaction]
    }

    /// The keys that a read saw written.
    fn seen(&self, read: &Read) -> FxHashSet<&'a Key> {
        let answers = self.operation(read.transaction).outcome.ok().map_or(&[][..], Vec::as_slice);
        let written = |value: &Value| *value != self.history.header.initial;
        let key = |answer: &'a Answer| match answer {
            Answer::Read(key, Some(value)) if written(value) => Some(key),
            _ => None,
        };
        answers.iter().filter_map(key).collect()
    }

    /// Finds all forks, and says how many reads could have shown one. What readers of one order of writes see of a
    /// group grows: sorted by how much they saw, each must have seen all that the one before saw.
    fn find(&self, findings: &mut Findings) -> usize {
        let mut mixed = 0;
        for (keys, reads) in &self.groups {
            let mut reads: Vec<Read> =
                reads.iter().copied().filter(|read| read.seen > 0 && read.seen < keys.len()).collect();
            mixed += reads.len();
            reads.sort_by_key(|read| (read.seen, read.transaction));
            let mut before: Option<(Read, FxHashSet<&Key>)> = None;
            for read in reads {
                let seen = self.seen(&read);
                if let Some((earlier, had)) = &before
                    && let Some(first) = had.iter().filter(|key| !seen.contains(*key)).min()
                    && let Some(second) = seen.iter().filter(|key| !had.contains(*key)).min()
                {
                    findings.add(KIND, || self.fork((earlier, first), (&read, second)));
                }
                before = Some((read, seen));
            }
        }
        mixed
    }

    fn fork(&self, (one, first): (&Read, &Key), (other, second): (&Read, &Key)) -> Anomaly {
        let who = |read: &Read| {
            let operation = self.operation(read.transaction);
            format!("{} ({})", operation.index, operation.process)
        };
        let writer = |key: &Key| self.writers.get(key).map(|&writer| self.operation(writer).index);
        let wrote = |key: &Key| writer(key).map_or_else(|| "nobody".to_owned(), |index| index.to_string());
        let mut witness: Vec<_> =
            [one, other].iter().map(|read| self.operation(read.transaction).index).collect();
        witness.extend([first, second].into_iter().filter_map(writer));
        witness.sort_unstable();
        Anomaly {
            kind: KIND.into(),
            sentence: format!(
                "{} saw {first}, which {} wrote, and not yet {second}, but {} saw {second}, which {} wrote, and not \
                 yet {first}.",
                who(one),
                wrote(first),
                who(other),
                wrote(second)
            ),
            witness,
            ..Anomaly::default()
        }
    }
}
