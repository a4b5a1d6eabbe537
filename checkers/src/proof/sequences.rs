//! Witnesses that some calls have no sequential order.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
};

use history::{
    History, Key, KeyValue, Nanos, OpIndex, Operation, Outcome, Process, Register, Value, Vocabulary,
    vocabulary::{
        key_value::Return as Answered,
        register::{Call, Return},
    },
};

use super::{
    Said,
    events::{may_have_happened, named},
    refuted,
};
use crate::{DataType, datatypes::KeyValueState};

/// How much may be looked at.
const WORK_MAX: usize = 20_000_000;

/// For each operation, what session it is in: what one process did up to an outcome that is unknown. A process that began
/// a call before it had the answer of another is none, and each of its calls is a session by itself.
pub(super) fn sessions<V: Vocabulary>(history: &History<V>) -> Vec<(Process, usize)> {
    let (mut ends, mut mixed) = (HashMap::<Process, Nanos>::new(), HashSet::new());
    let answered = history.operations.iter().filter(|operation| operation.outcome.ok().is_some());
    for operation in answered.filter(|_| !history.header.untimed) {
        let end = ends.entry(operation.process).or_default();
        if *end > operation.began {
            mixed.insert(operation.process);
        }
        *end = operation.ended.unwrap_or_default().max(*end);
    }
    let mut cuts: HashMap<Process, usize> = HashMap::new();
    let session = |(place, operation): (usize, &Operation<V>)| {
        let cut = cuts.entry(operation.process).or_default();
        let is_cut = mixed.contains(&operation.process) || matches!(operation.outcome, Outcome::Unknown(_));
        let session = (operation.process, *cut);
        *cut = if is_cut { place + 1 } else { *cut };
        session
    };
    history.operations.iter().enumerate().map(session).collect()
}

/// What is to be put in order.
struct Shuffle {
    /// The calls of each session that certainly happened.
    lanes: Vec<Vec<usize>>,
    /// Those that may have happened, once, after so many calls of a session.
    perhaps: Vec<(usize, usize, usize)>,
}

impl Shuffle {
    /// The operations of a witness in their sessions, and others that may have happened at any time.
    fn new<V: Vocabulary>(history: &History<V>, chosen: &[&Operation<V>], others: &[usize]) -> Self {
        let sessions = sessions(history);
        let mut places: BTreeMap<(Process, usize), usize> = BTreeMap::new();
        let mut shuffle = Self { lanes: vec![Vec::new()], perhaps: Vec::new() };
        shuffle.perhaps.extend(others.iter().map(|&other| (other, 0, 0)));
        let mut chosen: Vec<usize> = chosen.iter().map(|operation| operation.index.0 as usize).collect();
        chosen.sort_unstable();
        for at in chosen {
            let fresh = shuffle.lanes.len();
            let lane = *places.entry(sessions[at]).or_insert(fresh);
            if lane == fresh {
                shuffle.lanes.push(Vec::new());
            }
            match history.operations[at].outcome {
                Outcome::Ok(_) => shuffle.lanes[lane].push(at),
                Outcome::Unknown(_) => shuffle.perhaps.push((at, lane, shuffle.lanes[lane].len())),
                Outcome::Fail(_) => {}
            }
        }
        shuffle
    }

    /// Whether there is an order in which every step leads somewhere; nothing if there are too many to try.
    fn has_order<S: Clone + Eq + Hash>(
        &self,
        start: S,
        step: &dyn Fn(&S, usize, bool) -> Vec<S>,
    ) -> Option<bool> {
        let mut open = vec![(vec![0; self.lanes.len()], vec![false; self.perhaps.len()], start)];
        let (mut seen, mut work) = (HashSet::new(), 0);
        while let Some((heads, used, state)) = open.pop() {
            if self.lanes.iter().zip(&heads).all(|(lane, &head)| head == lane.len()) {
                return Some(true);
            }
            if !seen.insert((heads.clone(), used.clone(), state.clone())) {
                continue;
            }
            work += heads.len() + used.len();
            if work > WORK_MAX {
                return None;
            }
            for (i, &(at, lane, after)) in self.perhaps.iter().enumerate() {
                if !used[i] && heads[lane] >= after {
                    let mut used = used.clone();
                    used[i] = true;
                    let next = step(&state, at, false).into_iter().filter(|next| *next != state);
                    open.extend(next.map(|next| (heads.clone(), used.clone(), next)));
                }
            }
            for (lane, calls) in self.lanes.iter().enumerate() {
                let Some(&at) = calls.get(heads[lane]) else { continue };
                let mut heads = heads.clone();
                heads[lane] += 1;
                let next = step(&state, at, true);
                open.extend(next.into_iter().map(|next| (heads.clone(), used.clone(), next)));
            }
        }
        Some(false)
    }
}

/// Whether the witness alone proves that a history of registers has no sequential order: every order of its operations
/// that keeps their sessions is tried, while every other write may have happened at any time, or never.
pub fn verify_nonsequential(history: &History<Register>, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let initial = &history.header.initial;
    let seen: HashSet<(&Key, &Value)> =
        chosen.iter().filter_map(|operation| seen(operation, initial)).collect();
    let refused: HashSet<&Key> = chosen
        .iter()
        .filter(|operation| operation.outcome.ok() == Some(&Return::Refused))
        .map(|operation| operation.call.key())
        .collect();
    // What nobody of the witness can have seen may as well not have happened.
    let matters = |operation: &&Operation<Register>| {
        let key = operation.call.key();
        let written =
            made(operation).is_some_and(|made| seen.contains(&(key, made)) || refused.contains(key));
        written && !witness.contains(&operation.index)
    };
    let others = history.operations.iter().filter(matters).map(|operation| operation.index.0 as usize);
    let shuffle = Shuffle::new(history, &chosen, &others.collect::<Vec<usize>>());
    let step = |state: &BTreeMap<Key, Value>, at: usize, answered: bool| {
        let operation = &history.operations[at];
        let (key, returned) = (operation.call.key(), operation.outcome.ok());
        let now = state.get(key).unwrap_or(initial);
        let with = |to: &Value| {
            let mut state = state.clone();
            state.insert(key.clone(), to.clone());
            state
        };
        let is_whole = witness.contains(&operation.index);
        let after = match &operation.call {
            Call::Read(_) => match returned {
                Some(Return::Value(Some(seen))) if *seen != Value::Nil || *initial == Value::Nil => {
                    (seen == now).then(|| state.clone())
                }
                _ => Some(state.clone()),
            },
            Call::Cas(_, from, _) if answered && returned == Some(&Return::Refused) => {
                (from != now).then(|| state.clone())
            }
            // One that is not in the witness may have happened without what it saw.
            Call::Cas(_, from, to) => (!is_whole || from == now).then(|| with(to)),
            Call::Write(_, to) => Some(with(to)),
        };
        after.into_iter().collect()
    };
    refuted(shuffle.has_order(BTreeMap::new(), &step))
}

/// What a call made, or may have made.
pub(super) fn made(operation: &Operation<Register>) -> Option<&Value> {
    match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), _) | (_, Some(Return::Refused)) => None,
        _ if !may_have_happened(operation) => None,
        (Call::Write(_, to) | Call::Cas(_, _, to), _) => Some(to),
    }
}

/// What a call saw if it happened. A nil that was read says nothing where keys hold something else at first.
pub(super) fn seen<'a>(operation: &'a Operation<Register>, initial: &Value) -> Option<(&'a Key, &'a Value)> {
    let key = operation.call.key();
    match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), Some(Return::Value(Some(Value::Nil)))) if *initial != Value::Nil => None,
        (Call::Read(_), Some(Return::Value(Some(seen)))) => Some((key, seen)),
        (Call::Cas(_, from, _), None | Some(Return::Swapped)) => Some((key, from)),
        _ => None,
    }
}

/// The same for a store of keys with all its calls.
pub fn verify_nonsequential_store(history: &History<KeyValue>, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let others = history.operations.iter().filter(|operation| {
        may_have_happened(operation)
            && !KeyValue::is_read(&operation.call)
            && operation.outcome.ok() != Some(&Answered::Refused)
            && !witness.contains(&operation.index)
    });
    let others: Vec<usize> = others.map(|operation| operation.index.0 as usize).collect();
    let shuffle = Shuffle::new(history, &chosen, &others);
    let step = |state: &KeyValueState, at: usize, answered: bool| {
        let operation = &history.operations[at];
        let mut next = Vec::new();
        state.step(&operation.call, operation.outcome.ok().filter(|_| answered), &mut next);
        next
    };
    refuted(shuffle.has_order(KeyValueState::initial(&history.header.initial), &step))
}

/// Whether the order explains every answer of a store of keys, and keeps the order of every session. Every operation that
/// succeeded must be there, and none that failed.
pub fn verify_sequential_store(history: &History<KeyValue>, order: &[OpIndex]) -> bool {
    let sessions = sessions(history);
    let mut states = vec![KeyValueState::initial(&history.header.initial)];
    let mut placed = vec![false; history.operations.len()];
    for index in order {
        let at = index.0 as usize;
        let Some(operation) = history.operations.get(at) else { return false };
        let blocked = history.operations[..at].iter().any(|before| {
            let same = sessions[before.index.0 as usize] == sessions[at];
            same && before.outcome.ok().is_some() && !placed[before.index.0 as usize]
        });
        if blocked || !may_have_happened(operation) || std::mem::replace(&mut placed[at], true) {
            return false;
        }
        let mut after = Vec::new();
        states.iter().for_each(|state| state.step(&operation.call, operation.outcome.ok(), &mut after));
        states = after;
    }
    let left_out =
        |(operation, placed): (&Operation<KeyValue>, &bool)| !placed && operation.outcome.ok().is_some();
    !states.is_empty() && !history.operations.iter().zip(&placed).any(left_out)
}
