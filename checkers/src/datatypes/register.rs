//! One register: read, write, compare-and-set.

use history::{
    Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

use crate::DataType;

/// One register, as [`Register`] speaks to it. Its key does not matter: the calls of one key are judged together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegisterState {
    value: Value,
    nil_is_known: bool,
}

impl DataType for RegisterState {
    type Vocabulary = Register;

    fn initial(value: &Value) -> Self {
        Self { value: value.clone(), nil_is_known: *value == Value::Nil }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let becomes = |value: &Value| Self { value: value.clone(), ..self.clone() };
        match (call, returned) {
            (Call::Read(_), Some(Return::Value(Some(seen)))) => {
                if *seen == self.value || (*seen == Value::Nil && !self.nil_is_known) {
                    next.push(self.clone());
                }
            }
            (Call::Read(_), _) => next.push(self.clone()),
            (Call::Write(_, value), _) => next.push(becomes(value)),
            (Call::Cas(_, from, _), Some(Return::Refused)) => {
                if *from != self.value {
                    next.push(self.clone());
                }
            }
            (Call::Cas(_, from, to), _) => {
                if *from == self.value {
                    next.push(becomes(to));
                }
            }
        }
    }

    fn describe(&self) -> String {
        self.value.to_string()
    }
}
