//! The definition, tried out in full.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use history::{
    History, Key, KeyValue, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::key_value::{Call, Return},
};

type Op = Operation<KeyValue>;
type Store = BTreeMap<Key, Value>;

/// The store after a call, if it can have answered that.
fn apply(store: &Store, operation: &Op, initial: &Value) -> Option<Store> {
    let answer = operation.outcome.ok();
    let get = |key: &Key| store.get(key).unwrap_or(initial).clone();
    // A nil says nothing where keys hold something else at first.
    let fits = |seen: &Value, there: &Value| seen == there || (*seen == Value::Nil && *initial != Value::Nil);
    let mut after = store.clone();
    let right = match (&operation.call, answer) {
        (Call::Get(key), Some(Return::Value(Some(seen)))) => fits(seen, &get(key)),
        (Call::Put(key, value), _) => {
            after.insert(key.clone(), value.clone());
            true
        }
        (Call::Append(key, more), _) => {
            let text = |value: &Value| if *value == Value::Nil { String::new() } else { value.to_string() };
            let now = get(key);
            let joined = if now == Value::Nil { more.clone() } else { text(&now).add(&text(more)) };
            after.insert(key.clone(), joined);
            true
        }
        (Call::Delete(key), answer) => {
            let was_there = after.remove(key).is_some();
            !matches!(answer, Some(Return::Deleted(said)) if *said != was_there)
        }
        (Call::Cas(key, from, _), Some(Return::Refused)) => get(key) != *from,
        (Call::Cas(key, from, to), _) => {
            after.insert(key.clone(), to.clone());
            get(key) == *from
        }
        (Call::Range(from, to), Some(Return::Entries(seen))) => {
            let inside = |key: &Key| key >= from && (*to == Value::Nil || key < to);
            let there: Vec<(&Key, &Value)> = store.iter().filter(|(key, _)| inside(key)).collect();
            there.len() == seen.len()
                && there
                    .iter()
                    .all(|(key, value)| seen.iter().any(|(asked, seen)| asked == *key && fits(seen, value)))
        }
        (Call::MultiGet(keys), Some(Return::Entries(seen))) => {
            keys.iter().all(|key| match seen.iter().find(|(asked, _)| asked == key) {
                Some((_, seen)) => fits(seen, &get(key)),
                None => !store.contains_key(key),
            })
        }
        (Call::MultiPut(entries), _) => {
            after.extend(entries.iter().cloned());
            true
        }
        _ => true,
    };
    right.then_some(after)
}

/// Joins texts.
trait Add {
    fn add(&self, more: &str) -> Value;
}

impl Add for String {
    fn add(&self, more: &str) -> Value {
        Value::from(format!("{self}{more}").as_str())
    }
}

/// The session of each operation: what one process did up to an outcome that nobody knows. A process that began a call
/// before it had the answer of another is none.
fn sessions(operations: &[&Op]) -> Vec<(Process, usize)> {
    let answered = |operation: &&&Op| operation.outcome.ok().is_some();
    let mixed: BTreeSet<Process> = operations
        .iter()
        .filter(answered)
        .filter(|one| {
            operations.iter().filter(answered).any(|other| {
                one.process == other.process && one.index < other.index && one.ended > Some(other.began)
            })
        })
        .map(|operation| operation.process)
        .collect();
    let mut cuts: BTreeMap<Process, usize> = BTreeMap::new();
    let place = |(at, operation): (usize, &&Op)| {
        let cut = cuts.entry(operation.process).or_default();
        if mixed.contains(&operation.process) {
            return (operation.process, 1_000 + at);
        }
        let session = (operation.process, *cut);
        *cut += usize::from(matches!(operation.outcome, Outcome::Unknown(_)));
        session
    };
    operations.iter().enumerate().map(place).collect()
}

/// Those that must be done before the next one: the answered ones before it in its session.
fn is_blocked(operations: &[&Op], sessions: &[(Process, usize)], done: u32, next: usize) -> bool {
    (0..next)
        .any(|i| done >> i & 1 == 0 && sessions[i] == sessions[next] && operations[i].outcome.ok().is_some())
}

fn has_order(operations: &[&Op], sessions: &[(Process, usize)], initial: &Value) -> bool {
    let must = |i: &usize| operations[*i].outcome.ok().is_some();
    let (mut open, mut seen) = (vec![(0u32, Store::new())], HashSet::new());
    while let Some((done, store)) = open.pop() {
        if (0..operations.len()).filter(must).all(|i| done >> i & 1 == 1) {
            return true;
        }
        if !seen.insert((done, store.clone())) {
            continue;
        }
        for next in 0..operations.len() {
            let failed = matches!(operations[next].outcome, Outcome::Fail(_));
            if done >> next & 1 == 0 && !failed && !is_blocked(operations, sessions, done, next) {
                let after = apply(&store, operations[next], initial);
                open.extend(after.map(|after| (done | 1 << next, after)));
            }
        }
    }
    false
}

pub fn is_sequential(history: &History<KeyValue>) -> bool {
    let all: Vec<&Op> = history.operations.iter().collect();
    has_order(&all, &sessions(&all), &history.header.initial)
}

/// What a process did to other keys tells as much of what its sessions are.
pub fn is_sequential_per_key(history: &History<KeyValue>) -> bool {
    let all: Vec<&Op> = history.operations.iter().collect();
    let sessions = sessions(&all);
    let keys: BTreeSet<Key> = all.iter().flat_map(|operation| KeyValue::keys(&operation.call)).collect();
    keys.iter().all(|key| {
        let of_key = |place: &usize| KeyValue::keys(&all[*place].call).contains(key);
        let places: Vec<usize> = (0..all.len()).filter(of_key).collect();
        let operations: Vec<&Op> = places.iter().map(|&place| all[place]).collect();
        let sessions: Vec<_> = places.iter().map(|&place| sessions[place]).collect();
        has_order(&operations, &sessions, &history.header.initial)
    })
}

/// Whether just this order is one.
pub fn explains(history: &History<KeyValue>, order: &[OpIndex]) -> bool {
    let operations: Vec<&Op> = history.operations.iter().collect();
    let sessions = sessions(&operations);
    let (mut done, mut store) = (0u32, Store::new());
    for index in order {
        let next = index.0 as usize;
        let failed = matches!(operations[next].outcome, Outcome::Fail(_));
        if done >> next & 1 == 1 || failed || is_blocked(&operations, &sessions, done, next) {
            return false;
        }
        let Some(after) = apply(&store, operations[next], &history.header.initial) else { return false };
        (done, store) = (done | 1 << next, after);
    }
    (0..operations.len()).all(|i| done >> i & 1 == 1 || operations[i].outcome.ok().is_none())
}
