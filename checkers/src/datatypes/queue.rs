//! Queues by the order in which elements come out: first in, first out, and by priority.

use std::collections::VecDeque;

use history::{
    Value,
    vocabulary::{
        PriorityQueue, Queue,
        queue::{Call, Return},
    },
};

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
                let mut after = self.clone();
                after.0.push_back(element.clone());
                next.push(after);
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

/// The elements of a priority queue in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PriorityQueueState {
    elements: Vec<Value>,
    priority: Priority,
}

impl DataType for PriorityQueueState {
    type Vocabulary = PriorityQueue;

    /// The queue is empty at first; the initial value says which element comes out first.
    fn initial(value: &Value) -> Self {
        Self { elements: Vec::new(), priority: Priority::parse(value).unwrap_or_default() }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let at = match self.priority {
            Priority::SmallestFirst => 0,
            Priority::LargestFirst => self.elements.len().saturating_sub(1),
        };
        let front = self.elements.get(at);
        let may_leave = match (call, returned) {
            (Call::Enqueue(_, element), _) => {
                let mut after = self.clone();
                let at = after.elements.partition_point(|other| other < element);
                after.elements.insert(at, element.clone());
                next.push(after);
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
            after.elements.remove(at);
            next.push(after);
        }
    }

    fn describe(&self) -> String {
        super::braces(&self.elements)
    }
}
