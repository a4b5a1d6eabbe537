//! The definitions, tried out in full: slow, plain, and with none of the checkers' code.

use history::{
    History, OpIndex, Operation, Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

pub type Op = Operation<Register>;

/// The value after the operation, if it can happen at this value. `None` where it cannot.
pub fn apply(now: &Value, operation: &Op, initial: &Value) -> Option<Value> {
    match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), Some(Return::Value(Some(Value::Nil)))) if *initial != Value::Nil => Some(now.clone()),
        (Call::Read(_), Some(Return::Value(Some(seen)))) => (seen == now).then(|| now.clone()),
        (Call::Read(_), _) => Some(now.clone()),
        (Call::Write(_, to), _) => Some(to.clone()),
        (Call::Cas(_, from, _), Some(Return::Refused)) => (from != now).then(|| now.clone()),
        (Call::Cas(_, from, to), _) => (from == now).then(|| to.clone()),
    }
}

fn slot(operation: &Op) -> usize {
    ["x", "y", "z"].iter().position(|name| *operation.call.key() == Value::from(*name)).expect("a known key")
}

/// The operations that are in the way of this one: those before it in its session that are still to come.
fn blocked(operations: &[&Op], done: u32, next: usize) -> bool {
    (0..operations.len()).any(|i| {
        let other = operations[i];
        done >> i & 1 == 0
            && other.process == operations[next].process
            && other.index < operations[next].index
            && other.outcome.ok().is_some()
    })
}

/// An order of the operations in which every answer is right and every session keeps its order, if there is one.
pub fn sequential_order(operations: &[&Op], initial: &Value) -> Option<Vec<OpIndex>> {
    let start = [initial.clone(), initial.clone(), initial.clone()];
    let mut seen = std::collections::HashSet::new();
    let mut open: Vec<(u32, [Value; 3], Vec<OpIndex>)> = vec![(0, start, Vec::new())];
    while let Some((done, state, order)) = open.pop() {
        let complete =
            (0..operations.len()).all(|i| done >> i & 1 == 1 || operations[i].outcome.ok().is_none());
        if complete {
            return Some(order);
        }
        if !seen.insert((done, state.clone())) {
            continue;
        }
        for next in 0..operations.len() {
            let operation = operations[next];
            let failed = matches!(operation.outcome, Outcome::Fail(_));
            if done >> next & 1 == 1 || failed || blocked(operations, done, next) {
                continue;
            }
            if let Some(value) = apply(&state[slot(operation)], operation, initial) {
                let (mut state, mut order) = (state.clone(), order.clone());
                state[slot(operation)] = value;
                order.push(operation.index);
                open.push((done | 1 << next, state, order));
            }
        }
    }
    None
}

pub fn is_sequential(history: &History<Register>) -> bool {
    let all: Vec<&Op> = history.operations.iter().collect();
    sequential_order(&all, &history.header.initial).is_some()
}

/// Whether just this order is one.
pub fn explains(history: &History<Register>, order: &[OpIndex]) -> bool {
    let all: Vec<&Op> = history.operations.iter().collect();
    let initial = &history.header.initial;
    let (mut done, mut state) = (0u32, [initial.clone(), initial.clone(), initial.clone()]);
    for index in order {
        let next = index.0 as usize;
        let failed = matches!(all[next].outcome, Outcome::Fail(_));
        if done >> next & 1 == 1 || failed || blocked(&all, done, next) {
            return false;
        }
        let Some(value) = apply(&state[slot(all[next])], all[next], initial) else { return false };
        state[slot(all[next])] = value;
        done |= 1 << next;
    }
    (0..all.len()).all(|i| done >> i & 1 == 1 || all[i].outcome.ok().is_none())
}
