//! Orders of snapshots and commits.

use std::collections::{HashMap, HashSet};

use history::{
    History, Key, Nanos, OpIndex, Operation, Outcome, Process, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

use crate::serial::Respects;

/// Whether an order names every transaction that committed twice, where it takes its snapshot and where it commits, so that
/// every read is right. Where they are to be `apart`, nobody commits between the two who wrote one of its keys.
pub fn verify_snapshot_order(
    history: &History<RwRegister>,
    order: &[OpIndex],
    respects: Respects,
    apart: bool,
) -> bool {
    let mut store: HashMap<&Key, &Value> = HashMap::new();
    let previous = previous(history);
    let (mut begun, mut done) = (HashSet::new(), HashSet::new());
    let (mut writing, mut latest_begin) = (HashSet::new(), Nanos(0));
    for index in order {
        let Some(operation) = history.operations.get(index.0 as usize) else { return false };
        let keys = written(operation);
        if matches!(operation.outcome, Outcome::Fail(_)) || done.contains(index) {
            return false;
        }
        if begun.insert(*index) {
            let free = previous[index.0 as usize].is_none_or(|earlier| done.contains(&earlier));
            let in_session = respects == Respects::Answers || free;
            let clash = apart && keys.iter().any(|(key, _)| writing.contains(key));
            if clash || !in_session || !reads_right(operation, &store, &history.header.initial) {
                return false;
            }
            writing.extend(keys.iter().map(|(key, _)| *key));
            latest_begin = latest_begin.max(operation.began);
            continue;
        }
        let late = operation.deadline().is_some_and(|end| end < latest_begin);
        if respects == Respects::RealTime && late {
            return false;
        }
        for (key, value) in keys {
            store.insert(key, value);
            writing.remove(key);
        }
        done.insert(*index);
    }
    let is_done = |operation: &Operation<RwRegister>| {
        operation.outcome.ok().is_none() || done.contains(&operation.index)
    };
    begun.len() == done.len() && history.operations.iter().all(is_done)
}

/// For each transaction the last one of its session before it that committed.
fn previous(history: &History<RwRegister>) -> Vec<Option<OpIndex>> {
    let mut last: HashMap<Process, OpIndex> = HashMap::new();
    let before = |operation: &Operation<RwRegister>| match operation.outcome {
        Outcome::Ok(_) => last.insert(operation.process, operation.index),
        _ => last.get(&operation.process).copied(),
    };
    history.operations.iter().map(before).collect()
}

fn written(operation: &Operation<RwRegister>) -> Vec<(&Key, &Value)> {
    fn write(step: &Step) -> Option<(&Key, &Value)> {
        match step {
            Step::Write(key, value) => Some((key, value)),
            Step::Read(_) => None,
        }
    }
    operation.call.iter().filter_map(write).collect()
}

/// Whether a transaction that starts from this store, and sees its own writes, gives these answers.
fn reads_right(operation: &Operation<RwRegister>, store: &HashMap<&Key, &Value>, initial: &Value) -> bool {
    let (mut own, answers) = (store.clone(), operation.outcome.ok());
    answers.is_none_or(|answers| answers.len() == operation.call.len())
        && answers.into_iter().flatten().all(|answer| match answer {
            Answer::Write(key, value) => {
                own.insert(key, value);
                true
            }
            Answer::Read(_, Some(Value::Nil)) if *initial != Value::Nil => true,
            Answer::Read(key, Some(seen)) => seen == *own.get(key).unwrap_or(&initial),
            Answer::Read(_, None) => true,
        })
}
