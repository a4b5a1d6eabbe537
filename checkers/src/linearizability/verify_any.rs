//! Accepts or rejects an order of calls on any data type, by replaying it.

use std::collections::BTreeMap;

use history::{History, Key, OpIndex, Outcome, Vocabulary};

use crate::DataType;

/// Whether the order explains every answer of the whole history and keeps real time. Calls that share a key are one
/// object, and so are those that a call on several keys joins; a call without a key joins everything.
pub fn verify_object_order<D: DataType>(history: &History<D::Vocabulary>, order: &[OpIndex]) -> bool {
    let objects = objects(history);
    let mut placed = vec![false; history.operations.len()];
    // The states each object may be in; more than one where the data type leaves a choice.
    let mut states: BTreeMap<usize, Vec<D>> = BTreeMap::new();
    let mut latest_call = BTreeMap::new();
    for index in order {
        let at = index.0 as usize;
        let Some(operation) = history.operations.get(at) else { return false };
        let latest = latest_call.entry(objects[at]).or_insert(operation.began);
        let too_late = operation.deadline().is_some_and(|end| end.max(operation.began) < *latest);
        *latest = operation.began.max(*latest);
        let twice = std::mem::replace(&mut placed[at], true);
        if twice || too_late || matches!(operation.outcome, Outcome::Fail(_)) {
            return false;
        }
        let before = states.entry(objects[at]).or_insert_with(|| vec![D::initial(&history.header.initial)]);
        let mut after: Vec<D> = Vec::new();
        for state in before.iter() {
            let mut next = Vec::new();
            state.step(&operation.call, operation.outcome.ok(), &mut next);
            next.retain(|state| !after.contains(state));
            after.append(&mut next);
        }
        if after.is_empty() {
            return false;
        }
        *before = after;
    }
    history
        .operations
        .iter()
        .zip(placed)
        .all(|(operation, placed)| placed || operation.outcome.ok().is_none())
}

/// For each operation, the number of the object it is about: the smallest place of an operation joined with it.
pub(crate) fn objects<V: Vocabulary>(history: &History<V>) -> Vec<usize> {
    let mut first: BTreeMap<Option<Key>, usize> = BTreeMap::new();
    let mut parent: Vec<usize> = (0..history.operations.len()).collect();
    let root = |parent: &[usize], mut at: usize| {
        while parent[at] != at {
            at = parent[at];
        }
        at
    };
    let keyless = history.operations.iter().any(|operation| V::keys(&operation.call).is_empty());
    for (at, operation) in history.operations.iter().enumerate() {
        let mut keys: Vec<Option<Key>> = V::keys(&operation.call).into_iter().map(Some).collect();
        if keyless {
            keys.push(None);
        }
        for key in keys {
            let other = *first.entry(key).or_insert(at);
            let (one, other) = (root(&parent, at), root(&parent, other));
            parent[one.max(other)] = one.min(other);
        }
    }
    (0..parent.len()).map(|at| root(&parent, at)).collect()
}
