//! What a sentence calls the object that operations were about.

use history::{Key, Value};

/// The name of the object under a key; where a history has one object only, whose key is nil, what it is: `the queue`.
pub(crate) fn named(key: &Key, what: &str) -> String {
    match key {
        Value::Nil => what.into(),
        key => key.to_string(),
    }
}

/// How a note about one object begins.
pub(crate) fn part(key: &Key) -> String {
    match key {
        Value::Nil => "the object".into(),
        key => format!("key {key}"),
    }
}
