//! A small judge of linearizability for the simulation, independent of the checkers: it keeps every set of states
//! that the calls so far allow, and takes one more event at a time.

use std::collections::{BTreeMap, BTreeSet};

use history::{
    Key, Value,
    vocabulary::register::{Call, Return},
};

/// One call with its outcome; `None` is unknown. Calls that failed are left out.
#[derive(Clone, Debug)]
pub struct Seen {
    pub call: Call,
    pub answer: Option<Return>,
    pub began_us: u64,
    pub ended_us: u64,
}

/// More states than this at once are not followed; such a key counts as fine.
const STATES_MAX: usize = 20_000;

type State = (Value, BTreeSet<usize>);

/// The first call of a key whose answer nothing explains.
pub fn first_anomaly(all: &[Seen]) -> Option<String> {
    let mut keys: BTreeMap<&Key, Vec<&Seen>> = BTreeMap::new();
    for seen in all {
        keys.entry(seen.call.key()).or_default().push(seen);
    }
    keys.into_iter().find_map(|(key, calls)| judge(&calls).map(|what| format!("key {key}: {what}")))
}

fn judge(calls: &[&Seen]) -> Option<String> {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, seen) in calls.iter().enumerate() {
        events.push((seen.began_us, false, place));
        if seen.answer.is_some() {
            events.push((seen.ended_us, true, place));
        }
    }
    // Of equal times the beginnings come first: such calls are concurrent.
    events.sort_unstable();
    let mut open = BTreeSet::new();
    let mut states: BTreeSet<State> = BTreeSet::from([(Value::Nil, BTreeSet::new())]);
    for (_, is_end, place) in events {
        if !is_end {
            open.insert(place);
            continue;
        }
        states = closure(states, &open, calls, place)?;
        open.remove(&place);
        if states.is_empty() {
            return Some(format!("nothing explains {:?}", calls[place]));
        }
    }
    None
}

/// All states in which the call at `place` has happened, having let any open calls happen before. `None` when there
/// are too many to follow.
fn closure(
    states: BTreeSet<State>,
    open: &BTreeSet<usize>,
    calls: &[&Seen],
    place: usize,
) -> Option<BTreeSet<State>> {
    let mut known = states.clone();
    let mut stack: Vec<State> = states.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some((value, done)) = stack.pop() {
        if done.contains(&place) {
            let mut done = done;
            done.remove(&place);
            reached.insert((value, done));
            continue;
        }
        for &next in open.iter().filter(|next| !done.contains(next)) {
            let Some(value) = step(&value, calls[next]) else { continue };
            let mut done = done.clone();
            done.insert(next);
            if known.insert((value.clone(), done.clone())) {
                stack.push((value, done));
            }
        }
        if known.len() > STATES_MAX {
            return None;
        }
    }
    Some(reached)
}

fn step(value: &Value, seen: &Seen) -> Option<Value> {
    match (&seen.call, &seen.answer) {
        (Call::Read(_), Some(Return::Value(Some(read)))) => (read == value).then(|| value.clone()),
        (Call::Write(_, to), _) => Some(to.clone()),
        (Call::Cas(_, from, to), Some(Return::Swapped) | None) => (from == value).then(|| to.clone()),
        (Call::Cas(_, from, _), Some(Return::Refused)) => (from != value).then(|| value.clone()),
        _ => None,
    }
}
