//! Queues: what was put in first comes out first.

use std::collections::VecDeque;

use history::{
    Value,
    vocabulary::{
        Queue,
        queue::{Call, Return},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues(Table<VecDeque<Value>>);

impl Object<Queue> for Queues {
    /// Every call of a queue changes it.
    fn read(&self, _: &Call) -> Option<Return> {
        None
    }

    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        Some(match call {
            Call::Enqueue(key, element) => {
                self.0.at(key).push_back(element.clone());
                Return::Enqueued
            }
            Call::Dequeue(key) => self.0.at(key).pop_front().map_or(Return::Empty, Return::Dequeued),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_is_the_first_out() {
        let mut queues = Queues::default();
        let mut ask = |call| queues.change(&call, Circumstances::default());
        for element in [5, 6] {
            assert_eq!(ask(Call::Enqueue(1.into(), element.into())), Some(Return::Enqueued));
        }
        for taken in [Return::Dequeued(5.into()), Return::Dequeued(6.into()), Return::Empty] {
            assert_eq!(ask(Call::Dequeue(1.into())), Some(taken));
        }
    }
}
