//! Random small histories of a store that is true to one order of calls, but now and then answers something made up.

use std::collections::BTreeMap;

use history::{
    Header, History, Key, KeyValue, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::key_value::{Call, Return},
};

use super::dice::Dice;

type Store = BTreeMap<Key, Value>;

fn key(number: u64) -> Key {
    Key::from(["x", "y", "z"][number as usize])
}

/// Whether a register has such a call.
pub fn is_of_registers(call: &Call) -> bool {
    matches!(call, Call::Get(_) | Call::Put(..) | Call::Cas(..))
}

struct Shape {
    keys: u64,
    processes: u64,
    /// How many values are written; 0: all different ones.
    values: u64,
    plain: bool,
    unknown: u64,
    failed: u64,
    lies: u64,
    /// How many places back readers may look.
    late: u64,
}

pub fn history(dice: &mut Dice) -> History<KeyValue> {
    let shape = Shape {
        keys: 1 + dice.roll(3),
        processes: 2 + dice.roll(3),
        values: [0, 0, 2, 3][dice.below(4)],
        plain: dice.percent(25),
        unknown: [0, 0, 12, 30][dice.below(4)],
        failed: [0, 0, 15][dice.below(3)],
        lies: [0, 15, 35][dice.below(3)],
        late: [0, 2, 4][dice.below(3)],
    };
    let initial = if dice.percent(15) { Value::from("0") } else { Value::Nil };
    let mut states: Vec<Store> = vec![Store::new()];
    let mut lanes: Vec<(u32, u64)> = (0..shape.processes as u32).map(|process| (process, 0)).collect();
    let (mut operations, mut point, mut fresh) = (Vec::new(), 0, shape.processes as u32);
    // Histories of all lengths, the long ones with few sessions.
    let length = 3 + dice.roll(if shape.processes < 4 { 7 } else { 5 });
    for number in 0..length {
        let lane = dice.below(lanes.len());
        let (process, since) = lanes[lane];
        point += dice.roll(4);
        let began = if dice.percent(3) { since.saturating_sub(1) } else { point.max(since + 1) };
        point = point.max(began);
        let ended = began + dice.roll(8);
        let call = some_call(dice, &shape, number);
        let back = if KeyValue::is_read(&call) { dice.roll(shape.late + 1) as usize } else { 0 };
        let state = &states[states.len().saturating_sub(1 + back)];
        let (mut answer, after) = answered(state, &call, &initial);
        if dice.percent(shape.lies) {
            answer = lie(dice, &states, &call, answer, &initial);
        }
        let (failed, unknown) = (dice.percent(shape.failed), dice.percent(shape.unknown));
        let is_lost = failed || unknown && dice.percent(50);
        if !is_lost && !KeyValue::is_read(&call) {
            states.push(after);
        }
        let outcome = match (failed, unknown) {
            (true, _) => Outcome::Fail("refused".into()),
            (_, true) => Outcome::Unknown("timeout".into()),
            _ => Outcome::Ok(answer),
        };
        lanes[lane] = (process, ended);
        // Mostly a new process goes on where an outcome is unknown, as the house rules have it.
        if unknown && !dice.percent(25) {
            lanes[lane] = (fresh, ended);
            fresh += 1;
        }
        operations.push(Operation::<KeyValue> {
            index: OpIndex(0),
            process: Process(process),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(began),
            ended: Some(Nanos(ended)),
        });
    }
    operations.sort_by_key(|operation| operation.began);
    (0u32..).zip(&mut operations).for_each(|(i, operation)| operation.index = OpIndex(i));
    let header = Header { initial, ..Header::new(KeyValue::NAME) };
    History { header, operations, faults: Vec::new(), damage: None }
}

fn some_call(dice: &mut Dice, shape: &Shape, number: u64) -> Call {
    let one = key(dice.roll(shape.keys));
    let fresh = if shape.values == 0 { number } else { dice.roll(shape.values) };
    let value =
        |number: u64| Value::from(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][number as usize]);
    let other = value(dice.roll(if shape.values == 0 { number + 1 } else { shape.values }));
    let kind = dice.roll(if shape.plain { 9 } else { 20 });
    match kind {
        0..4 => Call::Get(one),
        4..7 => Call::Put(one, value(fresh)),
        7..9 => Call::Cas(one, if dice.percent(20) { Value::Nil } else { other }, value(fresh)),
        9..13 => Call::Append(one, value(fresh)),
        13..15 => Call::Delete(one),
        15..17 => Call::MultiGet((0..shape.keys).filter(|&i| i == 0 || dice.percent(60)).map(key).collect()),
        17..19 => Call::MultiPut((0..shape.keys).map(|i| (key(i), value(fresh))).collect()),
        _ => Call::Range(key(0), if dice.percent(50) { Value::Nil } else { key(shape.keys - 1) }),
    }
}

fn answered(state: &Store, call: &Call, initial: &Value) -> (Return, Store) {
    let get = |key: &Key| state.get(key).unwrap_or(initial).clone();
    let mut after = state.clone();
    let answer = match call {
        Call::Get(key) => Return::Value(Some(get(key))),
        Call::Put(key, value) => {
            after.insert(key.clone(), value.clone());
            Return::Done
        }
        Call::Append(key, more) => {
            let text = match get(key) {
                Value::Nil => more.to_string(),
                now => format!("{now}{more}"),
            };
            after.insert(key.clone(), Value::from(text.as_str()));
            Return::Done
        }
        Call::Cas(key, from, to) if get(key) == *from => {
            after.insert(key.clone(), to.clone());
            Return::Swapped
        }
        Call::Cas(..) => Return::Refused,
        Call::Delete(key) => match after.remove(key) {
            was if was.is_some() => Return::Deleted(true),
            _ => Return::Deleted(false),
        },
        Call::Range(from, to) => Return::Entries(
            state
                .iter()
                .filter(|(key, _)| *key >= from && (*to == Value::Nil || *key < to))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        ),
        Call::MultiGet(keys) => Return::Entries(keys.iter().map(|key| (key.clone(), get(key))).collect()),
        Call::MultiPut(entries) => {
            after.extend(entries.iter().cloned());
            Return::Done
        }
    };
    (answer, after)
}

/// An answer from another moment, or the opposite one.
fn lie(dice: &mut Dice, states: &[Store], call: &Call, answer: Return, initial: &Value) -> Return {
    match answer {
        Return::Swapped => Return::Refused,
        Return::Refused => Return::Swapped,
        Return::Deleted(was) => Return::Deleted(!was),
        Return::Value(_) if dice.percent(10) => Return::Value(None),
        Return::Value(_) if dice.percent(5) => Return::Value(Some(Value::Nil)),
        Return::Done => Return::Done,
        _ => answered(&states[dice.below(states.len())], call, initial).0,
    }
}
