//! A set of elements.

use history::{
    Value,
    vocabulary::{
        Set,
        set::{Call, Return},
    },
};

use super::crowd::Crowd;
use crate::DataType;

/// The elements that are in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetState(Crowd);

impl SetState {
    fn with(&self, element: &Value) -> Self {
        if self.contains(element) { self.clone() } else { Self(self.0.with(element)) }
    }

    fn without(&self, element: &Value) -> Self {
        Self(self.0.without(element).unwrap_or_else(|| self.0.clone()))
    }

    fn contains(&self, element: &Value) -> bool {
        self.0.times(element) > 0
    }
}

impl DataType for SetState {
    type Vocabulary = Set;

    /// The set is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Crowd::default())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        next.extend(match (call, returned) {
            (Call::Add(_, element), Some(Return::Changed(new))) => {
                (self.contains(element) != *new).then(|| self.with(element))
            }
            (Call::Add(_, element), _) => Some(self.with(element)),
            (Call::Remove(_, element), Some(Return::Changed(was_in))) => {
                (self.contains(element) == *was_in).then(|| self.without(element))
            }
            (Call::Remove(_, element), _) => Some(self.without(element)),
            (Call::Contains(_, element), Some(Return::Contains(is_in))) => {
                (self.contains(element) == *is_in).then(|| self.clone())
            }
            // An element that is listed twice makes the list longer than the set.
            (Call::Read(_), Some(Return::Elements(listed))) => self.0.is_listed(listed).then(|| self.clone()),
            (Call::Contains(..) | Call::Read(_), _) => Some(self.clone()),
        });
    }

    fn describe(&self) -> String {
        self.0.to_string()
    }
}
