//! Sets, bags and queues, as plainly as can be.

use std::collections::{BTreeMap, BTreeSet};

use history::{
    Value,
    vocabulary::{Bag, PriorityQueue, Queue, Set, Stack, bag, queue, set},
};

use crate::naive::{Dice, Naive, any_key, number};

type Map<T> = BTreeMap<Value, T>;

fn sorted(values: &[Value]) -> Vec<Value> {
    let mut values = values.to_vec();
    values.sort();
    values
}

/// A set.
pub struct Sets;

impl Naive for Sets {
    type V = Set;
    type State = Map<BTreeSet<Value>>;
    /// Sets are judged element by element, and only some of them all together.
    const ORDERED: bool = false;

    fn start(_: &Value) -> Self::State {
        Map::new()
    }

    fn call(dice: &mut Dice, _: i64, _: i64) -> set::Call {
        let (key, element) = (any_key(dice), number(dice, 3));
        match dice.roll(6) {
            0 | 1 => set::Call::Add(key, element),
            2 => set::Call::Remove(key, element),
            3 => set::Call::Contains(key, element),
            _ => set::Call::Read(key),
        }
    }

    fn run(state: &Self::State, call: &set::Call, _: u64) -> Vec<(set::Return, Self::State)> {
        use set::{Call, Return};
        let set = state.get(call.key()).cloned().unwrap_or_default();
        let mut after = set.clone();
        match call {
            Call::Add(key, element) => {
                let new = after.insert(element.clone());
                let mut next = state.clone();
                next.insert(key.clone(), after);
                vec![(Return::Added, next.clone()), (Return::Changed(new), next)]
            }
            Call::Remove(key, element) => {
                let was_in = after.remove(element);
                let mut next = state.clone();
                next.insert(key.clone(), after);
                vec![(Return::Removed, next.clone()), (Return::Changed(was_in), next)]
            }
            Call::Contains(_, element) => vec![(Return::Contains(set.contains(element)), state.clone())],
            Call::Read(_) => vec![(Return::Elements(set.into_iter().collect()), state.clone())],
        }
    }

    fn same(one: &set::Return, other: &set::Return) -> bool {
        match (one, other) {
            (set::Return::Elements(one), set::Return::Elements(other)) => sorted(one) == sorted(other),
            _ => one == other,
        }
    }
}

/// A bag.
pub struct Bags;

impl Naive for Bags {
    type V = Bag;
    type State = Map<Vec<Value>>;

    fn start(_: &Value) -> Self::State {
        Map::new()
    }

    fn call(dice: &mut Dice, _: i64, unique: i64) -> bag::Call {
        let key = any_key(dice);
        let element = if dice.percent(50) { Value::Int(unique) } else { number(dice, 2) };
        match dice.roll(7) {
            0..3 => bag::Call::Add(key, element),
            3..6 => bag::Call::Take(key),
            _ => bag::Call::Read(key),
        }
    }

    fn run(state: &Self::State, call: &bag::Call, _: u64) -> Vec<(bag::Return, Self::State)> {
        use bag::{Call, Return};
        let elements = state.get(call.key()).cloned().unwrap_or_default();
        let with = |elements: Vec<Value>| {
            let mut next = state.clone();
            next.insert(call.key().clone(), elements);
            next
        };
        match call {
            Call::Add(_, element) => {
                vec![(Return::Added, with([elements.as_slice(), std::slice::from_ref(element)].concat()))]
            }
            Call::Take(_) if elements.is_empty() => vec![(Return::Empty, state.clone())],
            Call::Take(_) => (0..elements.len())
                .map(|at| {
                    let mut left = elements.clone();
                    let taken = left.remove(at);
                    (Return::Taken(taken), with(left))
                })
                .collect(),
            Call::Read(_) => vec![(Return::Elements(elements), state.clone())],
        }
    }

    fn same(one: &bag::Return, other: &bag::Return) -> bool {
        match (one, other) {
            (bag::Return::Elements(one), bag::Return::Elements(other)) => sorted(one) == sorted(other),
            _ => one == other,
        }
    }
}

fn queue_call(dice: &mut Dice, unique: i64) -> queue::Call {
    let key = any_key(dice);
    let element = if dice.percent(70) { Value::Int(unique) } else { number(dice, 3) };
    match dice.roll(2) {
        0 => queue::Call::Enqueue(key, element),
        _ => queue::Call::Dequeue(key),
    }
}

/// The elements in the order in which they came, and which of them leaves next.
fn queue_run(
    state: &Map<Vec<Value>>,
    call: &queue::Call,
    leaves: impl Fn(&[Value]) -> usize,
) -> Vec<(queue::Return, Map<Vec<Value>>)> {
    let mut elements = state.get(call.key()).cloned().unwrap_or_default();
    let returned = match call {
        queue::Call::Enqueue(_, element) => {
            elements.push(element.clone());
            queue::Return::Enqueued
        }
        queue::Call::Dequeue(_) if elements.is_empty() => queue::Return::Empty,
        queue::Call::Dequeue(_) => queue::Return::Dequeued(elements.remove(leaves(&elements))),
    };
    let mut next = state.clone();
    next.insert(call.key().clone(), elements);
    vec![(returned, next)]
}

macro_rules! queues {
    ($($(#[$doc:meta])* $name:ident: $vocabulary:ty, $leaves:expr;)*) => { $(
        $(#[$doc])*
        pub struct $name;

        impl Naive for $name {
            type V = $vocabulary;
            type State = Map<Vec<Value>>;

            fn start(_: &Value) -> Self::State {
                Map::new()
            }

            fn call(dice: &mut Dice, _: i64, unique: i64) -> queue::Call {
                queue_call(dice, unique)
            }

            fn run(state: &Self::State, call: &queue::Call, _: u64) -> Vec<(queue::Return, Self::State)> {
                queue_run(state, call, $leaves)
            }
        }
    )* };
}

queues! {
    /// First in, first out.
    Queues: Queue, |_| 0;
    /// Last in, first out.
    Stacks: Stack, |elements| elements.len() - 1;
}

/// Smallest first, or largest first where the initial value says so.
pub struct PriorityQueues;

impl Naive for PriorityQueues {
    type V = PriorityQueue;
    type State = (bool, Map<Vec<Value>>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::from("smallest-first"), Value::from("largest-first")]
    }

    fn start(initial: &Value) -> Self::State {
        (*initial == Value::from("largest-first"), Map::new())
    }

    fn call(dice: &mut Dice, _: i64, unique: i64) -> queue::Call {
        queue_call(dice, (unique * 7) % 5)
    }

    fn run((largest, map): &Self::State, call: &queue::Call, _: u64) -> Vec<(queue::Return, Self::State)> {
        let leaves = |elements: &[Value]| {
            let wanted = if *largest { elements.iter().max() } else { elements.iter().min() };
            elements.iter().position(|element| Some(element) == wanted).expect("it is not empty")
        };
        let all = queue_run(map, call, leaves);
        all.into_iter().map(|(returned, map)| (returned, (*largest, map))).collect()
    }
}
