//! Sets of slots: which of the operations under way something holds for, in a few machine words.

use std::{fmt::Debug, hash::Hash};

/// A set of slots of a size that is known when a search begins.
pub(crate) trait Window: Clone + Eq + Hash + Debug + Send {
    /// The empty set over so many words.
    fn empty(words: usize) -> Self;
    /// Its words.
    fn words(&self) -> &[u64];
    /// Its words, to be changed.
    fn words_mut(&mut self) -> &mut [u64];

    /// Whether the slot is in it.
    fn has(&self, slot: u32) -> bool {
        self.words()[slot as usize / 64] >> (slot % 64) & 1 == 1
    }
    /// Puts the slot in.
    fn add(&mut self, slot: u32) {
        self.words_mut()[slot as usize / 64] |= 1 << (slot % 64);
    }
    /// Takes the slot out.
    fn remove(&mut self, slot: u32) {
        self.words_mut()[slot as usize / 64] &= !(1 << (slot % 64));
    }
    /// Whether everything in the other is in it.
    fn holds(&self, other: &Self) -> bool {
        self.words().iter().zip(other.words()).all(|(mine, theirs)| theirs & !mine == 0)
    }
    /// Puts everything in that is in the other.
    fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.words_mut().iter_mut().zip(other.words()) {
            *mine |= *theirs;
        }
    }
    /// Puts everything in that is in the first and not in the second.
    fn join_without(&mut self, first: &Self, second: &Self) {
        for ((mine, more), less) in self.words_mut().iter_mut().zip(first.words()).zip(second.words()) {
            *mine |= *more & !*less;
        }
    }
    /// What is in both.
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (mine, theirs) in both.words_mut().iter_mut().zip(other.words()) {
            *mine &= *theirs;
        }
        both
    }
    /// What is in it and not in the other.
    fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, theirs) in rest.words_mut().iter_mut().zip(other.words()) {
            *mine &= !*theirs;
        }
        rest
    }
    /// The lowest slot that is not in it, if there is one.
    fn lowest_free(&self) -> Option<u32> {
        let (place, word) = (0u32..).zip(self.words()).find(|(_, word)| **word != u64::MAX)?;
        Some(place * 64 + word.trailing_ones())
    }
    /// Its slots, lowest first.
    fn slots(&self) -> impl Iterator<Item = u32> {
        self.words().iter().enumerate().flat_map(|(place, &word)| {
            std::iter::successors((word != 0).then_some(word), |left| {
                let rest = left & (left - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |left| place as u32 * 64 + left.trailing_zeros())
        })
    }
    /// Whether nothing is in it.
    fn is_empty(&self) -> bool {
        self.words().iter().all(|&word| word == 0)
    }
    /// How many slots are in it.
    fn count(&self) -> u32 {
        self.words().iter().map(|word| word.count_ones()).sum()
    }
}

impl<const WORDS: usize> Window for [u64; WORDS] {
    fn empty(words: usize) -> Self {
        debug_assert!(words <= WORDS, "the window is too small");
        [0; WORDS]
    }
    fn words(&self) -> &[u64] {
        self
    }
    fn words_mut(&mut self) -> &mut [u64] {
        self
    }
}

impl Window for Vec<u64> {
    fn empty(words: usize) -> Self {
        vec![0; words]
    }
    fn words(&self) -> &[u64] {
        self
    }
    fn words_mut(&mut self) -> &mut [u64] {
        self
    }
}
