//! A key-value store.

use std::borrow::Cow;

use history::{
    Key, Value,
    vocabulary::{
        KeyValue,
        key_value::{Call, Return},
    },
};

use crate::{DataType, Growth, Influence};

/// The keys that are there and their values, in the order of the keys. A key that is not there reads as the initial
/// value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyValueState {
    entries: Vec<(Key, Value)>,
    initial: Value,
}

impl KeyValueState {
    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.cmp(key))
    }

    fn get(&self, key: &Key) -> &Value {
        self.place(key).map_or(&self.initial, |at| &self.entries[at].1)
    }

    fn put(&mut self, key: &Key, value: Value) {
        match self.place(key) {
            Ok(at) => self.entries[at].1 = value,
            Err(at) => self.entries.insert(at, (key.clone(), value)),
        }
    }

    fn with(&self, key: &Key, value: Value) -> Self {
        let mut after = self.clone();
        after.put(key, value);
        after
    }

    fn without(&self, key: &Key) -> Self {
        let mut after = self.clone();
        if let Ok(at) = after.place(key) {
            after.entries.remove(at);
        }
        after
    }

    /// Whether a value that was read is this one. A nil means "not known" where keys hold something at first.
    fn fits(&self, seen: &Value, value: &Value) -> bool {
        seen == value || (*seen == Value::Nil && self.initial != Value::Nil)
    }

    /// Whether just these keys and values are there in a range.
    fn has_range(&self, from: &Key, to: &Key, seen: &[(Key, Value)]) -> bool {
        let start = self.entries.partition_point(|(key, _)| key < from);
        let end = match to {
            Value::Nil => self.entries.len(),
            to => self.entries.partition_point(|(key, _)| key < to).max(start),
        };
        let there = &self.entries[start..end];
        let mut seen: Vec<&(Key, Value)> = seen.iter().collect();
        seen.sort_by(|one, other| one.0.cmp(&other.0));
        there.len() == seen.len()
            && there.iter().zip(seen).all(|(entry, seen)| entry.0 == seen.0 && self.fits(&seen.1, &entry.1))
    }

    /// Whether several keys were read right. A key that the answer leaves out is not there.
    fn has_keys(&self, asked: &[Key], seen: &[(Key, Value)]) -> bool {
        seen.iter().all(|(key, value)| asked.contains(key) && self.fits(value, self.get(key)))
            && asked
                .iter()
                .all(|key| self.place(key).is_err() || seen.iter().any(|(answered, _)| answered == key))
    }

    fn appended(&self, key: &Key, more: &Value) -> Value {
        match self.get(key) {
            Value::Nil => more.clone(),
            Value::Text(text) => match more {
                Value::Text(more) => Value::Text([&**text, &**more].concat().into()),
                more => Value::Text(format!("{text}{more}").into()),
            },
            value => Value::Text(format!("{value}{more}").into()),
        }
    }
}

/// The text of a value, which an append leaves in front; a nil has none.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Nil => "".into(),
        Value::Text(text) => (&**text).into(),
        value => value.to_string().into(),
    }
}

fn influence(call: &Call, observing: &Call) -> Influence {
    let Call::Get(observed) = observing else { return Influence::Any };
    let touches = match call {
        Call::Get(_) | Call::Range(..) | Call::MultiGet(_) => false,
        Call::Put(key, _) | Call::Append(key, _) | Call::Delete(key) | Call::Cas(key, ..) => key == observed,
        Call::MultiPut(entries) => entries.iter().any(|(key, _)| key == observed),
    };
    match call {
        _ if !touches => Influence::Nothing,
        Call::Append(..) => Influence::Adds,
        Call::Put(..) | Call::MultiPut(_) => Influence::Sets,
        // A compare-and-set may be refused, and what is deleted can be nil, which no append leads to.
        _ => Influence::Any,
    }
}

fn reaches(state: &KeyValueState, call: &Call, returned: &Return) -> bool {
    match (call, returned) {
        (Call::Get(key), Return::Value(Some(seen))) => {
            let now = state.get(key);
            state.fits(seen, now) || text(seen).starts_with(&*text(now))
        }
        _ => true,
    }
}

impl DataType for KeyValueState {
    type Vocabulary = KeyValue;

    fn initial(value: &Value) -> Self {
        Self { entries: Vec::new(), initial: value.clone() }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let reads = |right: bool| right.then(|| self.clone());
        next.extend(match (call, returned) {
            (Call::Get(key), Some(Return::Value(Some(seen)))) => reads(self.fits(seen, self.get(key))),
            (Call::Range(from, to), Some(Return::Entries(seen))) => reads(self.has_range(from, to, seen)),
            (Call::MultiGet(keys), Some(Return::Entries(seen))) => reads(self.has_keys(keys, seen)),
            (Call::Get(_) | Call::Range(..) | Call::MultiGet(_), _) => reads(true),
            (Call::Put(key, value), _) => Some(self.with(key, value.clone())),
            (Call::Append(key, more), _) => Some(self.with(key, self.appended(key, more))),
            (Call::Delete(key), Some(Return::Deleted(was_there))) => {
                (self.place(key).is_ok() == *was_there).then(|| self.without(key))
            }
            (Call::Delete(key), _) => Some(self.without(key)),
            (Call::Cas(key, from, _), Some(Return::Refused)) => reads(self.get(key) != from),
            (Call::Cas(key, from, to), _) => (self.get(key) == from).then(|| self.with(key, to.clone())),
            (Call::MultiPut(entries), _) => {
                let mut after = self.clone();
                for (key, value) in entries {
                    after.put(key, value.clone());
                }
                Some(after)
            }
        });
    }

    fn growth() -> Option<Growth<Self>> {
        Some(Growth { influence, reaches })
    }

    fn describe(&self) -> String {
        let entries: Vec<String> = self.entries.iter().map(|(key, value)| format!("{key} {value}")).collect();
        format!("{{{}}}", entries.join(", "))
    }
}
