//! A sorted collection that shares all but a few links with the collections it came from. A history of a million
//! additions has a million states, and only this keeps them small.
//!
//! It is a search tree whose links are also ordered by a hash of their values, the largest on top. Both orders together
//! leave one shape for each content, whatever way led to it, and a depth that grows with the logarithm of the size.

use std::{
    cmp::Ordering,
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use history::Value;
use rustc_hash::FxBuildHasher;

/// A sorted collection of values, each as often as it was put in.
#[derive(Clone, Default)]
pub(super) struct Crowd(Option<Arc<Node>>);

struct Node {
    value: Value,
    /// How often the value is in.
    times: u32,
    /// Which of two nodes is above the other.
    weight: u64,
    below: Crowd,
    above: Crowd,
    /// How many values are in, each as often as it is.
    size: usize,
    /// Of all values, so that different contents are told apart without a walk.
    hash: u64,
}

fn weight(value: &Value) -> u64 {
    // The upper half of a product depends on all bits of its factors.
    let hash = FxBuildHasher.hash_one(value) ^ 0x9e37_79b9_7f4a_7c15;
    let wide = u128::from(hash) * 0xd6e8_feb8_6659_fd93;
    (wide >> 64) as u64 ^ wide as u64
}

impl Crowd {
    fn node(value: Value, times: u32, below: Self, above: Self) -> Self {
        let size = below.len() + times as usize + above.len();
        let hash = FxBuildHasher.hash_one((below.hash_of_all(), &value, times, above.hash_of_all()));
        Self(Some(Arc::new(Node { weight: weight(&value), value, times, below, above, size, hash })))
    }

    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |node| node.size)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn hash_of_all(&self) -> u64 {
        self.0.as_ref().map_or(0, |node| node.hash)
    }

    /// How often a value is in.
    pub fn times(&self, value: &Value) -> u32 {
        let mut rest = self;
        while let Some(node) = &rest.0 {
            rest = match value.cmp(&node.value) {
                Ordering::Less => &node.below,
                Ordering::Greater => &node.above,
                Ordering::Equal => return node.times,
            };
        }
        0
    }

    /// The smallest value.
    pub fn first(&self) -> Option<&Value> {
        let mut node = self.0.as_ref()?;
        while let Some(below) = &node.below.0 {
            node = below;
        }
        Some(&node.value)
    }

    /// The largest value.
    pub fn last(&self) -> Option<&Value> {
        let mut node = self.0.as_ref()?;
        while let Some(above) = &node.above.0 {
            node = above;
        }
        Some(&node.value)
    }

    /// The collection with this value as often as that.
    fn with_times(&self, value: &Value, times: u32) -> Self {
        let (below, above) = self.split(value);
        if times == 0 {
            return below.join(&above);
        }
        let middle = Self::node(value.clone(), times, Self::default(), Self::default());
        below.join(&middle).join(&above)
    }

    /// The collection with a value once more.
    pub fn with(&self, value: &Value) -> Self {
        self.with_times(value, self.times(value) + 1)
    }

    /// The collection with a value once less; `None` where it is not in.
    pub fn without(&self, value: &Value) -> Option<Self> {
        let times = self.times(value).checked_sub(1)?;
        Some(self.with_times(value, times))
    }

    /// What is smaller than a value, and what is larger.
    fn split(&self, value: &Value) -> (Self, Self) {
        let Some(node) = &self.0 else { return Default::default() };
        let copy = |below: Self, above: Self| Self::node(node.value.clone(), node.times, below, above);
        match value.cmp(&node.value) {
            Ordering::Equal => (node.below.clone(), node.above.clone()),
            Ordering::Less => {
                let (smaller, larger) = node.below.split(value);
                (smaller, copy(larger, node.above.clone()))
            }
            Ordering::Greater => {
                let (smaller, larger) = node.above.split(value);
                (copy(node.below.clone(), smaller), larger)
            }
        }
    }

    /// Both together, where everything in the other is larger than everything in this one.
    fn join(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (None, _) => other.clone(),
            (_, None) => self.clone(),
            (Some(one), Some(two)) => {
                if (one.weight, &one.value) > (two.weight, &two.value) {
                    Self::node(one.value.clone(), one.times, one.below.clone(), one.above.join(other))
                } else {
                    Self::node(two.value.clone(), two.times, self.join(&two.below), two.above.clone())
                }
            }
        }
    }

    /// The different values, the smallest first, and how often each is in.
    pub fn iter(&self) -> impl Iterator<Item = (&Value, u32)> {
        let mut path: Vec<&Node> = Vec::new();
        let mut rest = self;
        std::iter::from_fn(move || {
            while let Some(node) = &rest.0 {
                path.push(node);
                rest = &node.below;
            }
            let node = path.pop()?;
            rest = &node.above;
            Some((&node.value, node.times))
        })
    }

    /// Whether just these values are in, each as often as it is listed, in any order.
    pub fn is_listed(&self, listed: &[Value]) -> bool {
        if self.len() != listed.len() {
            return false;
        }
        let mut listed: Vec<&Value> = listed.iter().collect();
        if !listed.is_sorted() {
            listed.sort_unstable();
        }
        let all = self.iter().flat_map(|(value, times)| std::iter::repeat_n(value, times as usize));
        all.eq(listed)
    }
}

impl PartialEq for Crowd {
    /// Equal contents have the same shape, and what two collections share needs no look.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(two)) => {
                Arc::ptr_eq(one, two)
                    || one.hash == two.hash
                        && one.size == two.size
                        && one.times == two.times
                        && one.value == two.value
                        && one.below == two.below
                        && one.above == two.above
            }
            _ => false,
        }
    }
}

impl Eq for Crowd {}

impl Hash for Crowd {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_of_all().hash(state);
    }
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Display for Crowd {
    /// `{1 2 2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.iter().flat_map(|(value, times)| std::iter::repeat_n(value, times as usize));
        write!(f, "{{{}}}", all.map(Value::to_string).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_holds_what_a_map_of_counts_holds_and_looks_the_same_by_any_way() {
        let mut number = 1u64;
        let mut roll = |sides: u64| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number >> 33) % sides
        };
        for _ in 0..200 {
            let (mut crowd, mut plain) = (Crowd::default(), BTreeMap::<Value, u32>::new());
            for _ in 0..roll(60) {
                let value = Value::Int(roll(15) as i64);
                if roll(2) == 0 {
                    crowd = crowd.with(&value);
                    *plain.entry(value).or_default() += 1;
                } else if let Some(less) = crowd.without(&value) {
                    crowd = less;
                    *plain.get_mut(&value).expect("it is in both") -= 1;
                    plain.retain(|_, times| *times > 0);
                } else {
                    assert!(!plain.contains_key(&value));
                }
            }
            assert!(crowd.iter().eq(plain.iter().map(|(value, times)| (value, *times))));
            assert_eq!(crowd.first(), plain.keys().next());
            assert_eq!(crowd.last(), plain.keys().next_back());
            assert_eq!(crowd.len(), plain.values().sum::<u32>() as usize);
            assert_eq!(crowd.is_empty(), plain.is_empty());
            let mut listed: Vec<Value> = Vec::new();
            for (value, times) in plain.iter().rev() {
                listed.extend(std::iter::repeat_n(value.clone(), *times as usize));
            }
            assert!(crowd.is_listed(&listed));
            let again = listed.iter().fold(Crowd::default(), |crowd, value| crowd.with(value));
            assert_eq!(crowd, again);
            assert_eq!(crowd.hash_of_all(), again.hash_of_all());
            assert_ne!(crowd, again.with(&Value::Int(99)));
        }
    }

    #[test]
    fn a_large_one_is_not_deep() {
        let crowd = (0..100_000).fold(Crowd::default(), |crowd, number| crowd.with(&Value::Int(number)));
        let (mut level, mut depth) = (vec![&crowd], 0);
        while !level.is_empty() {
            depth += 1;
            let nodes = level.iter().filter_map(|crowd| crowd.0.as_ref());
            level = nodes.flat_map(|node| [&node.below, &node.above]).collect();
        }
        assert!(depth < 80, "{depth} levels");
        assert_eq!(crowd.len(), 100_000);
    }
}
