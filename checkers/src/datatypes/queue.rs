//! Queues by the order in which elements come out: first in, first out, and by priority.

use std::collections::VecDeque;

use history::{
    Value,
    vocabulary::{
        PriorityQueue, Queue,
        queue::{Call, Return},
    },
};

use super::crowd::Crowd;
use crate::DataType;

/// The elements of a queue, the one that comes out next first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueState(VecDeque<Value>);

impl DataType for QueueState {
    type Vocabulary = Queue;

    /// The queue is empty at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(VecDeque::new())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let front = self.0.front();
        let may_leave = match (call, returned) {
            (Call::Enqueue(_, element), _) => {
                // Of exactly this length: a search keeps very many of them.
                let mut after = VecDeque::with_capacity(self.0.len() + 1);
                after.extend(self.0.iter().chain([element]).cloned());
                next.push(Self(after));
                return;
            }
            (Call::Dequeue(_), Some(Return::Empty)) => {
                next.extend(front.is_none().then(|| self.clone()));
                return;
            }
            (Call::Dequeue(_), Some(Return::Dequeued(element))) => front == Some(element),
            (Call::Dequeue(_), _) => front.is_some(),
        };
        if may_leave {
            let mut after = self.clone();
            after.0.pop_front();
            next.push(after);
        }
    }

    fn describe(&self) -> String {
        super::brackets(self.0.iter())
    }
}

/// Which element of a priority queue comes out first, by the order of [`Value`]: numbers by size, before all texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// The smallest.
    #[default]
    SmallestFirst,
    /// The largest.
    LargestFirst,
}

impl Priority {
    /// The priority that an initial value names: nil, `smallest-first` or `largest-first`. `None` where it is something
    /// else.
    pub fn parse(initial: &Value) -> Option<Self> {
        match initial {
            Value::Nil => Some(Self::default()),
            Value::Text(text) if &**text == "smallest-first" => Some(Self::SmallestFirst),
            Value::Text(text) if &**text == "largest-first" => Some(Self::LargestFirst),
            _ => None,
        }
    }
}

/// The elements of a priority queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PriorityQueueState {
    elements: Crowd,
    priority: Priority,
}

impl DataType for PriorityQueueState {
    type Vocabulary = PriorityQueue;

    /// The queue is empty at first; the initial value says which element comes out first.
    fn initial(value: &Value) -> Self {
        Self { elements: Crowd::default(), priority: Priority::parse(value).unwrap_or_default() }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let front = match self.priority {
            Priority::SmallestFirst => self.elements.first(),
            Priority::LargestFirst => self.elements.last(),
        };
        let with = |elements: Crowd| Self { elements, ..*self };
        let without_front = || front.and_then(|front| self.elements.without(front)).map(with);
        next.extend(match (call, returned) {
            (Call::Enqueue(_, element), _) => Some(with(self.elements.with(element))),
            (Call::Dequeue(_), Some(Return::Empty)) => front.is_none().then(|| self.clone()),
            (Call::Dequeue(_), Some(Return::Dequeued(element))) if front != Some(element) => None,
            (Call::Dequeue(_), _) => without_front(),
        });
    }

    fn describe(&self) -> String {
        self.elements.to_string()
    }
}
