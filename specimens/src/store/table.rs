//! A table by keys of any form, in their order. JSON knows only texts as keys, so it is written down as pairs.

use std::collections::BTreeMap;

use history::Key;
use serde::{Deserialize, Serialize};

/// What is kept under each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<(Key, T)>", from = "Vec<(Key, T)>")]
#[serde(bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Table<T>(BTreeMap<Key, T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> From<Vec<(Key, T)>> for Table<T> {
    fn from(pairs: Vec<(Key, T)>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<T> From<Table<T>> for Vec<(Key, T)> {
    fn from(table: Table<T>) -> Self {
        table.0.into_iter().collect()
    }
}

impl<T> std::ops::Deref for Table<T> {
    type Target = BTreeMap<Key, T>;

    fn deref(&self) -> &BTreeMap<Key, T> {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut BTreeMap<Key, T> {
        &mut self.0
    }
}

impl<T: Default> Table<T> {
    /// What is kept under a key; what is empty begins to be kept.
    pub fn at(&mut self, key: &Key) -> &mut T {
        self.0.entry(key.clone()).or_default()
    }
}
