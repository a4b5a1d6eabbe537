//! Histories as calls on collections: which key, which element, which answer.

use history::{
    History, Key, Operation, Outcome, Value, Vocabulary,
    vocabulary::{Bag, PriorityQueue, Queue, Stack, bag, queue},
};
use rustc_hash::FxHashMap;

use super::{Action, Call, Discipline};
use crate::datatypes::Priority;

/// A vocabulary of collections that the monitors understand.
pub trait Collection: Vocabulary {
    /// How people speak of it.
    const WORDS: Words;

    /// Which element comes out. Of a priority queue it is the smallest, or the largest where the header's initial value
    /// says so.
    const DISCIPLINE: Discipline;

    /// The one collection a call touches.
    fn key(call: &Self::Call) -> &Key;

    /// What a call did if it answered that; `None` if that is no answer to this call. No answer stands for an unknown
    /// outcome.
    fn meaning<'a>(call: &'a Self::Call, returned: Option<&'a Self::Return>) -> Option<Meaning<'a>>;
}

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// Put this in.
    Put(&'a Value),
    /// Took this out.
    Took(&'a Value),
    /// Found nothing.
    FoundNothing,
    /// Took something, or found nothing.
    TookAny,
    /// Saw these elements, or some that nobody knows.
    Saw(Option<&'a [Value]>),
}

/// How people speak of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The collection: `queue`.
    pub object: &'static str,
    /// What was done to an element: `enqueued`.
    pub put: &'static str,
    /// What was done to it in the end: `dequeued`.
    pub taken: &'static str,
    /// The call that does so: `dequeue`.
    pub take: &'static str,
}

macro_rules! collections {
    ($($name:ident: $discipline:expr, $object:literal, $put:literal, $taken:literal, $take:literal;)*) => { $(
        impl Collection for $name {
            const WORDS: Words = Words { object: $object, put: $put, taken: $taken, take: $take };

            const DISCIPLINE: Discipline = $discipline;

            fn key(call: &queue::Call) -> &Key {
                call.key()
            }

            fn meaning<'a>(
                call: &'a queue::Call,
                returned: Option<&'a queue::Return>,
            ) -> Option<Meaning<'a>> {
                match (call, returned) {
                    (queue::Call::Enqueue(_, element), None | Some(queue::Return::Enqueued)) => {
                        Some(Meaning::Put(element))
                    }
                    (queue::Call::Dequeue(_), Some(queue::Return::Dequeued(element))) => {
                        Some(Meaning::Took(element))
                    }
                    (queue::Call::Dequeue(_), Some(queue::Return::Empty)) => Some(Meaning::FoundNothing),
                    (queue::Call::Dequeue(_), None) => Some(Meaning::TookAny),
                    _ => None,
                }
            }
        }
    )* };
}

collections! {
    Queue: Discipline::Queue, "queue", "enqueued", "dequeued", "dequeue";
    Stack: Discipline::Stack, "stack", "pushed", "popped", "pop";
    PriorityQueue: Discipline::Priority, "priority queue", "inserted", "extracted", "extract";
}

impl Collection for Bag {
    const WORDS: Words = Words { object: "bag", put: "added", taken: "taken", take: "take" };

    const DISCIPLINE: Discipline = Discipline::Bag;

    fn key(call: &bag::Call) -> &Key {
        call.key()
    }

    fn meaning<'a>(call: &'a bag::Call, returned: Option<&'a bag::Return>) -> Option<Meaning<'a>> {
        match (call, returned) {
            (bag::Call::Add(_, element), None | Some(bag::Return::Added)) => Some(Meaning::Put(element)),
            (bag::Call::Take(_), Some(bag::Return::Taken(element))) => Some(Meaning::Took(element)),
            (bag::Call::Take(_), Some(bag::Return::Empty)) => Some(Meaning::FoundNothing),
            (bag::Call::Take(_), None) => Some(Meaning::TookAny),
            (bag::Call::Read(_), Some(bag::Return::Elements(elements))) => Some(Meaning::Saw(Some(elements))),
            (bag::Call::Read(_), None) => Some(Meaning::Saw(None)),
            _ => None,
        }
    }
}

/// The operations of each key, as places in the history; the keys in their order.
pub(super) fn by_key<V: Vocabulary>(
    history: &History<V>,
    key: impl Fn(&V::Call) -> &Key,
) -> Vec<(&Key, Vec<u32>)> {
    let mut numbers: FxHashMap<&Key, usize> = FxHashMap::default();
    let mut parts: Vec<(&Key, Vec<u32>)> = Vec::new();
    let mut last = 0;
    for (place, operation) in (0u32..).zip(&history.operations) {
        let key = key(&operation.call);
        if parts.get(last).is_none_or(|(known, _)| *known != key) {
            last = *numbers.entry(key).or_insert_with(|| {
                parts.push((key, Vec::new()));
                parts.len() - 1
            });
        }
        parts[last].1.push(place);
    }
    parts.sort_unstable_by_key(|&(key, _)| key);
    parts
}

/// The calls on one object.
pub(super) struct Part<'a> {
    pub key: &'a Key,
    /// The places of its operations in the history, failed ones too.
    pub operations: Vec<u32>,
    pub calls: Vec<Call>,
    /// For each call its operation's place in the history.
    pub origin: Vec<u32>,
    /// Successful calls whose answer makes no sense; they are judged as if their outcome were unknown.
    pub malformed: usize,
    /// Whether somebody saw what is inside without taking it, which the monitors do not judge.
    pub is_read: bool,
}

impl<'a> Part<'a> {
    /// Reads the operations of one key.
    pub fn new<V: Collection>(history: &'a History<V>, key: &'a Key, operations: Vec<u32>) -> Self {
        let mut part = Self {
            key,
            calls: Vec::with_capacity(operations.len()),
            origin: Vec::with_capacity(operations.len()),
            operations: Vec::new(),
            malformed: 0,
            is_read: false,
        };
        let largest_first = Priority::parse(&history.header.initial) == Some(Priority::LargestFirst);
        let numbers = Numbers::new(elements(history, &operations), largest_first);
        for &place in &operations {
            let operation = &history.operations[place as usize];
            let Some((meaning, is_known)) = meaning(operation, &mut part.malformed) else { continue };
            let action = match meaning {
                Meaning::Put(element) => Action::Insert(numbers.of(element)),
                Meaning::Took(element) => Action::Remove(numbers.of(element)),
                Meaning::FoundNothing => Action::Empty,
                Meaning::TookAny => Action::RemoveAny,
                Meaning::Saw(elements) => {
                    part.is_read |= elements.is_some() && is_known;
                    continue;
                }
            };
            let deadline = if is_known { operation.deadline().map(|time| time.0) } else { None };
            part.calls.push(Call { action, began: operation.began.0, deadline, optional: !is_known });
            part.origin.push(place);
        }
        part.operations = operations;
        part
    }
}

/// What an operation did and whether that is certain; `None` for one that failed.
fn meaning<'a, V: Collection>(
    operation: &'a Operation<V>,
    malformed: &mut usize,
) -> Option<(Meaning<'a>, bool)> {
    match &operation.outcome {
        Outcome::Fail(_) => None,
        Outcome::Unknown(_) => V::meaning(&operation.call, None).map(|meaning| (meaning, false)),
        Outcome::Ok(returned) => match V::meaning(&operation.call, Some(returned)) {
            Some(meaning) => Some((meaning, true)),
            None => {
                *malformed += 1;
                V::meaning(&operation.call, None).map(|meaning| (meaning, false))
            }
        },
    }
}

fn elements<'a, V: Collection>(
    history: &'a History<V>,
    operations: &[u32],
) -> impl Iterator<Item = &'a Value> + Clone {
    operations.iter().filter_map(|&place| match meaning(&history.operations[place as usize], &mut 0)?.0 {
        Meaning::Put(element) | Meaning::Took(element) => Some(element),
        Meaning::FoundNothing | Meaning::TookAny | Meaning::Saw(_) => None,
    })
}

/// Elements as numbers that rise or fall with them.
pub(super) enum Numbers<'a> {
    /// Whole numbers in a small range: the distance to one end of it.
    Near { end: i64 },
    /// Anything else: the rank.
    Ranked(FxHashMap<&'a Value, u32>),
}

impl<'a> Numbers<'a> {
    /// Numbers for all of these.
    pub fn new(elements: impl Iterator<Item = &'a Value> + Clone, largest_first: bool) -> Self {
        let mut range = Some((i64::MAX, i64::MIN, 0i64));
        for element in elements.clone() {
            range = match (range, element) {
                (Some((low, high, count)), Value::Int(number)) => {
                    Some((low.min(*number), high.max(*number), count + 1))
                }
                _ => None,
            };
        }
        if let Some((low, high, count)) = range
            && high.checked_sub(low).is_some_and(|width| width <= 2 * count + 64)
        {
            return Self::Near { end: if largest_first { high } else { low } };
        }
        let mut all: Vec<&Value> = elements.collect();
        all.sort_unstable();
        all.dedup();
        if largest_first {
            all.reverse();
        }
        Self::Ranked(all.into_iter().zip(0..).collect())
    }

    /// The number of one of them.
    pub fn of(&self, element: &Value) -> u32 {
        match (self, element) {
            (Self::Near { end }, Value::Int(number)) => number.abs_diff(*end) as u32,
            (Self::Near { .. }, _) => unreachable!("only whole numbers are near each other"),
            (Self::Ranked(numbers), element) => {
                *numbers.get(element).expect("every element of the part was ranked")
            }
        }
    }
}
