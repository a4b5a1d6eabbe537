//! A bag: elements that may be in several times, and come out in any order.

use history::{
    Value,
    vocabulary::{
        Bag,
        bag::{Call, Return},
    },
};

use crate::DataType;

/// The elements that are in, in their order, each as often as it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BagState(Vec<Value>);

impl BagState {
    fn without(&self, at: usize) -> Self {
        let mut after = self.clone();
        after.0.remove(at);
        after
    }
}

impl DataType for BagState {
    type Vocabulary = Bag;

    /// The bag is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Vec::new())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match (call, returned) {
            (Call::Add(_, element), _) => {
                let mut after = self.clone();
                let at = after.0.partition_point(|other| other < element);
                after.0.insert(at, element.clone());
                next.push(after);
            }
            (Call::Take(_), Some(Return::Taken(element))) => {
                next.extend(self.0.binary_search(element).ok().map(|at| self.without(at)));
            }
            (Call::Take(_), Some(Return::Empty)) => next.extend(self.0.is_empty().then(|| self.clone())),
            (Call::Take(_), _) => {
                // Any element may have gone; equal ones make no difference. Nothing to take changes nothing.
                let first = |at: &usize| *at == 0 || self.0[*at - 1] != self.0[*at];
                next.extend((0..self.0.len()).filter(first).map(|at| self.without(at)));
            }
            (Call::Read(_), Some(Return::Elements(listed))) => {
                let mut listed: Vec<&Value> = listed.iter().collect();
                listed.sort_unstable();
                next.extend(listed.into_iter().eq(&self.0).then(|| self.clone()));
            }
            (Call::Read(_), _) => next.push(self.clone()),
        }
    }

    fn describe(&self) -> String {
        super::braces(&self.0)
    }
}
