//! A list that was read, as a view of the longest list of its key.
//!
//! A key's list is read again and again while it grows, so that written out in full the reads of a key cost the square
//! of what was appended to it. All reads that are prefixes of one another are views of one sequence instead.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;

/// The values that views share. It is empty while a reader still finds longer lists, and set for good after that.
#[derive(Default)]
pub(super) struct Root(OnceLock<Box<[Value]>>);

impl Root {
    /// Sets the values, once.
    pub fn fill(&self, values: Vec<Value>) {
        let filled = self.0.set(values.into_boxed_slice());
        debug_assert!(filled.is_ok(), "a root is filled once");
    }
}

/// An immutable list of values that shares its storage with other lists. Compares, hashes and serialises as its values.
#[derive(Clone, Default)]
pub struct List {
    /// `None` for the empty list.
    root: Option<Arc<Root>>,
    length: u32,
}

impl List {
    /// The first `length` values of a root, which must be filled before anybody looks at them.
    pub(super) fn prefix(root: &Arc<Root>, length: usize) -> Self {
        match u32::try_from(length) {
            Ok(0) => Self::default(),
            Ok(length) => Self { root: Some(root.clone()), length },
            Err(_) => unreachable!("4 billion values need more memory than lists of them can have"),
        }
    }

    /// Its values.
    pub fn as_slice(&self) -> &[Value] {
        match &self.root {
            None => &[],
            Some(root) => {
                let values = root.0.get().expect("a reader fills every root before it hands out its history");
                &values[..self.length as usize]
            }
        }
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// True when it has no value.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// True when both are known to be prefixes of one sequence, so that the shorter one is a prefix of the longer. Where
    /// it is false their values may still be equal.
    pub fn shares_root(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            // The empty list is a prefix of every list.
            _ => true,
        }
    }

    /// True when this list is how the other begins.
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        self.length <= other.length && (self.shares_root(other) || other.starts_with(self))
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.as_slice()
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> Self {
        let length = values.len();
        let root = Arc::new(Root::default());
        root.fill(values);
        Self::prefix(&root, length)
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && (self.shares_root(other) || self.as_slice() == other.as_slice())
    }
}

impl Eq for List {}

impl Hash for List {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
