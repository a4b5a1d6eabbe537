//! The keys that were forgotten, in little room however many they are.

use std::collections::BTreeMap;

use history::Key;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::{Hash, Hasher};

/// Sets of numbers as ranges: keys are mostly numbered, and forgotten about in their order.
#[derive(Debug, Default)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let (mut first, mut last) = (number, number);
        if let Some((&before, &end)) = self.0.range(..number).next_back()
            && end + 1 == number
        {
            first = before;
        }
        if let Some(next) = number.checked_add(1)
            && let Some(end) = self.0.remove(&next)
        {
            last = end;
        }
        self.0.insert(first, last);
    }
}

/// A set of keys. It may take a key for one of them that is none, which is rare and makes a verdict say less, never more.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    /// Numbers, and names that end with a number by what stands before it.
    numbered: FxHashMap<Box<str>, Ranges>,
    /// The hashes of all others.
    others: FxHashSet<u64>,
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
    /// Whether a key was forgotten.
    pub fn contains(&self, key: &Key) -> bool {
        match split(key) {
            Some((name, number)) => self.numbered.get(name).is_some_and(|ranges| ranges.contains(number)),
            None => !self.others.is_empty() && self.others.contains(&hash(key)),
        }
    }

    pub fn insert(&mut self, key: &Key) {
        match split(key) {
            Some((name, number)) => match self.numbered.get_mut(name) {
                Some(ranges) => ranges.insert(number),
                None => {
                    let mut ranges = Ranges::default();
                    ranges.insert(number);
                    self.numbered.insert(name.into(), ranges);
                }
            },
            None => {
                self.others.insert(hash(key));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges_and_everything_else_is_found_again() {
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
            assert!(!forgotten.contains(key), "{key} was not forgotten");
            forgotten.insert(key);
            assert!(keys[..=place].iter().all(|key| forgotten.contains(key)), "after {key}");
        }
        assert_eq!(
            forgotten.numbered[""].0.iter().collect::<Vec<_>>(),
            [(&0, &5), (&9, &9), (&(i64::MAX as u64), &(i64::MAX as u64))]
        );
        for other in
            [Key::Int(6), Key::Int(-2), Key::from("run-3"), Key::from("k7"), Key::from("run-"), Key::from("")]
        {
            assert!(!forgotten.contains(&other), "{other}");
        }
    }
}
