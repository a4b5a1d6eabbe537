//! A data type of one's own: a queue that is allowed to hand out either of its two oldest elements, as sharded queues
//! do. `cargo run -p disprove-checkers --example own_type`
//!
//! A data type need not be deterministic: `step` pushes every state in which the object may be. Here a dequeue of which
//! nobody knows the answer leads to two states.

use disprove_checkers::{Budget, Checker, DataType, linearizability::LinearizableType};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Queue,
        queue::{Call, Return},
    },
};

/// The elements, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LooseQueue(Vec<Value>);

impl DataType for LooseQueue {
    type Vocabulary = Queue;

    fn initial(_: &Value) -> Self {
        Self(Vec::new())
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match (call, returned) {
            (Call::Enqueue(_, element), _) => {
                next.push(Self([&self.0[..], std::slice::from_ref(element)].concat()))
            }
            (Call::Dequeue(_), Some(Return::Empty)) => next.extend(self.0.is_empty().then(|| self.clone())),
            (Call::Dequeue(_), returned) => {
                for (at, element) in self.0.iter().enumerate().take(2) {
                    if returned.is_none_or(|answer| *answer == Return::Dequeued(element.clone())) {
                        next.push(Self([&self.0[..at], &self.0[at + 1..]].concat()));
                    }
                }
            }
        }
    }
}

/// A history of one process that enqueues 1, 2 and 3, and then dequeues this.
fn history(dequeued: i64) -> History<Queue> {
    let jobs = || Value::from("jobs");
    let enqueue = |number: i64| (Call::Enqueue(jobs(), number.into()), Return::Enqueued);
    let last = (Call::Dequeue(jobs()), Return::Dequeued(dequeued.into()));
    let calls = [enqueue(1), enqueue(2), enqueue(3), last];
    let operations = (0u32..).zip(calls).map(|(index, (call, answer))| Operation {
        index: OpIndex(index),
        process: Process(0),
        node: NodeId(0),
        call,
        outcome: Outcome::Ok(answer),
        began: Nanos(u64::from(index) * 10),
        ended: Some(Nanos(u64::from(index) * 10 + 5)),
    });
    History {
        header: Header::new("queue"),
        operations: operations.collect(),
        faults: Vec::new(),
        damage: None,
    }
}

fn main() {
    let checker = LinearizableType::<LooseQueue>::new();
    for dequeued in 1..=3 {
        let verdict = checker.check(&history(dequeued), &Budget::default());
        println!("dequeued {dequeued} of 1, 2, 3: {:?}", verdict.validity);
        for anomaly in verdict.anomalies {
            println!("  {}", anomaly.sentence);
        }
    }
}
