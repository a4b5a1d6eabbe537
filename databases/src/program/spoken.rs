//! The vocabularies that a program can speak: which answers fit a call, and calls to try a program with.

use history::{
    Key, Value, Vocabulary,
    vocabulary::{ListAppend, Register, RwRegister, Set, list_append, register, rw_register, set},
};

/// A vocabulary that a program can speak.
pub trait Spoken: Vocabulary {
    /// Whether an answer can be one to this call.
    fn fits(call: &Self::Call, returned: &Self::Return) -> bool;
    /// Whether two answers to a call say the same, although they are written in different ways.
    fn is_same(one: &Self::Return, other: &Self::Return) -> bool {
        one == other
    }
    /// Calls to try a program with, each with an answer that would be right after those before it.
    fn samples(key: &Key) -> Vec<(Self::Call, Self::Return)>;
}

impl Spoken for Register {
    fn fits(call: &register::Call, returned: &register::Return) -> bool {
        use register::{Call, Return};
        matches!(
            (call, returned),
            (Call::Read(_), Return::Value(_))
                | (Call::Write(..), Return::Written)
                | (Call::Cas(..), Return::Swapped | Return::Refused)
        )
    }

    fn samples(key: &Key) -> Vec<(register::Call, register::Return)> {
        use register::{Call, Return};
        let (key, value) = (|| key.clone(), |value| Return::Value(Some(value)));
        vec![
            (Call::Read(key()), value(Value::Nil)),
            (Call::Write(key(), Value::Int(1)), Return::Written),
            (Call::Read(key()), value(Value::Int(1))),
            (Call::Cas(key(), Value::Int(1), Value::Int(2)), Return::Swapped),
            (Call::Cas(key(), Value::Int(1), Value::Int(3)), Return::Refused),
            (Call::Read(key()), value(Value::Int(2))),
        ]
    }
}

impl Spoken for Set {
    fn fits(call: &set::Call, returned: &set::Return) -> bool {
        use set::{Call, Return};
        matches!(
            (call, returned),
            (Call::Add(..), Return::Added | Return::Changed(_))
                | (Call::Remove(..), Return::Removed | Return::Changed(_))
                | (Call::Contains(..), Return::Contains(_))
                | (Call::Read(_), Return::Elements(_))
        )
    }

    /// An addition may say whether it changed the set.
    fn is_same(one: &set::Return, other: &set::Return) -> bool {
        use set::Return::{Added, Changed};
        one == other || matches!((one, other), (Changed(true), Added) | (Added, Changed(true)))
    }

    fn samples(key: &Key) -> Vec<(set::Call, set::Return)> {
        use set::{Call, Return};
        vec![
            (Call::Read(key.clone()), Return::Elements(Vec::new())),
            (Call::Add(key.clone(), Value::Int(1)), Return::Added),
            (Call::Read(key.clone()), Return::Elements(vec![Value::Int(1)])),
        ]
    }
}

impl Spoken for ListAppend {
    fn fits(call: &Vec<list_append::Step>, returned: &Vec<list_append::Answer>) -> bool {
        use list_append::{Answer, Step};
        let fit = |(step, answer): (&Step, &Answer)| match (step, answer) {
            (Step::Read(key), Answer::Read(answered, _)) => key == answered,
            (Step::Append(key, value), Answer::Append(answered, appended)) => {
                key == answered && value == appended
            }
            _ => false,
        };
        call.len() == returned.len() && call.iter().zip(returned).all(fit)
    }

    fn samples(key: &Key) -> Vec<(Vec<list_append::Step>, Vec<list_append::Answer>)> {
        use list_append::{Answer, Step};
        let list = |values: &[i64]| {
            let values: Vec<Value> = values.iter().map(|&value| Value::Int(value)).collect();
            Answer::Read(key.clone(), Some(values.into()))
        };
        let append = |value| Step::Append(key.clone(), Value::Int(value));
        let appended = |value| Answer::Append(key.clone(), Value::Int(value));
        vec![
            (vec![Step::Read(key.clone())], vec![list(&[])]),
            (vec![append(1), Step::Read(key.clone())], vec![appended(1), list(&[1])]),
            (vec![Step::Read(key.clone()), append(2)], vec![list(&[1]), appended(2)]),
            (vec![Step::Read(key.clone())], vec![list(&[1, 2])]),
        ]
    }
}

impl Spoken for RwRegister {
    fn fits(call: &Vec<rw_register::Step>, returned: &Vec<rw_register::Answer>) -> bool {
        use rw_register::{Answer, Step};
        let fit = |(step, answer): (&Step, &Answer)| match (step, answer) {
            (Step::Read(key), Answer::Read(answered, _)) => key == answered,
            (Step::Write(key, value), Answer::Write(answered, written)) => {
                key == answered && value == written
            }
            _ => false,
        };
        call.len() == returned.len() && call.iter().zip(returned).all(fit)
    }

    fn samples(key: &Key) -> Vec<(Vec<rw_register::Step>, Vec<rw_register::Answer>)> {
        use rw_register::{Answer, Step};
        let read = || Step::Read(key.clone());
        let value = |value| Answer::Read(key.clone(), Some(value));
        let written = Answer::Write(key.clone(), Value::Int(1));
        vec![
            (vec![read()], vec![value(Value::Nil)]),
            (vec![Step::Write(key.clone(), Value::Int(1)), read()], vec![written, value(Value::Int(1))]),
            (vec![read()], vec![value(Value::Int(1))]),
        ]
    }
}
