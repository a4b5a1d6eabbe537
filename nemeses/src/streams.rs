//! Named streams of random numbers from one seed.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The stream of a name. Streams of different names or seeds are independent.
pub(crate) fn stream(seed: u64, name: &str, place: u64) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&place.to_le_bytes());
    for (slot, byte) in key[16..].iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    ChaCha8Rng::from_seed(key)
}

/// A deck of cards: every card comes once before any comes again, so that a short run meets all of them.
#[derive(Debug)]
pub(crate) struct Deck<T> {
    cards: Vec<T>,
    left: Vec<T>,
}

impl<T: Clone> Deck<T> {
    /// A deck of these cards, of which none has been drawn.
    pub(crate) fn new(cards: Vec<T>) -> Self {
        Self { cards, left: Vec::new() }
    }

    /// The next card; `None` only if the deck has no cards.
    pub(crate) fn draw(&mut self, random: &mut ChaCha8Rng) -> Option<T> {
        if self.left.is_empty() {
            self.left.clone_from(&self.cards);
            self.left.shuffle(random);
        }
        self.left.pop()
    }
}
