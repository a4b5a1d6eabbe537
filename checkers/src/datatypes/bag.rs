//! A bag: elements that may be in several times, and come out in any order.

use history::{
    Value,
    vocabulary::{
        Bag,
        bag::{Call, Return},
    },
};

use super::crowd::Crowd;
use crate::DataType;

/// The elements that are in, each as often as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BagState(Crowd);

impl DataType for BagState {
    type Vocabulary = Bag;

    /// The bag is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Crowd::default())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match (call, returned) {
            (Call::Add(_, element), _) => next.push(Self(self.0.with(element))),
            (Call::Take(_), Some(Return::Taken(element))) => next.extend(self.0.without(element).map(Self)),
            (Call::Take(_), Some(Return::Empty)) => next.extend(self.0.is_empty().then(|| self.clone())),
            // Any element may have gone; equal ones make no difference. Nothing to take changes nothing.
            (Call::Take(_), _) => {
                next.extend(self.0.iter().filter_map(|(element, _)| self.0.without(element)).map(Self));
            }
            (Call::Read(_), Some(Return::Elements(listed))) => {
                next.extend(self.0.is_listed(listed).then(|| self.clone()));
            }
            (Call::Read(_), _) => next.push(self.clone()),
        }
    }

    fn describe(&self) -> String {
        self.0.to_string()
    }
}
