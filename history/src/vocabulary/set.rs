//! A set per key: add an element, remove it, ask for it, read them all.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
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
    /// Removes one element.
    Remove(Key, Value),
    /// Asks whether an element is in.
    Contains(Key, Value),
    /// Reads all elements.
    Read(Key),
}

/// What a set answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The element was acknowledged.
    Added,
    /// The removal was acknowledged; the element may not have been in before.
    Removed,
    /// The addition or removal took place, and this is whether it changed the set.
    Changed(bool),
    /// Whether the element was in.
    Contains(bool),
    /// All elements as the database listed them, duplicates included.
    Elements(Vec<Value>),
}

impl Call {
    /// The one set a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Add(key, _) | Self::Remove(key, _) | Self::Contains(key, _) | Self::Read(key) => key,
        }
    }
}

impl Vocabulary for Set {
    const NAME: &'static str = "set";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Add(..) => "add",
            Call::Remove(..) => "remove",
            Call::Contains(..) => "contains",
            Call::Read(_) => "read",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read(_) | Call::Contains(..))
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Add(key, element) => format!("add{} {element}", On(key)),
            Call::Remove(key, element) => format!("remove{} {element}", On(key)),
            Call::Contains(key, element) => format!("contains{} {element}", On(key)),
            Call::Read(key) => format!("read{}", On(key)),
        }
    }

    fn describe_return(call: &Call, returned: &Return) -> String {
        match returned {
            Return::Added => "added".into(),
            Return::Removed => "removed".into(),
            Return::Changed(true) if matches!(call, Call::Remove(..)) => "removed, it was in".into(),
            Return::Changed(true) => "added, it was not in".into(),
            Return::Changed(false) => "nothing changed".into(),
            Return::Contains(is_in) => if *is_in { "yes" } else { "no" }.into(),
            Return::Elements(elements) => super::list_append::describe_list(elements),
        }
    }
}
