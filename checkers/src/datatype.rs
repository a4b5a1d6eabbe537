//! Sequential objects: what the calls of a vocabulary mean when one happens after the other.

use std::{fmt, hash::Hash};

use history::{
    Value, Vocabulary,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

/// A sequential object, and what one call does to it. The value of the type is the object's state.
///
/// Linearizability of any such type is judged by [`crate::linearizability::LinearizableType`].
pub trait DataType: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The calls it understands.
    type Vocabulary: Vocabulary;

    /// The state before the first call, from the initial value in the header of a history.
    fn initial(value: &Value) -> Self;

    /// Pushes every state in which the object may be after the call returned that. `None` stands for an unknown
    /// outcome: the call took effect, whatever it answered. Pushing nothing says that it cannot have happened here.
    fn step(
        &self,
        call: &<Self::Vocabulary as Vocabulary>::Call,
        returned: Option<&<Self::Vocabulary as Vocabulary>::Return>,
        next: &mut Vec<Self>,
    );

    /// The state as a person reads it.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

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
