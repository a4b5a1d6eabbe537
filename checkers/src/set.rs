//! Sets: what was added must be there, once, and nothing else.

use std::collections::BTreeMap;

use history::{
    History, Key, Nanos, OpIndex, Operation, Outcome, Set, Value, Vocabulary,
    vocabulary::set::{Call, Return},
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Anomaly, Budget, Checker, Family, Ladder, Limit, Rung, Validity, Verdict, subject};

/// Judges grow-only sets element by element: lost, duplicated and unexpected elements, and stale ones where the model
/// is linearizable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SetFull {
    /// Whether an element must be in every read that began after its addition was known.
    pub linearizable: bool,
    /// How many anomalies of a kind are described; all are counted.
    pub anomalies_max: usize,
}

impl SetFull {
    /// A checker for this model.
    pub fn new(linearizable: bool) -> Self {
        Self { linearizable, anomalies_max: 16 }
    }
}

/// What is known about one element.
#[derive(Default)]
struct Element {
    added: Option<OpIndex>,
    /// When the earliest addition that may have happened began.
    began: Option<Nanos>,
    /// When it was first certain that the element is in, and which operation showed it.
    known: Option<(Nanos, OpIndex)>,
}

struct Read<'a> {
    operation: &'a Operation<Set>,
    elements: FxHashSet<&'a Value>,
}

#[derive(Default)]
struct Part<'a> {
    elements: BTreeMap<&'a Value, Element>,
    reads: Vec<Read<'a>>,
    found: Vec<Anomaly>,
}

/// What is weaker than a linearizable set.
pub(crate) fn weaker() -> Ladder<Set> {
    Ladder {
        top: "linearizable",
        family: Family::Other,
        rungs: vec![Rung { name: "eventual", checker: Box::new(SetFull::new(false)) }],
        implies: |strong, weak| (strong, weak) == ("linearizable", "eventual"),
    }
}

impl Checker<Set> for SetFull {
    fn name(&self) -> String {
        "set-full".into()
    }

    fn weaker(&self) -> Option<Ladder<Set>> {
        self.linearizable.then(weaker)
    }

    fn check(&self, history: &History<Set>, budget: &Budget) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name(),
            model: if self.linearizable { "linearizable" } else { "set-full" }.into(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        if let Some(shrinks) = history.operations.iter().find(|operation| !grows(operation)) {
            verdict.validity = Validity::Unknown;
            verdict.notes.push(format!(
                "this checker judges sets that only grow, and {} is `{}`",
                shrinks.index,
                Set::describe_call(&shrinks.call)
            ));
            return verdict;
        }
        let mut parts = gather(history);
        if parts.values().all(|part| part.reads.is_empty()) {
            verdict.validity = Validity::Unknown;
            verdict.notes.push("no read succeeded, so nothing is known about the elements".into());
        }
        let mut counts: FxHashMap<String, usize> = FxHashMap::default();
        for (key, part) in &mut parts {
            if part.reads.is_empty() && !part.elements.is_empty() {
                verdict.validity = verdict.validity.max(Validity::Unknown);
                verdict.notes.push(format!(
                    "no read of {} succeeded, so nothing is known about its elements",
                    subject::named(key, "the set")
                ));
            }
            if let Err(limit) = self.judge(key, part, budget) {
                verdict.validity = verdict.validity.max(Validity::Unknown);
                verdict.notes.push(format!("{}: not all elements were judged: {limit}", subject::part(key)));
                if !verdict.limits.contains(&limit) {
                    verdict.limits.push(limit);
                }
            }
            for anomaly in part.found.drain(..) {
                verdict.validity = Validity::Invalid;
                let count = counts.entry(anomaly.kind.clone()).or_default();
                *count += 1;
                if *count <= self.anomalies_max {
                    verdict.anomalies.push(anomaly);
                }
            }
        }
        let mut counts: Vec<_> =
            counts.into_iter().filter(|(_, count)| *count > self.anomalies_max).collect();
        counts.sort();
        verdict.notes.extend(
            counts.into_iter().map(|(kind, count)| format!("{count} anomalies of the kind {kind} in all")),
        );
        verdict
    }
}

impl SetFull {
    fn judge(&self, key: &Key, part: &mut Part<'_>, budget: &Budget) -> Result<(), Limit> {
        let mut steps = 0u64;
        for (value, element) in &part.elements {
            let Some((known, shown)) = element.known else { continue };
            steps += part.reads.len() as u64;
            if steps > budget.steps_max {
                return Err(Limit::Steps(budget.steps_max));
            }
            if budget.is_expired() {
                return Err(Limit::Time);
            }
            let later = || part.reads.iter().filter(|read| read.operation.began > known);
            let Some(missing) = later().rfind(|read| !read.elements.contains(value)) else { continue };
            // Reads that overlap the last one that missed it may come after it in any order.
            let back = later().any(|read| {
                read.elements.contains(value)
                    && read.operation.ended.is_none_or(|end| end >= missing.operation.began)
            });
            if back && !self.linearizable {
                continue;
            }
            let mut witness: Vec<OpIndex> =
                element.added.into_iter().chain([shown, missing.operation.index]).collect();
            witness.sort_unstable();
            witness.dedup();
            let (kind, so) = if back {
                ("stale-element", "a later read had it")
            } else {
                ("lost-element", "no later read had it")
            };
            part.found.push(Anomaly {
                kind: kind.into(),
                sentence: format!(
                    "{value} was known to be in {} at {known}, but the read by {} at {} did not have it, and {so}",
                    subject::named(key, "the set"),
                    missing.operation.process, missing.operation.began
                ),
                key: Some(key.clone()),
                witness,
                ..Anomaly::default()
            });
        }
        Ok(())
    }
}

/// Whether a call may be made to a set that only grows, and whether its answer is one of those that are judged here.
fn grows(operation: &Operation<Set>) -> bool {
    matches!(operation.outcome, Outcome::Fail(_)) || matches!(operation.call, Call::Add(..) | Call::Read(_))
}

/// The elements and reads by key; what is wrong with a read by itself is found on the way.
fn gather(history: &History<Set>) -> BTreeMap<&Key, Part<'_>> {
    let mut parts: BTreeMap<&Key, Part<'_>> = BTreeMap::new();
    for operation in &history.operations {
        match (&operation.call, &operation.outcome) {
            (Call::Add(..), Outcome::Fail(_)) => {}
            (Call::Add(key, value), outcome) => {
                let element = parts.entry(key).or_default().elements.entry(value).or_default();
                element.began =
                    Some(element.began.map_or(operation.began, |began| began.min(operation.began)));
                element.added.get_or_insert(operation.index);
                if let (Outcome::Ok(Return::Added | Return::Changed(_)), Some(ended)) =
                    (outcome, operation.ended)
                {
                    note_known(element, ended, operation.index);
                }
            }
            _ => {}
        }
    }
    for operation in &history.operations {
        let (Call::Read(key), Outcome::Ok(Return::Elements(listed))) = (&operation.call, &operation.outcome)
        else {
            continue;
        };
        let part = parts.entry(key).or_default();
        let mut elements = FxHashSet::default();
        for value in listed {
            if !elements.insert(value) {
                let what = format!("{value} more than once");
                part.found.push(in_one_read("duplicated-element", operation, what, None));
                continue;
            }
            match part.elements.get_mut(value) {
                Some(element)
                    if element.began.is_some_and(|began| operation.ended.is_none_or(|end| began <= end)) =>
                {
                    if let Some(ended) = operation.ended {
                        note_known(element, ended, operation.index);
                    }
                }
                known => {
                    let what = format!("{value}, which nobody can have added by then");
                    let added = known.and_then(|element| element.added);
                    part.found.push(in_one_read("unexpected-element", operation, what, added));
                }
            }
        }
        part.reads.push(Read { operation, elements });
    }
    parts
}

fn note_known(element: &mut Element, at: Nanos, index: OpIndex) {
    element.known = Some(element.known.map_or((at, index), |known| known.min((at, index))));
}

fn in_one_read(kind: &str, read: &Operation<Set>, what: String, other: Option<OpIndex>) -> Anomaly {
    let key = Set::keys(&read.call).into_iter().next();
    let of = key.as_ref().map(|key| subject::named(key, "the set")).unwrap_or_default();
    let mut witness: Vec<OpIndex> = other.into_iter().chain([read.index]).collect();
    witness.sort_unstable();
    Anomaly {
        kind: kind.into(),
        sentence: format!("the read of {of} by {} at {} listed {what}", read.process, read.began),
        key,
        witness,
        ..Anomaly::default()
    }
}
