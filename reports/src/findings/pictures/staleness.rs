//! How old the answers of reads were: for how long the value a read returned had certainly been replaced.

use std::collections::BTreeMap;

use history::{
    History, Key, Outcome, Value,
    vocabulary::{key_value, key_value::KeyValue, register, register::Register},
};

use super::{Bar, Picture, Shape, Tone};
use crate::wording::{duration, plural};

/// The upper ends of the bars, in nanoseconds.
const EDGES: [u64; 6] = [100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000];

#[derive(Default)]
struct Cell {
    /// Value, beginning, and end where it is certain that it happened.
    writes: Vec<(Value, u64, Option<u64>)>,
    /// Beginning and answer.
    reads: Vec<(u64, Value)>,
}

pub(super) fn of_register(history: &History<Register>) -> Option<Picture> {
    let mut keys: BTreeMap<&Key, Cell> = BTreeMap::new();
    for operation in &history.operations {
        use register::{Call, Return};
        let began = operation.began.0;
        let ended = operation.deadline().map(|ended| ended.0);
        match (&operation.call, &operation.outcome) {
            (_, Outcome::Fail(_)) | (_, Outcome::Ok(Return::Refused)) => {}
            (Call::Write(key, value) | Call::Cas(key, _, value), _) => {
                keys.entry(key).or_default().writes.push((value.clone(), began, ended));
            }
            (Call::Read(key), Outcome::Ok(Return::Value(Some(value)))) => {
                keys.entry(key).or_default().reads.push((began, value.clone()));
            }
            _ => {}
        }
    }
    distribution(keys)
}

pub(super) fn of_key_value(history: &History<KeyValue>) -> Option<Picture> {
    let mut keys: BTreeMap<&Key, Cell> = BTreeMap::new();
    let mut other: Vec<&Key> = Vec::new();
    for operation in &history.operations {
        use key_value::{Call, Return};
        let began = operation.began.0;
        let ended = operation.deadline().map(|ended| ended.0);
        match (&operation.call, &operation.outcome) {
            (_, Outcome::Fail(_)) | (_, Outcome::Ok(Return::Refused)) => {}
            (Call::Put(key, value) | Call::Cas(key, _, value), _) => {
                keys.entry(key).or_default().writes.push((value.clone(), began, ended));
            }
            (Call::MultiPut(pairs), _) => {
                for (key, value) in pairs {
                    keys.entry(key).or_default().writes.push((value.clone(), began, ended));
                }
            }
            (Call::Get(key), Outcome::Ok(Return::Value(Some(value)))) => {
                keys.entry(key).or_default().reads.push((began, value.clone()));
            }
            // What an append leaves, and what was deleted, is nobody's own value.
            (Call::Append(key, _) | Call::Delete(key), _) => other.push(key),
            _ => {}
        }
    }
    for key in other {
        keys.remove(key);
    }
    distribution(keys)
}

fn distribution(keys: BTreeMap<&Key, Cell>) -> Option<Picture> {
    let mut counts = [0u64; EDGES.len() + 2];
    let (mut judged, mut left_out) = (0u64, 0u64);
    for register in keys.into_values() {
        let reads = register.reads.len() as u64;
        match replaced(register.writes) {
            None => left_out += reads,
            Some(replaced) => {
                for (began, value) in register.reads {
                    let Some(&since) = replaced.get(&value) else {
                        left_out += 1;
                        continue;
                    };
                    judged += 1;
                    let place = match began.checked_sub(since) {
                        None | Some(0) => 0,
                        Some(late) => 1 + EDGES.partition_point(|&edge| edge <= late),
                    };
                    counts[place] += 1;
                }
            }
        }
    }
    if judged == 0 {
        return None;
    }
    let name = |place: usize| match place {
        0 => "the newest there was".to_string(),
        place if place <= EDGES.len() => {
            format!("late by up to {}", duration(history::Nanos(EDGES[place - 1])))
        }
        _ => "late by more".to_string(),
    };
    let bars = counts.iter().enumerate().map(|(place, &count)| Bar {
        name: name(place),
        count,
        tone: if place == 0 { Tone::Good } else { Tone::Bad },
    });
    let note = match left_out {
        0 => String::new(),
        _ => format!(
            "{} of values that were written twice or by nobody, or of the initial value, are left out.",
            plural(left_out, "read")
        ),
    };
    Some(Picture {
        title: "How stale the reads were".into(),
        how: "Reads by how long before they began their value had certainly been replaced: a write that began after the \
              value's own write had ended had been acknowledged. A promise of linearizability allows only the first bar."
            .into(),
        note,
        shape: Shape::Bars(bars.collect()),
    })
}

/// From when on each value had certainly been replaced; nothing where values are not unique.
fn replaced(mut writes: Vec<(Value, u64, Option<u64>)>) -> Option<BTreeMap<Value, u64>> {
    writes.sort_by_key(|(_, began, _)| *began);
    // The earliest end of any write that began at this place or later.
    let mut earliest = vec![u64::MAX; writes.len() + 1];
    for (place, (_, _, ended)) in writes.iter().enumerate().rev() {
        earliest[place] = earliest[place + 1].min(ended.unwrap_or(u64::MAX));
    }
    let begins: Vec<u64> = writes.iter().map(|(_, began, _)| *began).collect();
    let mut replaced = BTreeMap::new();
    for (value, _, ended) in writes {
        let after = ended.map_or(begins.len(), |ended| begins.partition_point(|&began| began <= ended));
        if replaced.insert(value, earliest[after]).is_some() {
            return None;
        }
    }
    Some(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_when_a_later_write_had_ended() {
        let write = |value: i64, began, ended| (Value::from(value), began, ended);
        let known =
            replaced(vec![write(1, 0, Some(10)), write(2, 5, Some(20)), write(3, 11, Some(30))]).unwrap();
        // The second overlaps the first and may have come before it; the third cannot.
        assert_eq!(known[&Value::from(1)], 30);
        assert_eq!(known[&Value::from(2)], u64::MAX);
        let unknown = replaced(vec![write(1, 0, None), write(2, 5, Some(20))]).unwrap();
        assert_eq!(unknown[&Value::from(1)], u64::MAX, "a write of unknown fate may come last");
        assert!(replaced(vec![write(1, 0, None), write(1, 5, None)]).is_none());
    }
}
