//! Queues, stacks and priority queues: put an element in, take one out. They differ only in which one comes out.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
use crate::{Key, Value};

/// What is asked of a queue of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Puts an element in.
    Enqueue(Key, Value),
    /// Takes the next element out.
    Dequeue(Key),
}

/// What a queue of any kind answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The element was acknowledged.
    Enqueued,
    /// The element that was taken out.
    Dequeued(Value),
    /// There was nothing to take out: an observation, not a failure.
    Empty,
}

impl Call {
    /// The one queue a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Enqueue(key, _) | Self::Dequeue(key) => key,
        }
    }
}

macro_rules! queues {
    ($($(#[$doc:meta])* $name:ident: $text:literal, $put:literal, $take:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Vocabulary for $name {
            const NAME: &'static str = $text;
            type Call = Call;
            type Return = Return;

            fn kind(call: &Call) -> &'static str {
                match call {
                    Call::Enqueue(..) => $put,
                    Call::Dequeue(_) => $take,
                }
            }

            fn keys(call: &Call) -> Vec<Key> {
                vec![call.key().clone()]
            }

            fn is_read(_: &Call) -> bool {
                false
            }

            fn describe_call(call: &Call) -> String {
                match call {
                    Call::Enqueue(key, element) => format!(concat!($put, "{} {}"), On(key), element),
                    Call::Dequeue(key) => format!(concat!($take, "{}"), On(key)),
                }
            }

            fn describe_return(_: &Call, returned: &Return) -> String {
                match returned {
                    Return::Enqueued => concat!($put, " done").into(),
                    Return::Dequeued(element) => element.to_string(),
                    Return::Empty => "empty".into(),
                }
            }
        }
    )* };
}

queues! {
    /// A queue under a key: the element that was put in first comes out first.
    Queue: "queue", "enqueue", "dequeue";
    /// A stack under a key: the element that was put in last comes out first.
    Stack: "stack", "push", "pop";
    /// A priority queue under a key: the smallest element comes out first, or the largest where the header's initial
    /// value is `largest-first`. An element is its own priority; equal ones cannot be told apart.
    PriorityQueue: "priority-queue", "insert", "extract";
}
