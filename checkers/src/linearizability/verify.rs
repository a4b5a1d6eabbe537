//! Accepts or rejects what the engines claim, by the plainest means and with none of their code.

use std::collections::HashSet;

use history::{
    History, Nanos, OpIndex, Operation, Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

/// The most positions that are looked at.
const POSITIONS_MAX: usize = 1_000_000;

/// Whether the answer (`None`: any) fits the state, and the state afterwards.
fn apply(state: &Value, call: &Call, returned: Option<&Return>, initial: &Value) -> Option<Value> {
    match (call, returned) {
        (Call::Read(_), Some(Return::Value(Some(seen)))) if *seen != Value::Nil || *initial == Value::Nil => {
            (seen == state).then(|| state.clone())
        }
        (Call::Read(_), _) => Some(state.clone()),
        (Call::Write(_, to), _) => Some(to.clone()),
        (Call::Cas(_, from, _), Some(Return::Refused)) => (from != state).then(|| state.clone()),
        (Call::Cas(_, from, to), _) => (from == state).then(|| to.clone()),
    }
}

/// Whether the order explains every result of the key's operations and keeps their real-time order.
pub fn verify_order(history: &History<Register>, key: &Value, order: &[OpIndex]) -> bool {
    let mut placed = vec![false; history.operations.len()];
    let (mut state, mut latest_call) = (history.header.initial.clone(), None);
    for index in order {
        let Some(operation) = history.operations.get(index.0 as usize) else { return false };
        let twice = std::mem::replace(&mut placed[index.0 as usize], true);
        let too_late = operation.deadline().is_some_and(|end| Some(end.max(operation.began)) < latest_call);
        if twice || too_late || operation.call.key() != key || matches!(operation.outcome, Outcome::Fail(_)) {
            return false;
        }
        let next = apply(&state, &operation.call, operation.outcome.ok(), &history.header.initial);
        let Some(next) = next else { return false };
        state = next;
        latest_call = latest_call.max(Some(operation.began));
    }
    let must =
        |operation: &&Operation<Register>| operation.call.key() == key && operation.outcome.ok().is_some();
    history.operations.iter().filter(must).all(|operation| placed[operation.index.0 as usize])
}

/// Whether the witness alone proves that there is no order: every order of its operations is tried, while every other
/// write may happen any number of times while it was under way, or never. An operation that failed proves nothing.
/// More than 32 operations are refused, and more than a million positions, and an operation that is named twice.
pub fn verify_witness(history: &History<Register>, witness: &[OpIndex]) -> bool {
    let mut operations: Vec<_> =
        witness.iter().filter_map(|index| history.operations.get(index.0 as usize)).collect();
    let Some(key) = operations.first().map(|operation| operation.call.key()) else { return false };
    let sound = witness.iter().collect::<HashSet<_>>().len() == witness.len()
        && operations.len() == witness.len()
        && operations.iter().all(|operation| operation.call.key() == key);
    if !sound || operations.len() > 32 {
        return false;
    }
    operations.retain(|operation| !matches!(operation.outcome, Outcome::Fail(_)));
    let others = history.operations.iter().filter(|operation| {
        operation.call.key() == key
            && !witness.contains(&operation.index)
            && !matches!(operation.outcome, Outcome::Fail(_))
    });
    let others: Vec<(Value, Nanos, Option<Nanos>)> = others
        .filter_map(|operation| match &operation.call {
            _ if operation.outcome.ok() == Some(&Return::Refused) => None,
            Call::Read(_) => None,
            Call::Cas(_, from, to) if from == to => None,
            Call::Write(_, to) | Call::Cas(_, _, to) => {
                Some((to.clone(), operation.began, operation.deadline()))
            }
        })
        .collect();
    let mut open = vec![(0u32, history.header.initial.clone(), Nanos(0))];
    let mut seen = HashSet::new();
    while let Some((done, state, now)) = open.pop() {
        let left: Vec<usize> = (0..operations.len()).filter(|i| done >> i & 1 == 0).collect();
        if left.iter().all(|&i| operations[i].outcome.ok().is_none()) {
            return false;
        }
        if !seen.insert((done, state.clone(), now)) {
            continue;
        }
        if seen.len() > POSITIONS_MAX {
            return false;
        }
        let latest = left.iter().filter_map(|&i| operations[i].deadline()).min();
        let in_time = |at: Nanos, end: Option<Nanos>| end.is_none_or(|end| at <= end);
        let same = (state, now, None);
        for (from, began, end) in others.iter().chain([&same]) {
            let at = now.max(*began);
            for &i in left.iter().filter(|_| in_time(at, *end)) {
                let at = at.max(operations[i].began);
                if in_time(at, latest) {
                    let (call, returned) = (&operations[i].call, operations[i].outcome.ok());
                    let next = apply(from, call, returned, &history.header.initial);
                    open.extend(next.map(|next| (done | 1 << i, next, at)));
                }
            }
        }
    }
    true
}
