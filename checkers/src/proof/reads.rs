//! Witnesses that one read returned what had certainly been replaced, or what nobody had written yet.

use std::collections::BTreeSet;

use history::{
    History, Nanos, OpIndex, Operation, Register, Value,
    vocabulary::register::{Call, Return},
};

use super::{
    Said,
    events::named,
    sequences::{made, seen},
};
use crate::levels::LevelOptions;

type Op = Operation<Register>;

fn ends_before(one: &Op, other: &Op) -> bool {
    one.deadline().is_some_and(|end| end < other.began)
}

/// The writes of a key that can have happened: an unknown compare-and-set only if something else can have made what it
/// asks for.
pub(super) fn possible<'a>(history: &'a History<Register>, key: &Value) -> Vec<&'a Op> {
    let of_key = |operation: &&Op| operation.call.key() == key && made(operation).is_some();
    let all: Vec<&Op> = history.operations.iter().filter(of_key).collect();
    let mut there = BTreeSet::from([&history.header.initial]);
    let happens = |operation: &Op, there: &BTreeSet<&Value>| match &operation.call {
        Call::Cas(_, from, _) => operation.outcome.ok().is_some() || there.contains(from),
        _ => true,
    };
    loop {
        let found: Vec<&Op> = all.iter().copied().filter(|write| happens(write, &there)).collect();
        let before = there.len();
        there.extend(found.iter().filter_map(|write| made(write)));
        if there.len() == before {
            return found;
        }
    }
}

/// A question about a value.
type Question<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

/// What a call saw, as a question about a value; nothing if it saw nothing that is known.
fn asks<'a>(operation: &'a Op, initial: &Value) -> Option<Question<'a>> {
    match (&operation.call, operation.outcome.ok()?) {
        (Call::Cas(_, from, _), Return::Refused) => Some(Box::new(move |value| value != from)),
        _ => {
            let (_, seen) = seen(operation, initial)?;
            Some(Box::new(move |value| value == seen))
        }
    }
}

/// Whether the witness proves that one of its reads is impossible under `safe`, `weak-regular` or `bounded-staleness`,
/// by the newer writes of the witness alone. Under `eventual` only what nobody can have written is.
pub fn verify_late_read(
    history: &History<Register>,
    model: &str,
    options: &LevelOptions,
    witness: &[OpIndex],
) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let initial = &history.header.initial;
    let is_wrong = |read: &&&Op| {
        let Some(fits) = asks(read, initial) else { return false };
        let writes = possible(history, read.call.key());
        let others = || writes.iter().filter(|write| write.index != read.index);
        // What nobody can have written is wrong whatever else happened.
        if !fits(initial) && !others().any(|write| made(write).is_some_and(&fits)) {
            return true;
        }
        let overlapped = others().any(|write| !ends_before(write, read) && !ends_before(read, write));
        if model == "safe" && overlapped || model == "eventual" {
            return false;
        }
        // Of each write that can have been seen, and of the initial value, how much came after it for certain.
        let missed = |source: Option<&Op>| {
            let newer = chosen.iter().filter(|newer| {
                newer.call.key() == read.call.key()
                    && newer.outcome.ok().is_some()
                    && made(newer).is_some()
                    && ends_before(newer, read)
                    && source.is_none_or(|source| ends_before(source, newer))
            });
            let ends: Vec<Nanos> = newer.filter_map(|newer| newer.deadline()).collect();
            let age = ends.iter().min().map_or(0, |end| read.began.0 - end.0);
            let too_many = options.staleness_versions.is_some_and(|most| ends.len() as u64 > most);
            let too_old = options.staleness_time.is_some_and(|most| age > most.0);
            if model == "bounded-staleness" { too_many || too_old } else { !ends.is_empty() }
        };
        let sources = others().filter(|write| made(write).is_some_and(&fits));
        let mut in_time = sources.filter(|write| !ends_before(read, write));
        in_time.all(|write| missed(Some(write))) && (!fits(initial) || missed(None))
    };
    chosen.iter().any(|read| is_wrong(&read)).into()
}

/// Whether the reads of the witness are final ones that differ, and no unknown write can be the reason.
pub fn verify_diverged(history: &History<Register>, settle: Nanos, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let key = chosen[0].call.key();
    let writes: Vec<&Op> = history
        .operations
        .iter()
        .filter(|operation| operation.call.key() == key && made(operation).is_some())
        .collect();
    let over = |write: &&Op| write.deadline().unwrap_or(write.began);
    let real = history.faults.iter().filter(|fault| fault.state != history::FaultState::Skipped);
    let healed: Option<Nanos> =
        real.map(|fault| fault.ended).try_fold(Nanos(0), |last, end| Some(last.max(end?)));
    let Some(from) = healed.and_then(|healed| Some(healed.max(writes.iter().map(over).max()?))) else {
        return Said::Rejected;
    };
    let late =
        |value: &Value| writes.iter().any(|write| write.deadline().is_none() && made(write) == Some(value));
    let is_last = |read: &Op| {
        history.operations.iter().all(|later| {
            later.index <= read.index
                || later.process != read.process
                || later.call.key() != key
                || !matches!(later.call, Call::Read(_))
                || asks(later, &history.header.initial).is_none()
        })
    };
    let is_final = |read: &&Op| {
        read.call.key() == key
            && matches!(read.call, Call::Read(_))
            && read.began.0 >= from.0.saturating_add(settle.0)
            && is_last(read)
            && asks(read, &history.header.initial).is_some()
            && seen(read, &history.header.initial).is_some_and(|(_, value)| !late(value))
    };
    let values: BTreeSet<&Value> = chosen
        .iter()
        .filter_map(|read| seen(read, &history.header.initial))
        .map(|(_, value)| value)
        .collect();
    (chosen.len() > 1 && chosen.iter().all(is_final) && values.len() > 1).into()
}
