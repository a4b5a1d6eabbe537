//! A counter per key: add to it, take from it, read it.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
use crate::Key;

/// A counter under a key. It starts at 0, or as the header's initial value says: `5`, or with bounds that it must
/// not leave `5 in 0..10`, `0 in 0..`.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

/// What is asked of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Adds a number, which may be negative.
    Add(Key, i64),
    /// Reads the counter.
    Read(Key),
}

/// What a counter answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The addition was acknowledged.
    Added,
    /// The value read, or the value after the addition; `None` where the recorder did not know it.
    Value(Option<i64>),
    /// The addition was refused because the counter would have left its bounds: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one counter a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Add(key, _) | Self::Read(key) => key,
        }
    }
}

impl Vocabulary for Counter {
    const NAME: &'static str = "counter";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Add(..) => "add",
            Call::Read(_) => "read",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read(_))
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Add(key, number) => format!("add{} {number}", On(key)),
            Call::Read(key) => format!("read{}", On(key)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Added => "added".into(),
            Return::Value(Some(value)) => value.to_string(),
            Return::Value(None) => "?".into(),
            Return::Refused => "refused".into(),
        }
    }
}
