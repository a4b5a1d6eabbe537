//! The lists of a history that is being read, each kept once per key.

use std::{fmt, sync::Arc};

use rustc_hash::FxHashMap;

use super::{List, list::Root};
use crate::{Key, Value};

/// How many sequences of one key are compared with a list. More than one is already an anomaly; a history in which
/// every read contradicts the others shares little, and should cost little time to find that out.
const BRANCHES_MAX: usize = 4;

/// One sequence, as long as the longest list seen of it. Its lists can be looked into once it is gone.
#[derive(Default)]
pub(crate) struct Sequence {
    values: Vec<Value>,
    root: Arc<Root>,
}

impl Sequence {
    /// Its first values.
    pub fn prefix(&self, length: usize) -> List {
        debug_assert!(length <= self.values.len(), "a prefix is not longer than the whole");
        List::prefix(&self.root, length)
    }

    /// Makes it longer.
    pub fn extend(&mut self, values: &[Value]) {
        self.values.extend_from_slice(values);
    }

    /// The list as a prefix of this sequence, which it may make longer; `None` where they differ.
    fn share(&mut self, list: &[Value]) -> Option<List> {
        let common = self.values.len().min(list.len());
        if self.values[..common] != list[..common] {
            return None;
        }
        self.extend(&list[common..]);
        Some(self.prefix(list.len()))
    }
}

impl Drop for Sequence {
    /// Every root is filled, whatever became of the reader.
    fn drop(&mut self) {
        self.root.fill(std::mem::take(&mut self.values));
    }
}

/// Makes the lists of a history share their storage. The lists it hands out can be looked into once it is gone.
#[derive(Default)]
pub struct Lists {
    /// The sequences of each key, the one used last first.
    branches: FxHashMap<Key, Vec<Sequence>>,
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lists").field("keys", &self.branches.len()).finish_non_exhaustive()
    }
}

impl Lists {
    /// The list that holds these values of this key.
    pub(crate) fn share(&mut self, key: &Key, values: &[Value]) -> List {
        if values.is_empty() {
            return List::default();
        }
        let branches = match self.branches.get_mut(key) {
            Some(branches) => branches,
            None => self.branches.entry(key.clone()).or_default(),
        };
        for at in 0..branches.len() {
            if let Some(list) = branches[at].share(values) {
                branches[..=at].rotate_right(1);
                return list;
            }
        }
        branches.truncate(BRANCHES_MAX - 1);
        let mut branch = Sequence::default();
        branch.extend(values);
        let list = branch.prefix(values.len());
        branches.insert(0, branch);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(numbers: &[i64]) -> Vec<Value> {
        numbers.iter().copied().map(Value::Int).collect()
    }

    #[test]
    fn prefixes_of_one_sequence_share_it_and_others_do_not() {
        let (x, y) = (Key::from("x"), Key::from("y"));
        let cases: [(&Key, &[i64]); 8] = [
            (&x, &[1, 2]),
            (&x, &[1, 2, 3]),
            (&x, &[1]),
            (&x, &[]),
            (&x, &[1, 3]),
            (&x, &[1, 2, 3, 4]),
            (&x, &[1, 3, 5]),
            (&y, &[1, 2]),
        ];
        let mut lists = Lists::default();
        let shared: Vec<List> =
            cases.iter().map(|(key, numbers)| lists.share(key, &values(numbers))).collect();
        drop(lists);
        for (list, (_, numbers)) in shared.iter().zip(cases) {
            assert_eq!(list.as_slice(), values(numbers));
            assert_eq!(*list, List::from(values(numbers)));
            assert_eq!(list.is_empty(), numbers.is_empty());
        }
        let sharing = |one: usize, other: usize| shared[one].shares_root(&shared[other]);
        assert!(sharing(0, 1) && sharing(0, 2) && sharing(0, 5) && sharing(4, 6));
        assert!(sharing(3, 0) && sharing(3, 7), "the empty list is a prefix of all");
        assert!(!sharing(0, 4) && !sharing(5, 6) && !sharing(0, 7));
        assert!(shared[0].is_prefix_of(&shared[5]) && !shared[5].is_prefix_of(&shared[0]));
        assert!(shared[2].is_prefix_of(&shared[6]), "equal values, other roots");
        assert!(!shared[0].is_prefix_of(&shared[6]));
        assert_ne!(shared[0], shared[1]);
    }

    #[test]
    fn many_contradicting_lists_are_all_kept() {
        let mut lists = Lists::default();
        let read: Vec<List> =
            (0..100).map(|number| lists.share(&Value::Nil, &values(&[number % 20, number]))).collect();
        drop(lists);
        for (list, number) in read.iter().zip(0..) {
            assert_eq!(list.as_slice(), values(&[number % 20, number]));
        }
    }

    #[test]
    fn a_list_is_written_as_its_values() {
        let list = List::from(values(&[1, 2]));
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(json, "[1,2]");
        assert_eq!(serde_json::from_str::<List>(&json).unwrap(), list);
        assert_eq!(format!("{list:?}"), "[Int(1), Int(2)]");
    }
}
