//! Linearizability of any data type.

use std::{collections::BTreeMap, marker::PhantomData};

use history::{History, Key, Operation, Outcome, Vocabulary};
use rayon::prelude::*;

use super::{
    decision::{Decision, Meter},
    search,
    timeline::{Span, Timeline},
};
use crate::{Anomaly, Budget, Checker, DataType, Validity, Verdict};

/// Judges any [`DataType`] with the general engine. Calls that share a key are judged together, and so are keys that a
/// call joins.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinearizableType<D>(PhantomData<D>);

impl<D> LinearizableType<D> {
    /// A checker of this data type.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D: DataType> Checker<D::Vocabulary> for LinearizableType<D> {
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<D::Vocabulary>, budget: &Budget) -> Verdict {
        let parts = parts(history);
        let decided: Vec<_> = parts.par_iter().map(|(_, part)| decide::<D>(history, part, budget)).collect();
        let mut verdict = Verdict {
            checker: Checker::<D::Vocabulary>::name(self),
            model: "linearizable".into(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        for ((key, _), (decision, due)) in parts.iter().zip(decided) {
            let name = key.as_ref().map_or_else(|| "the object".into(), |key| format!("key {key}"));
            match decision {
                Decision::Valid(_) => {}
                Decision::Unknown { limit, reached } => {
                    verdict.validity = verdict.validity.max(Validity::Unknown);
                    verdict
                        .notes
                        .push(format!("{name}: linearizable up to its return {reached}, then {limit}"));
                    if !verdict.limits.contains(&limit) {
                        verdict.limits.push(limit);
                    }
                }
                Decision::Invalid { .. } => {
                    verdict.validity = Validity::Invalid;
                    verdict.anomalies.extend(due.map(|due| Anomaly {
                        kind: "nonlinearizable".into(),
                        sentence: sentence(&history.operations[due], &name),
                        key: key.clone(),
                        witness: vec![history.operations[due].index],
                        ..Anomaly::default()
                    }));
                }
            }
        }
        verdict
    }
}

fn sentence<V: Vocabulary>(operation: &Operation<V>, name: &str) -> String {
    let answer = operation.outcome.ok().map_or(String::new(), |ret| {
        format!(" with the answer {}", V::describe_return(&operation.call, ret))
    });
    format!(
        "no order of the operations on {name} explains `{}` by {} at {}{answer}",
        V::describe_call(&operation.call),
        operation.process,
        operation.began,
    )
}

fn decide<D: DataType>(
    history: &History<D::Vocabulary>,
    part: &[usize],
    budget: &Budget,
) -> (Decision, Option<usize>) {
    let judged: Vec<usize> = part
        .iter()
        .copied()
        .filter(|&i| !matches!(history.operations[i].outcome, Outcome::Fail(_)))
        .collect();
    let spans: Vec<Span> = judged
        .iter()
        .map(|&i| {
            let operation = &history.operations[i];
            let optional = matches!(operation.outcome, Outcome::Unknown(_));
            Span { began: operation.began.0, deadline: operation.deadline().map(|time| time.0), optional }
        })
        .collect();
    let line = Timeline::new(&spans);
    let step = |state: &D, i: u32, next: &mut Vec<D>| {
        let operation = &history.operations[judged[i as usize]];
        state.step(&operation.call, operation.outcome.ok(), next);
    };
    let decision = search::search(&line, D::initial(&history.header.initial), step, &mut Meter::new(budget));
    let due = match decision {
        Decision::Invalid { reached } => Some(judged[line.returns[reached as usize] as usize]),
        _ => None,
    };
    (decision, due)
}

/// The operations by connected keys, each group under its smallest key; calls without a key join everything.
fn parts<V: Vocabulary>(history: &History<V>) -> Vec<(Option<Key>, Vec<usize>)> {
    let keys: Vec<Vec<Key>> = history.operations.iter().map(|operation| V::keys(&operation.call)).collect();
    if keys.iter().any(Vec::is_empty) {
        return vec![(None, (0..keys.len()).collect())];
    }
    let mut numbers: BTreeMap<&Key, usize> = keys.iter().flatten().map(|key| (key, 0)).collect();
    for (number, place) in numbers.values_mut().enumerate() {
        *place = number;
    }
    let mut parent: Vec<usize> = (0..numbers.len()).collect();
    let root = |parent: &mut Vec<usize>, mut key: usize| {
        while parent[key] != key {
            parent[key] = parent[parent[key]];
            key = parent[key];
        }
        key
    };
    for touched in &keys {
        let first = root(&mut parent, numbers[&touched[0]]);
        for key in &touched[1..] {
            let other = root(&mut parent, numbers[key]);
            let first = root(&mut parent, first);
            parent[first.max(other)] = first.min(other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, touched) in keys.iter().enumerate() {
        groups.entry(root(&mut parent, numbers[&touched[0]])).or_default().push(i);
    }
    let names: Vec<&Key> = numbers.keys().copied().collect();
    groups.into_iter().map(|(number, part)| (Some(names[number].clone()), part)).collect()
}
