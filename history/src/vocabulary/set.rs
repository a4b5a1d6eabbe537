//! A grow-only set per key: add an element, read them all.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// A set of elements under a key.
#[derive(Clone, Copy, Debug)]
pub struct Set;

/// What is asked of a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Adds one element.
    Add(Key, Value),
    /// Reads all elements.
    Read(Key),
}

/// What a set answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The element was acknowledged.
    Added,
    /// All elements as the database listed them, duplicates included.
    Elements(Vec<Value>),
}

impl Vocabulary for Set {
    const NAME: &'static str = "set";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Add(..) => "add",
            Call::Read(_) => "read",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        match call {
            Call::Add(key, _) | Call::Read(key) => vec![key.clone()],
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read(_))
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Add(key, element) => format!("add {key} {element}"),
            Call::Read(key) => format!("read {key}"),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Added => "added".into(),
            Return::Elements(elements) => super::list_append::describe_list(elements),
        }
    }
}
