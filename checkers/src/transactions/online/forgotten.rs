//! The keys that were forgotten, and how each was left, in little room however many they are.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use history::{Key, Value};
use rustc_hash::{FxHashMap, FxHasher};

/// How a list was left: a checksum of it, or [`UNCERTAIN`].
pub(super) type Left = u64;

/// Not every append to the list was read, or reads of it disagree.
pub(super) const UNCERTAIN: Left = 0;

/// A checksum of a list.
pub(super) fn checksum(list: &[Value]) -> Left {
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    hasher.finish().max(1)
}

/// So many numbers in a row are kept together at most.
const ROW_MAX: usize = 512;

/// What is known of numbers, in rows: keys are mostly numbered, and forgotten about in their order.
#[derive(Debug, Default)]
struct Rows(BTreeMap<u64, Vec<Left>>);

impl Rows {
    fn get(&self, number: u64) -> Option<Left> {
        let (first, row) = self.0.range(..=number).next_back()?;
        row.get(usize::try_from(number - first).ok()?).copied()
    }

    /// Only of numbers of which nothing is known yet.
    fn insert(&mut self, number: u64, left: Left) {
        let before = self.0.range_mut(..number).next_back();
        let before = before.filter(|(first, row)| *first + row.len() as u64 == number && row.len() < ROW_MAX);
        let first = match before {
            Some((first, row)) => {
                row.push(left);
                *first
            }
            None => {
                self.0.insert(number, vec![left]);
                number
            }
        };
        self.join(first);
    }

    /// Joins a row and the one that follows it, where they fit.
    fn join(&mut self, first: u64) {
        let Some(length) = self.0.get(&first).map(Vec::len) else { return };
        let Some(next) = first.checked_add(length as u64) else { return };
        if self.0.get(&next).is_some_and(|row| length + row.len() <= ROW_MAX)
            && let Some(following) = self.0.remove(&next)
            && let Some(row) = self.0.get_mut(&first)
        {
            row.extend(following);
        }
    }
}

/// How each of a set of keys was left. It may take a key for one of them that is none, which is rare and makes a verdict say
/// less, never more.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    /// Numbers, and names that end with a number by what stands before it.
    numbered: FxHashMap<Box<str>, Rows>,
    /// The hashes of all others.
    others: FxHashMap<u64, Left>,
}

/// A key as a name and a number.
fn split(key: &Key) -> Option<(&str, u64)> {
    match key {
        Key::Nil => None,
        Key::Int(number) => u64::try_from(*number).ok().map(|number| ("", number)),
        Key::Text(text) => {
            let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
            let (name, number) = text.split_at(text.len() - digits);
            // A name that is nothing but a number is not the number, and 07 is not 7.
            let is_plain = !name.is_empty() && (digits == 1 || !number.starts_with('0'));
            if is_plain { number.parse().ok().map(|number| (name, number)) } else { None }
        }
    }
}

fn hash(key: &Key) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Forgotten {
    /// How a key was left that was forgotten.
    pub fn get(&self, key: &Key) -> Option<Left> {
        match split(key) {
            Some((name, number)) => self.numbered.get(name)?.get(number),
            None => self.others.get(&hash(key)).copied(),
        }
    }

    pub fn insert(&mut self, key: &Key, left: Left) {
        match split(key) {
            Some((name, number)) => match self.numbered.get_mut(name) {
                Some(rows) => rows.insert(number, left),
                None => {
                    let rows = Rows(BTreeMap::from([(number, vec![left])]));
                    self.numbered.insert(name.into(), rows);
                }
            },
            None => {
                // Of two keys with one hash nobody knows whose list is meant.
                self.others.entry(hash(key)).and_modify(|known| *known = UNCERTAIN).or_insert(left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_rows_and_everything_else_is_found_again() {
        let mut forgotten = Forgotten::default();
        let keys: Vec<Key> = [5, 3, 4, 1, 9, 2, 0, -1, i64::MAX]
            .into_iter()
            .map(Key::Int)
            .chain(
                ["run-1", "run-2", "run-0", "x", "07", "7", "k07", "run-18446744073709551615"].map(Key::from),
            )
            .chain([Key::Nil])
            .collect();
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(forgotten.get(key), None, "{key} was not forgotten");
            forgotten.insert(key, 100 + place as u64);
            let found = (100..).zip(&keys[..=place]).all(|(left, key)| forgotten.get(key) == Some(left));
            assert!(found, "after {key}");
        }
        let rows = &forgotten.numbered[""].0;
        assert_eq!(rows.keys().collect::<Vec<_>>(), [&0, &9, &(i64::MAX as u64)]);
        assert_eq!(rows[&0].len(), 6, "what came in between joins both sides");
        for other in
            [Key::Int(6), Key::Int(-2), Key::from("run-3"), Key::from("k7"), Key::from("run-"), Key::from("")]
        {
            assert_eq!(forgotten.get(&other), None, "{other}");
        }
    }

    #[test]
    fn rows_stay_short_in_any_order() {
        for is_falling in [false, true] {
            let mut forgotten = Forgotten::default();
            for place in 0..5_000 {
                let number = if is_falling { 4_999 - place } else { place };
                forgotten.insert(&Key::Int(number), number as u64 + 1);
            }
            assert!((0..5_000).all(|number| forgotten.get(&Key::Int(number)) == Some(number as u64 + 1)));
            let rows = &forgotten.numbered[""].0;
            assert!(rows.len() < 20 && rows.values().all(|row| row.len() <= ROW_MAX), "{}", rows.len());
        }
    }
}
