//! A sequence that grows and shrinks at its end, and shares everything before it with the sequences it came from. A
//! history of a million appends has a million states, and only this keeps them small.

use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use history::Value;
use rustc_hash::FxBuildHasher;

/// A sequence of values.
#[derive(Clone, Default)]
pub(super) struct Chain(Option<Arc<Link>>);

struct Link {
    value: Value,
    before: Chain,
    length: u64,
    /// Of all values up to this one, so that different sequences are told apart without a walk.
    hash: u64,
}

impl Chain {
    pub fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, |link| link.length)
    }

    /// The last value.
    pub fn last(&self) -> Option<&Value> {
        self.0.as_ref().map(|link| &link.value)
    }

    /// The sequence before the last value.
    pub fn before(&self) -> Self {
        self.0.as_ref().map_or_else(Self::default, |link| link.before.clone())
    }

    /// The sequence with one more value.
    pub fn with(&self, value: Value) -> Self {
        let hash = FxBuildHasher.hash_one((self.hash_of_all(), &value));
        Self(Some(Arc::new(Link { value, before: self.clone(), length: self.len() + 1, hash })))
    }

    fn hash_of_all(&self) -> u64 {
        self.0.as_ref().map_or(0, |link| link.hash)
    }

    /// The values, the last first.
    pub fn backwards(&self) -> impl Iterator<Item = &Value> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let link = rest.0.as_ref()?;
            rest = &link.before;
            Some(&link.value)
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() || self.hash_of_all() != other.hash_of_all() {
            return false;
        }
        let (mut one, mut two) = (self, other);
        while !one.is_same(two) {
            let (Some(left), Some(right)) = (&one.0, &two.0) else { return false };
            if left.value != right.value {
                return false;
            }
            (one, two) = (&left.before, &right.before);
        }
        true
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_of_all().hash(state);
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values: Vec<&Value> = self.backwards().collect();
        values.reverse();
        f.debug_list().entries(values).finish()
    }
}

impl Drop for Chain {
    /// Takes the links apart one after the other, since dropping them within each other would go as deep as the
    /// sequence is long.
    fn drop(&mut self) {
        let mut rest = self.0.take();
        while let Some(link) = rest {
            match Arc::try_unwrap(link) {
                Ok(mut link) => rest = link.before.0.take(),
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(numbers: &[i64]) -> Chain {
        numbers.iter().fold(Chain::default(), |chain, number| chain.with(Value::Int(*number)))
    }

    #[test]
    fn chains_are_equal_when_their_values_are() {
        assert_eq!(chain(&[1, 2, 3]), chain(&[1, 2, 3]));
        assert_eq!(chain(&[1, 2, 3]).before(), chain(&[1, 2]));
        assert_ne!(chain(&[1, 2, 3]), chain(&[1, 3, 2]));
        assert_ne!(chain(&[1, 2]), chain(&[1, 2, 3]));
        assert_eq!(chain(&[]).before(), chain(&[]));
        assert_eq!(format!("{:?}", chain(&[1, 2])), "[Int(1), Int(2)]");
        assert_eq!(chain(&[1, 2]).last(), Some(&Value::Int(2)));
    }

    #[test]
    fn a_chain_of_a_million_values_is_dropped_without_recursion() {
        let numbers: Vec<i64> = (0..1_000_000).collect();
        let long = chain(&numbers);
        let other = long.before().with(Value::Int(-1));
        assert_ne!(long, other);
        assert_eq!(long.len(), 1_000_000);
        drop(long);
        assert_eq!(other.len(), 1_000_000);
    }
}
