//! A stack: the element that was put in last comes out first.

use history::{
    Value,
    vocabulary::{
        Stack,
        queue::{Call, Return},
    },
};

use super::chain::Chain;
use crate::DataType;

/// The elements of a stack, the one that comes out next last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StackState(Chain);

impl DataType for StackState {
    type Vocabulary = Stack;

    /// The stack is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Chain::default())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let top = self.0.last();
        next.extend(match (call, returned) {
            (Call::Enqueue(_, element), _) => Some(Self(self.0.with(element.clone()))),
            (Call::Dequeue(_), Some(Return::Empty)) => top.is_none().then(|| self.clone()),
            (Call::Dequeue(_), Some(Return::Dequeued(element))) => {
                (top == Some(element)).then(|| Self(self.0.before()))
            }
            (Call::Dequeue(_), _) => top.map(|_| Self(self.0.before())),
        });
    }

    fn describe(&self) -> String {
        let mut elements: Vec<&Value> = self.0.backwards().collect();
        elements.reverse();
        super::brackets(elements.into_iter())
    }
}
