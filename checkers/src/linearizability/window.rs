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
