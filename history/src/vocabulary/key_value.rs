//! A key-value store: single keys, several keys at once, and ranges of keys.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// A store of values under keys. A key that is not there reads as the initial value of the header.
#[derive(Clone, Copy, Debug)]
pub struct KeyValue;

/// What is asked of a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Reads the value of a key.
    Get(Key),
    /// Sets the value of a key.
    Put(Key, Value),
    /// Puts a text behind the value of a key; behind nothing it is the value.
    Append(Key, Value),
    /// Sets the value of a key to the second value if it is the first.
    Cas(Key, Value, Value),
    /// Takes a key out.
    Delete(Key),
    /// Reads all keys from the first up to but without the second and their values; nil as the second is no end.
    Range(Key, Key),
    /// Reads several keys at one moment.
    MultiGet(Vec<Key>),
    /// Sets several keys at one moment.
    MultiPut(Vec<(Key, Value)>),
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Return {
    /// The value read; `None` where the recorder did not know it.
    Value(#[serde(with = "crate::value::known")] Option<Value>),
    /// The change was acknowledged.
    Done,
    /// The key was taken out, and this is whether it was there.
    Deleted(bool),
    /// The compare-and-set took place.
    Swapped,
    /// The compare-and-set was refused because the value differed: an observation, not a failure.
    Refused,
    /// The keys read and their values: those asked for, or those of a range that are there.
    Entries(Vec<(Key, Value)>),
}

impl Call {
    /// Whether it touches one key and no other.
    pub fn is_single(&self) -> bool {
        !matches!(self, Self::Range(..) | Self::MultiGet(_) | Self::MultiPut(_))
    }
}

/// `x 1, y 2`.
fn pairs(entries: &[(Key, Value)]) -> String {
    entries.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

impl Vocabulary for KeyValue {
    const NAME: &'static str = "key-value";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Get(_) => "get",
            Call::Put(..) => "put",
            Call::Append(..) => "append",
            Call::Cas(..) => "cas",
            Call::Delete(_) => "delete",
            Call::Range(..) => "range",
            Call::MultiGet(_) => "multi-get",
            Call::MultiPut(_) => "multi-put",
        }
    }

    /// The keys by name. A range names none, since it touches keys that nobody has written yet.
    fn keys(call: &Call) -> Vec<Key> {
        match call {
            Call::Get(key)
            | Call::Put(key, _)
            | Call::Append(key, _)
            | Call::Cas(key, ..)
            | Call::Delete(key) => vec![key.clone()],
            Call::Range(..) => Vec::new(),
            Call::MultiGet(keys) => keys.clone(),
            Call::MultiPut(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Get(_) | Call::Range(..) | Call::MultiGet(_))
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Get(key) => format!("get {key}"),
            Call::Put(key, value) => format!("put {key} {value}"),
            Call::Append(key, value) => format!("append {key} {value}"),
            Call::Cas(key, from, to) => format!("cas {key} {from} -> {to}"),
            Call::Delete(key) => format!("delete {key}"),
            Call::Range(from, Value::Nil) => format!("range from {from}"),
            Call::Range(from, to) => format!("range {from} to {to}"),
            Call::MultiGet(keys) => format!("get {}", super::list_append::describe_list(keys)),
            Call::MultiPut(entries) => format!("put {}", pairs(entries)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Value(Some(value)) => value.to_string(),
            Return::Value(None) => "?".into(),
            Return::Done => "done".into(),
            Return::Deleted(true) => "deleted".into(),
            Return::Deleted(false) => "it was not there".into(),
            Return::Swapped => "swapped".into(),
            Return::Refused => "refused".into(),
            Return::Entries(entries) => format!("{{{}}}", pairs(entries)),
        }
    }
}
