//! Stores of values, counters, logs and ids, as plainly as can be.

use std::collections::BTreeMap;

use history::{
    Value,
    vocabulary::{
        Counter, Ids, KeyValue, Log, MultiRegister, counter, ids, key_value, log,
        rw_register::{Answer, Step},
    },
};

use crate::naive::{Dice, Naive, any_key, number};

type Map<T> = BTreeMap<Value, T>;

/// Several registers at once.
pub struct ManyRegisters;

impl Naive for ManyRegisters {
    type V = MultiRegister;
    type State = (Value, Map<Value>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Int(0)]
    }

    fn start(initial: &Value) -> Self::State {
        (initial.clone(), Map::new())
    }

    fn call(dice: &mut Dice, _: i64, _: i64) -> Vec<Step> {
        let key = |dice: &mut Dice| Value::from(["x", "y"][dice.roll(2) as usize]);
        let step = |dice: &mut Dice| match dice.roll(2) {
            0 => Step::Read(key(dice)),
            _ => Step::Write(key(dice), number(dice, 2)),
        };
        (0..1 + dice.roll(2)).map(|_| step(dice)).collect()
    }

    fn run((initial, map): &Self::State, call: &Vec<Step>, _: u64) -> Vec<(Vec<Answer>, Self::State)> {
        let mut map = map.clone();
        let mut all: Vec<Vec<Answer>> = vec![Vec::new()];
        for step in call {
            let answers = match step {
                Step::Write(key, value) => {
                    map.insert(key.clone(), value.clone());
                    vec![Answer::Write(key.clone(), value.clone())]
                }
                Step::Read(key) => {
                    let value = map.get(key).unwrap_or(initial).clone();
                    let mut answers =
                        vec![Answer::Read(key.clone(), Some(value)), Answer::Read(key.clone(), None)];
                    if *initial != Value::Nil {
                        answers.push(Answer::Read(key.clone(), Some(Value::Nil)));
                    }
                    answers
                }
            };
            let longer = |before: &Vec<Answer>| {
                let with = |answer: &Answer| [before.as_slice(), std::slice::from_ref(answer)].concat();
                answers.iter().map(with).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        all.into_iter().map(|answers| (answers, (initial.clone(), map.clone()))).collect()
    }
}

/// A key-value store.
pub struct Store;

fn concatenate(before: &Value, more: &Value) -> Value {
    match before {
        Value::Nil => more.clone(),
        before => Value::from(format!("{before}{more}").as_str()),
    }
}

/// The ways in which entries can be answered: where keys hold something at first, nil stands for what is not known.
fn blurred(entries: Vec<(Value, Value)>, initial: &Value) -> impl Iterator<Item = Vec<(Value, Value)>> {
    let ways = if *initial == Value::Nil { 1 } else { 1 << entries.len() };
    (0..ways).map(move |hidden| {
        let mut seen = entries.clone();
        for (at, (_, value)) in seen.iter_mut().enumerate() {
            if hidden >> at & 1 == 1 {
                *value = Value::Nil;
            }
        }
        seen
    })
}

impl Naive for Store {
    type V = KeyValue;
    type State = (Value, Map<Value>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Nil, Value::from("")]
    }

    fn start(initial: &Value) -> Self::State {
        (initial.clone(), Map::new())
    }

    fn call(dice: &mut Dice, _: i64, _: i64) -> key_value::Call {
        use key_value::Call;
        let text = |dice: &mut Dice| Value::from(["a", "b", "ab"][dice.roll(3) as usize]);
        let key = any_key(dice);
        match dice.roll(13) {
            0..3 => Call::Get(key),
            3..5 => Call::Put(key, text(dice)),
            5..7 => Call::Append(key, text(dice)),
            7 => Call::Cas(key, text(dice), text(dice)),
            8 => Call::Delete(key),
            9 => Call::Range(Value::from("a"), Value::from("y")),
            10 => Call::Range(Value::from("x"), Value::Nil),
            11 => Call::MultiGet(vec![Value::from("x"), Value::from("y")]),
            _ => Call::MultiPut(vec![(Value::from("x"), text(dice)), (Value::from("y"), text(dice))]),
        }
    }

    fn run(state: &Self::State, call: &key_value::Call, _: u64) -> Vec<(key_value::Return, Self::State)> {
        use key_value::{Call, Return};
        let (initial, map) = state;
        let now = |key: &Value| map.get(key).unwrap_or(initial).clone();
        let with = |key: &Value, value: Value| {
            let mut map = map.clone();
            map.insert(key.clone(), value);
            (initial.clone(), map)
        };
        match call {
            Call::Get(key) => {
                let mut answers = vec![Return::Value(Some(now(key))), Return::Value(None)];
                if *initial != Value::Nil {
                    answers.push(Return::Value(Some(Value::Nil)));
                }
                answers.into_iter().map(|answer| (answer, state.clone())).collect()
            }
            Call::Put(key, value) => vec![(Return::Done, with(key, value.clone()))],
            Call::Append(key, more) => vec![(Return::Done, with(key, concatenate(&now(key), more)))],
            Call::Cas(key, from, to) if now(key) == *from => vec![(Return::Swapped, with(key, to.clone()))],
            Call::Cas(..) => vec![(Return::Refused, state.clone())],
            Call::Delete(key) => {
                let mut after = map.clone();
                let was_there = after.remove(key).is_some();
                let after = (initial.clone(), after);
                vec![(Return::Done, after.clone()), (Return::Deleted(was_there), after)]
            }
            Call::Range(from, to) => {
                let inside = |key: &Value| from <= key && (*to == Value::Nil || key < to);
                let entries = map.iter().filter(|(key, _)| inside(key));
                let entries = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
                blurred(entries, initial).map(|seen| (Return::Entries(seen), state.clone())).collect()
            }
            Call::MultiGet(keys) => {
                // Keys that are not there may be left out of the answer.
                let answers = (0..1 << keys.len()).filter_map(|named| {
                    let asked = keys.iter().enumerate();
                    let named = |at: usize| named >> at & 1 == 1;
                    let right = asked.clone().all(|(at, key)| named(at) || !map.contains_key(key));
                    let told = asked.filter(|(at, _)| named(*at));
                    right.then(|| told.map(|(_, key)| (key.clone(), now(key))).collect::<Vec<_>>())
                });
                let seen = answers.flat_map(|told| blurred(told, initial));
                seen.map(|seen| (Return::Entries(seen), state.clone())).collect()
            }
            Call::MultiPut(entries) => {
                let mut map = map.clone();
                map.extend(entries.iter().cloned());
                vec![(Return::Done, (initial.clone(), map))]
            }
        }
    }
}

/// A key-value store of which most calls read one key, or append to it: what is read tells much about the order.
pub struct Growing;

impl Naive for Growing {
    type V = KeyValue;
    type State = (Value, Map<Value>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::from(""), Value::Int(1)]
    }

    fn start(initial: &Value) -> Self::State {
        Store::start(initial)
    }

    fn call(dice: &mut Dice, owner: i64, unique: i64) -> key_value::Call {
        use key_value::Call;
        // An append of nothing, of what was appended before, and of numbers are what a prefix can be confused by.
        let more = match dice.roll(7) {
            0 => Value::from(""),
            1 => Value::Int(dice.roll(2) as i64),
            2 => Value::Nil,
            _ => Value::from(["a", "b"][dice.below(2)]),
        };
        match dice.roll(16) {
            0..6 => Call::Get(any_key(dice)),
            6..13 => Call::Append(any_key(dice), more),
            13 | 14 => Call::Put(any_key(dice), more),
            _ => Store::call(dice, owner, unique),
        }
    }

    fn run(state: &Self::State, call: &key_value::Call, now: u64) -> Vec<(key_value::Return, Self::State)> {
        Store::run(state, call, now)
    }
}

/// A key-value store of single keys whose texts can be read in one way: every append is another text.
pub struct Texts;

impl Naive for Texts {
    type V = KeyValue;
    type State = (Value, Map<Value>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::from(""), Value::from("first;")]
    }

    fn start(initial: &Value) -> Self::State {
        Store::start(initial)
    }

    fn call(dice: &mut Dice, _: i64, unique: i64) -> key_value::Call {
        use key_value::Call;
        let text = Value::from(format!("{unique};").as_str());
        match dice.roll(14) {
            0..6 => Call::Get(any_key(dice)),
            6..11 => Call::Append(any_key(dice), text),
            11 => Call::Put(any_key(dice), text),
            // The same may be put twice.
            12 => Call::Put(any_key(dice), Value::from("again;")),
            _ => Call::Delete(any_key(dice)),
        }
    }

    fn run(state: &Self::State, call: &key_value::Call, now: u64) -> Vec<(key_value::Return, Self::State)> {
        let mut all = Store::run(state, call, now);
        // What a delete found is more than a register can say.
        all.retain(|(answer, _)| !matches!(answer, key_value::Return::Deleted(_)));
        all
    }
}

/// A counter with or without bounds.
pub struct Counting;

impl Naive for Counting {
    type V = Counter;
    /// The initial value, the bounds, and what each counter holds.
    type State = (i64, Option<(i64, i64)>, Map<i64>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Int(2), Value::from("1 in 0..3"), Value::from("0 in -1..")]
    }

    fn start(initial: &Value) -> Self::State {
        let (value, bounds) = match initial {
            Value::Nil => (0, None),
            Value::Int(value) => (*value, None),
            Value::Text(text) if &**text == "1 in 0..3" => (1, Some((0, 3))),
            Value::Text(_) => (0, Some((-1, i64::MAX))),
        };
        (value, bounds, Map::new())
    }

    fn call(dice: &mut Dice, _: i64, _: i64) -> counter::Call {
        let key = any_key(dice);
        match dice.roll(5) {
            0 | 1 => counter::Call::Read(key),
            2 => counter::Call::Add(key, -1),
            _ => counter::Call::Add(key, 1 + dice.roll(2) as i64),
        }
    }

    fn run(state: &Self::State, call: &counter::Call, _: u64) -> Vec<(counter::Return, Self::State)> {
        use counter::{Call, Return};
        let (initial, bounds, map) = state;
        let (Call::Add(key, _) | Call::Read(key)) = call;
        let now = map.get(key).copied().unwrap_or(*initial);
        let Call::Add(_, number) = call else {
            return vec![
                (Return::Value(Some(now)), state.clone()),
                (Return::Value(Some(now)), state.clone()),
                (Return::Value(None), state.clone()),
            ];
        };
        let after = now + number;
        if bounds.is_some_and(|(least, most)| !(least..=most).contains(&after)) {
            return vec![(Return::Refused, state.clone())];
        }
        let mut map = map.clone();
        map.insert(key.clone(), after);
        let next = (*initial, *bounds, map);
        let mut all = vec![
            (Return::Added, next.clone()),
            (Return::Value(Some(after)), next.clone()),
            (Return::Value(None), next),
        ];
        if bounds.is_none() {
            all.push((Return::Refused, state.clone()));
        }
        all
    }
}

/// A log.
pub struct Logging;

impl Naive for Logging {
    type V = Log;
    type State = (u64, Map<Vec<Value>>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Int(1)]
    }

    fn start(initial: &Value) -> Self::State {
        (if *initial == Value::Nil { 0 } else { 1 }, Map::new())
    }

    fn call(dice: &mut Dice, _: i64, unique: i64) -> log::Call {
        let key = any_key(dice);
        let entry = if dice.percent(50) { Value::Int(unique) } else { number(dice, 2) };
        match dice.roll(4) {
            0 | 1 => log::Call::Append(key, entry),
            2 => log::Call::Read(key, dice.roll(3)),
            _ => log::Call::Poll(key, dice.roll(3)),
        }
    }

    fn run(state: &Self::State, call: &log::Call, _: u64) -> Vec<(log::Return, Self::State)> {
        use log::{Call, Return};
        let (first, map) = state;
        let (Call::Append(key, _) | Call::Read(key, _) | Call::Poll(key, _)) = call;
        let mut entries = map.get(key).cloned().unwrap_or_default();
        let place = |offset: u64| offset.saturating_sub(*first) as usize;
        match call {
            Call::Append(_, entry) => {
                let offset = first + entries.len() as u64;
                entries.push(entry.clone());
                let mut map = map.clone();
                map.insert(key.clone(), entries);
                let next = (*first, map);
                vec![(Return::Appended(Some(offset)), next.clone()), (Return::Appended(None), next)]
            }
            Call::Read(_, from) => {
                let seen = entries.get(place(*from)..).unwrap_or_default().to_vec();
                vec![(Return::Entries(seen.into()), state.clone())]
            }
            Call::Poll(_, from) => {
                let rest = entries.get(place(*from)..).unwrap_or_default();
                let batch = |end: usize| (Return::Entries(rest[..end].to_vec().into()), state.clone());
                (0..=rest.len()).map(batch).collect()
            }
        }
    }
}

/// Few ids, so that the same one comes twice by chance and trying them all is quick.
const LAST_ID: i64 = 5;

/// A generator of ids.
pub struct Naming;

impl Naive for Naming {
    type V = Ids;
    type State = Vec<i64>;

    fn start(_: &Value) -> Vec<i64> {
        Vec::new()
    }

    fn call(_: &mut Dice, _: i64, _: i64) -> ids::Call {
        ids::Call::Generate
    }

    fn run(given: &Vec<i64>, _: &ids::Call, _: u64) -> Vec<(ids::Return, Vec<i64>)> {
        let fresh = (0..LAST_ID).filter(|id| !given.contains(id));
        fresh.map(|id| (ids::Return::Id(Value::Int(id)), [given.as_slice(), &[id]].concat())).collect()
    }
}
