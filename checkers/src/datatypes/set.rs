//! A set of elements.

use history::{
    Value,
    vocabulary::{
        Set,
        set::{Call, Return},
    },
};

use crate::DataType;

/// The elements that are in, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetState(Vec<Value>);

impl SetState {
    fn with(&self, element: &Value) -> Self {
        let mut after = self.clone();
        if let Err(at) = after.0.binary_search(element) {
            after.0.insert(at, element.clone());
        }
        after
    }

    fn without(&self, element: &Value) -> Self {
        let mut after = self.clone();
        if let Ok(at) = after.0.binary_search(element) {
            after.0.remove(at);
        }
        after
    }

    fn contains(&self, element: &Value) -> bool {
        self.0.binary_search(element).is_ok()
    }
}

impl DataType for SetState {
    type Vocabulary = Set;

    /// The set is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Vec::new())
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
            (Call::Read(_), Some(Return::Elements(listed))) => {
                // An element that is listed twice makes the list longer than the set.
                let right = listed.len() == self.0.len() && {
                    let mut listed: Vec<&Value> = listed.iter().collect();
                    listed.sort_unstable();
                    listed.into_iter().eq(&self.0)
                };
                right.then(|| self.clone())
            }
            (Call::Contains(..) | Call::Read(_), _) => Some(self.clone()),
        });
    }

    fn describe(&self) -> String {
        super::braces(&self.0)
    }
}
