//! Accepts or rejects an order, by the plainest means and with none of the engine's code.

use std::collections::{HashMap, HashSet};

use history::{
    History, Key, Nanos, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

/// Whether the order explains every result, over all keys at once, and keeps the order of every session.
///
/// A session is what one process did up to an outcome that is unknown; a process that began a call before it had the
/// answer of another is none. Every operation that succeeded must be there, and none that failed.
pub fn verify_sequential(history: &History<Register>, order: &[OpIndex]) -> bool {
    let mut place: HashMap<OpIndex, usize> = HashMap::new();
    let mut state: HashMap<&Key, &Value> = HashMap::new();
    let initial = &history.header.initial;
    for (at, index) in order.iter().enumerate() {
        let Some(operation) = history.operations.get(index.0 as usize) else { return false };
        if place.insert(*index, at).is_some() || matches!(operation.outcome, Outcome::Fail(_)) {
            return false;
        }
        let now = state.entry(operation.call.key()).or_insert(initial);
        let fits = match (&operation.call, operation.outcome.ok()) {
            (Call::Read(_), Some(Return::Value(Some(Value::Nil)))) if *initial != Value::Nil => true,
            (Call::Read(_), Some(Return::Value(Some(seen)))) => seen == *now,
            (Call::Cas(_, from, _), Some(Return::Refused)) => from != *now,
            (Call::Cas(_, from, _), _) => from == *now,
            _ => true,
        };
        match (&operation.call, operation.outcome.ok()) {
            _ if !fits => return false,
            (Call::Cas(..), Some(Return::Refused)) | (Call::Read(_), _) => {}
            (Call::Write(_, to) | Call::Cas(_, _, to), _) => *now = to,
        }
    }
    let mut last: HashMap<Process, &Operation<Register>> = HashMap::new();
    let overlapping = overlapping(history);
    history.operations.iter().all(|operation| {
        let (at, process) = (place.get(&operation.index), operation.process);
        match &operation.outcome {
            Outcome::Fail(_) => true,
            Outcome::Unknown(_) => {
                let before = last.remove(&process);
                before.is_none_or(|before| at.is_none_or(|at| place[&before.index] < *at))
            }
            Outcome::Ok(_) => at.is_some_and(|at| {
                let free = overlapping.contains(&process);
                let before = if free { None } else { last.insert(process, operation) };
                before.is_none_or(|before| place[&before.index] < *at)
            }),
        }
    })
}

/// The processes that began a call before they had the answer of another.
fn overlapping(history: &History<Register>) -> HashSet<Process> {
    let mut ends: HashMap<Process, Nanos> = HashMap::new();
    let answered = history.operations.iter().filter(|operation| operation.outcome.ok().is_some());
    let mut overlapping = HashSet::new();
    for operation in answered.filter(|_| !history.header.untimed) {
        let end = ends.entry(operation.process).or_default();
        if *end > operation.began {
            overlapping.insert(operation.process);
        }
        *end = operation.ended.unwrap_or_default().max(*end);
    }
    overlapping
}
