//! The first pass: keys and values get numbers, and each transaction is compared with itself.

use history::{
    Key, Outcome,
    vocabulary::list_append::{Answer, List, Step},
};
use rustc_hash::FxHashMap;

use super::{Lists, NONE, Read, Write};
use crate::Anomaly;

/// What a transaction has done to a key so far.
#[derive(Clone, Copy, Debug)]
struct Touch<'a> {
    key: u32,
    /// The list it last read, and how much it has appended since.
    seen: Option<&'a List>,
    appended: u32,
    last_write: u32,
    /// Its last read that told something new.
    read: u32,
}

/// Transactions with more keys than this look their keys up.
const SCANNED_MAX: usize = 16;

/// The keys that a transaction has touched.
#[derive(Debug, Default)]
struct Touches<'a> {
    list: Vec<Touch<'a>>,
    place: FxHashMap<u32, usize>,
}

impl<'a> Touches<'a> {
    fn clear(&mut self) {
        if self.list.len() > SCANNED_MAX {
            self.place.clear();
        }
        self.list.clear();
    }

    /// The key's place, and whether it was touched before.
    fn find(&mut self, key: u32) -> (usize, bool) {
        let found = if self.list.len() <= SCANNED_MAX {
            self.list.iter().position(|touch| touch.key == key)
        } else {
            self.place.get(&key).copied()
        };
        if let Some(place) = found {
            return (place, true);
        }
        self.list.push(Touch { key, seen: None, appended: 0, last_write: NONE, read: NONE });
        let place = self.list.len() - 1;
        if place == SCANNED_MAX {
            self.place.extend(self.list.iter().enumerate().map(|(place, touch)| (touch.key, place)));
        } else if place > SCANNED_MAX {
            self.place.insert(key, place);
        }
        (place, false)
    }
}

pub(super) fn read(lists: &mut Lists<'_>) {
    let history = lists.history;
    let mut numbers: FxHashMap<&Key, u32> = FxHashMap::default();
    let mut touches = Touches::default();
    // For each append, the one of the same transaction to the same key before it.
    let mut previous: Vec<u32> = Vec::new();
    lists.steps.push(0);
    for (transaction, operation) in (0..).zip(&history.operations) {
        let answers = answers_of(lists, transaction);
        touches.clear();
        let mut last = NONE;
        for (step, call) in (0..).zip(&operation.call) {
            // Steps on one key tend to follow each other.
            let key = match lists.keys.get(last as usize) {
                Some(same) if *same == call.key() => last,
                _ => *numbers.entry(call.key()).or_insert_with(|| {
                    lists.keys.push(call.key());
                    lists.keys.len() as u32 - 1
                }),
            };
            last = key;
            lists.step_key.push(key);
            let (place, is_known) = touches.find(key);
            match (call, answers.get(step as usize)) {
                (Step::Append(_, value), _) => {
                    let write = lists.writes.len() as u32;
                    let touch = &mut touches.list[place];
                    if touch.last_write != NONE {
                        lists.writes[touch.last_write as usize].is_last = false;
                    }
                    previous.push(touch.last_write);
                    touch.last_write = write;
                    touch.appended += 1;
                    if touch.read != NONE {
                        lists.reads[touch.read as usize].is_updated = true;
                    }
                    lists.step_write.push(write);
                    append(lists, (transaction, step, key), value);
                }
                (Step::Read(_), Some(Answer::Read(_, Some(list)))) => {
                    lists.step_write.push(NONE);
                    let touch = &mut touches.list[place];
                    let length = if is_known {
                        again(lists, transaction, touch, list, &previous)
                    } else {
                        list.len() as u32
                    };
                    if length != NONE {
                        touch.read = lists.reads.len() as u32;
                    }
                    lists.reads.push(Read {
                        transaction,
                        step,
                        key,
                        length,
                        is_updated: false,
                        branch: NONE,
                    });
                    (touch.seen, touch.appended) = (Some(list), 0);
                }
                (Step::Read(_), _) => lists.step_write.push(NONE),
            }
        }
        lists.steps.push(lists.step_key.len() as u32);
    }
    lists.orders = vec![super::Order::default(); lists.keys.len()];
}

/// The answers of a transaction, where they answer what was asked.
fn answers_of<'a>(lists: &mut Lists<'a>, transaction: u32) -> &'a [Answer] {
    let operation = lists.operation(transaction);
    match &operation.outcome {
        Outcome::Ok(answers) if matches(&operation.call, answers) => answers,
        Outcome::Ok(_) => {
            mismatched(lists, transaction);
            &[]
        }
        _ => &[],
    }
}

fn append<'a>(lists: &mut Lists<'a>, (transaction, step, key): (u32, u32, u32), value: &'a history::Value) {
    let number = lists.writes.len() as u32;
    lists.writes.push(Write { transaction, step, key, place: NONE, is_last: true, is_ambiguous: false });
    let first = *lists.write_of.entry((key, value)).or_insert(number);
    if first != number {
        lists.writes[number as usize].is_ambiguous = true;
        let first = &mut lists.writes[first as usize];
        lists.ambiguous += 1 + u64::from(!first.is_ambiguous);
        first.is_ambiguous = true;
    }
}

/// Whether the answers are answers to these steps.
fn matches(call: &[Step], answers: &[Answer]) -> bool {
    call.len() == answers.len()
        && call.iter().zip(answers).all(|pair| match pair {
            (Step::Read(key), Answer::Read(answered, _)) => key == answered,
            (Step::Append(key, value), Answer::Append(answered, appended)) => {
                key == answered && value == appended
            }
            _ => false,
        })
}

fn mismatched(lists: &mut Lists<'_>, transaction: u32) {
    let who = lists.who(transaction);
    let operation = lists.operation(transaction);
    lists.findings.add("mismatched-answer", || Anomaly {
        sentence: format!(
            "{who} asked for {} and was answered {}, which answers something else.",
            super::because::cut(&<history::ListAppend as history::Vocabulary>::describe_call(
                &operation.call
            )),
            super::because::cut(&operation.outcome.ok().map_or_else(String::new, |answers| {
                <history::ListAppend as history::Vocabulary>::describe_return(&operation.call, answers)
            })),
        ),
        witness: vec![operation.index],
        ..Anomaly::default()
    });
}

/// Compares a read with what its transaction did to the key before. What is left is how long the list was without the
/// transaction's own appends, where the read says something new.
fn again<'a>(
    lists: &mut Lists<'a>,
    transaction: u32,
    touch: &Touch<'a>,
    list: &'a List,
    previous: &[u32],
) -> u32 {
    let own = touch.appended as usize;
    let others = list.len().checked_sub(own);
    let ends_with_own = others.is_some_and(|others| {
        let mut write = touch.last_write;
        list[others..].iter().rev().all(|value| {
            let is_same = lists.value(write) == value;
            write = previous[write as usize];
            is_same
        })
    });
    match (touch.seen, others) {
        (None, Some(others)) if ends_with_own => return others as u32,
        (Some(seen), Some(others)) if ends_with_own && seen.len() == others && seen.is_prefix_of(list) => {
            return NONE;
        }
        _ => {}
    }
    contradiction(lists, transaction, touch, list);
    match others {
        Some(others) if ends_with_own => others as u32,
        _ => NONE,
    }
}

fn contradiction<'a>(lists: &mut Lists<'a>, transaction: u32, touch: &Touch<'a>, list: &'a List) {
    let who = lists.who(transaction);
    let key = lists.keys[touch.key as usize];
    let index = lists.operation(transaction).index;
    let own = touch.appended;
    lists.findings.add("internal", || {
        let then = super::because::list(list);
        let sentence = match (touch.seen, own) {
            (Some(seen), 0) => {
                format!(
                    "{who} read {key} as {} and then, having changed nothing, as {then}.",
                    super::because::list(seen)
                )
            }
            (Some(seen), own) => format!(
                "{who} read {key} as {}, appended {own} of its own and then read {then}.",
                super::because::list(seen)
            ),
            (None, own) => {
                format!("{who} appended {own} to {key} and then read {then}, which does not end with them.")
            }
        };
        Anomaly { sentence, key: Some(key.clone()), witness: vec![index], ..Anomaly::default() }
    });
}
