//! Registers, as plainly as can be.

use std::collections::BTreeMap;

use history::{
    Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

use crate::naive::{Dice, Naive, any_key, number};

/// The initial value, and what each register holds.
type State = (Value, BTreeMap<Value, Value>);

fn initials() -> Vec<Value> {
    vec![Value::Nil, Value::Nil, Value::Int(0)]
}

/// Registers that are read and written.
pub struct Registers;

impl Naive for Registers {
    type V = Register;
    type State = State;

    fn initials() -> Vec<Value> {
        initials()
    }

    fn start(initial: &Value) -> State {
        (initial.clone(), BTreeMap::new())
    }

    fn call(dice: &mut Dice, _: i64, unique: i64) -> Call {
        let key = any_key(dice);
        match dice.roll(4) {
            0 | 1 => Call::Read(key),
            2 => Call::Write(key, number(dice, 3)),
            _ => Call::Write(key, Value::Int(10 + unique)),
        }
    }

    fn run(state: &State, call: &Call, _: u64) -> Vec<(Return, State)> {
        let (initial, map) = state;
        let now = map.get(call.key()).unwrap_or(initial);
        let with = |value: &Value| {
            let mut map = map.clone();
            map.insert(call.key().clone(), value.clone());
            (initial.clone(), map)
        };
        match call {
            Call::Read(_) => {
                let mut answers = vec![Return::Value(Some(now.clone()))];
                // What a database may leave unsaid, and a nil where something is there at first.
                answers.push(Return::Value(None));
                if *initial != Value::Nil {
                    answers.push(Return::Value(Some(Value::Nil)));
                }
                answers.into_iter().map(|answer| (answer, state.clone())).collect()
            }
            Call::Write(_, value) => vec![(Return::Written, with(value))],
            Call::Cas(_, from, to) if now == from => vec![(Return::Swapped, with(to))],
            Call::Cas(..) => vec![(Return::Refused, state.clone())],
        }
    }
}

/// Registers that are mostly compared and set.
pub struct CasRegisters;

impl Naive for CasRegisters {
    type V = Register;
    type State = State;

    fn initials() -> Vec<Value> {
        initials()
    }

    fn start(initial: &Value) -> State {
        Registers::start(initial)
    }

    fn call(dice: &mut Dice, owner: i64, unique: i64) -> Call {
        let (from, to) = (number(dice, 3), number(dice, 3));
        match dice.roll(5) {
            0..3 => Call::Cas(any_key(dice), if dice.percent(10) { Value::Nil } else { from }, to),
            _ => Registers::call(dice, owner, unique),
        }
    }

    fn run(state: &State, call: &Call, now: u64) -> Vec<(Return, State)> {
        Registers::run(state, call, now)
    }
}
