//! What is wrong with single answers of transactions.

use std::collections::HashMap;

use history::{History, Key, OpIndex, Operation, Outcome, Value, Vocabulary};

use super::{Does, Record, Step, Traced, operation_of};
use crate::proof::{Said, events::named};

/// The transactions of a witness that committed, and what they read.
struct Case<'a, V: Vocabulary> {
    record: Record<'a, V>,
    committed: Vec<&'a Operation<V>>,
    reads: Vec<(&'a Operation<V>, &'a Key, &'a [Value])>,
    witness: &'a [OpIndex],
}

/// Whether what is wrong with single answers is there. The claim is one of these operations against the history.
pub fn verify_answer<V: Traced>(history: &History<V>, kind: &str, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let record = Record::new(history);
    let committed: Vec<_> = chosen.into_iter().filter(|one| one.outcome.ok().is_some()).collect();
    let read = |&reader: &_| record.reads(reader).into_iter().map(move |(key, seen)| (reader, key, seen));
    let reads: Vec<_> = committed.iter().flat_map(read).collect();
    let case = Case { record, committed, reads, witness };
    let mut reads = case.reads.iter();
    match kind {
        "mismatched-answer" => {
            let belongs = |one: &Operation<V>| one.outcome.ok().is_none_or(|all| V::belongs(&one.call, all));
            !case.committed.iter().all(|one| belongs(one))
        }
        "garbage-read" => {
            let written = |key: &Key, value: &Value| case.record.writers.contains_key(&(key, value));
            reads.any(|(_, key, seen)| !seen.iter().all(|value| written(key, value)))
        }
        "G1a" => reads.any(|(_, key, seen)| {
            seen.iter().any(|value| case.writer(key, value).is_some_and(|writer| is_failed(writer)))
        }),
        "G1b" => case.shows_an_intermediate_value(),
        "future-read" => case.committed.iter().any(|one| case.sees_its_future(one)),
        "internal" => case.committed.iter().any(|one| is_inconsistent::<V>(&case.record.steps(one))),
        "duplicate-elements" => {
            reads.any(|(_, _, seen)| (0..seen.len()).any(|at| seen[..at].contains(&seen[at])))
        }
        "incompatible-order" => reads.any(|(_, key, one)| {
            let apart = |other: &[Value]| !one.starts_with(other) && !other.starts_with(one);
            case.reads.iter().any(|(_, other_key, other)| key == other_key && apart(other))
        }),
        "dirty-update" => case.builds_on_what_failed(),
        "lost-update" => case.misses_an_update(),
        "long-fork" => case.forks(),
        "cyclic-versions" => {
            return Said::Silent("it contradicts an order of versions that was assumed, and nothing else");
        }
        _ => return Said::Silent("no verifier knows this kind"),
    }
    .into()
}

fn is_failed<V: Vocabulary>(operation: &Operation<V>) -> bool {
    matches!(operation.outcome, Outcome::Fail(_))
}

impl<'a, V: Traced> Case<'a, V> {
    /// The one writer of a value, if it is named.
    fn writer(&self, key: &Key, value: &Value) -> Option<&'a Operation<V>> {
        self.record.writer(key, value).filter(|writer| self.witness.contains(&writer.index))
    }

    fn shows_an_intermediate_value(&self) -> bool {
        self.reads.iter().any(|(reader, key, seen)| {
            let own = |value: &Value| {
                self.record.writer(key, value).is_some_and(|writer| writer.index == reader.index)
            };
            let Some(value) = seen.iter().rev().find(|value| !own(value)) else { return false };
            self.writer(key, value).is_some_and(|writer| {
                !is_failed(writer) && self.record.last_write(writer, key) != Some(value)
            })
        })
    }

    fn sees_its_future(&self, reader: &'a Operation<V>) -> bool {
        let steps = self.record.steps(reader);
        (0..steps.len()).any(|at| {
            let Does::Sees(seen) = steps[at].does else { return false };
            steps[at..].iter().any(|later| match later.does {
                Does::Writes(value) => {
                    let once = self.record.writer(later.key, value).is_some();
                    later.key == steps[at].key && seen.contains(value) && once
                }
                Does::Sees(_) => false,
            })
        })
    }

    fn builds_on_what_failed(&self) -> bool {
        self.reads.iter().any(|(_, key, seen)| {
            let by = |value: &Value, failed: bool| {
                self.writer(key, value).is_some_and(|writer| is_failed(writer) == failed)
            };
            let failed = seen.iter().position(|value| by(value, true));
            failed.is_some_and(|failed| seen[failed..].iter().any(|value| by(value, false)))
        })
    }

    /// Two transactions read one version of a key, and both wrote to it afterwards.
    fn misses_an_update(&self) -> bool {
        let both = |one: &'a Operation<V>, other: &'a Operation<V>| {
            let others = self.updates(other);
            one.index != other.index && self.updates(one).iter().any(|update| others.contains(update))
        };
        self.committed.iter().any(|one| self.committed.iter().any(|other| both(one, other)))
    }

    /// The versions that a transaction read of a key to which it wrote afterwards.
    fn updates(&self, one: &'a Operation<V>) -> Vec<(&'a Key, &'a [Value])> {
        let steps = self.record.steps(one);
        let wrote = |place: usize, key: &Key| {
            let later = &steps[place..];
            later.iter().any(|step| step.key == key && matches!(step.does, Does::Writes(_)))
        };
        let left =
            |key: &Key, seen: &[Value]| V::LISTS || seen.iter().all(|value| self.record.is_left(key, value));
        let versions = self.record.versions(one).into_iter();
        versions
            .filter(|(place, key, seen)| wrote(*place, key) && left(key, seen))
            .map(|(_, key, seen)| (key, seen))
            .collect()
    }

    /// Two readers of two keys, each written once, of which each saw what the other missed.
    fn forks(&self) -> bool {
        let history = self.record.history;
        let once = |key: &Key| {
            let all = history.operations.iter().flat_map(|one| self.record.writes(one));
            all.filter(|(other, _)| *other == key).count() == 1
        };
        let splits = |reader: &Operation<V>, there: &Key, missing: &Key| {
            let reads = self.record.reads(operation_of(history, reader));
            let saw = |key: &Key, there: bool| {
                reads.iter().any(|(read, seen)| *read == key && seen.is_empty() != there)
            };
            saw(there, true) && saw(missing, false)
        };
        let some = |one: &Key, other: &Key| self.committed.iter().any(|reader| splits(reader, one, other));
        let fork = |one: &Key, other: &Key| {
            one != other && once(one) && once(other) && some(one, other) && some(other, one)
        };
        self.reads.iter().any(|(_, one, _)| self.reads.iter().any(|(_, other, _)| fork(one, other)))
    }
}

/// Whether a transaction contradicts itself: what it reads of a key is not what it read before, with what it wrote since.
fn is_inconsistent<V: Traced>(steps: &[Step<'_>]) -> bool {
    let mut known: HashMap<&Key, (Option<Vec<Value>>, Vec<Value>)> = HashMap::new();
    steps.iter().any(|step| {
        let (before, since) = known.entry(step.key).or_default();
        match step.does {
            Does::Writes(value) => {
                since.push(value.clone());
                false
            }
            Does::Sees(seen) => {
                let wrong = match (V::LISTS, &before, since.last()) {
                    (false, _, Some(own)) => seen != std::slice::from_ref(own),
                    (_, Some(before), _) => *seen != [before.as_slice(), since.as_slice()].concat(),
                    (true, None, _) => !seen.ends_with(since),
                    (false, None, None) => false,
                };
                (*before, *since) = (Some(seen.to_vec()), Vec::new());
                wrong
            }
        }
    })
}
