//! A bag per key: add an element, take any one out, read them all. The same element may be in several times.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
use crate::{Key, Value};

/// A bag of elements under a key.
#[derive(Clone, Copy, Debug)]
pub struct Bag;

/// What is asked of a bag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Adds one element.
    Add(Key, Value),
    /// Takes any one element out.
    Take(Key),
    /// Reads all elements.
    Read(Key),
}

/// What a bag answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The element was acknowledged.
    Added,
    /// The element that was taken out.
    Taken(Value),
    /// There was nothing to take.
    Empty,
    /// All elements, each as often as it is in.
    Elements(Vec<Value>),
}

impl Call {
    /// The one bag a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Add(key, _) | Self::Take(key) | Self::Read(key) => key,
        }
    }
}

impl Vocabulary for Bag {
    const NAME: &'static str = "bag";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Add(..) => "add",
            Call::Take(_) => "take",
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
            Call::Add(key, element) => format!("add{} {element}", On(key)),
            Call::Take(key) => format!("take{}", On(key)),
            Call::Read(key) => format!("read{}", On(key)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Added => "added".into(),
            Return::Taken(element) => element.to_string(),
            Return::Empty => "empty".into(),
            Return::Elements(elements) => super::list_append::describe_list(elements),
        }
    }
}
