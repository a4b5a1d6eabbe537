//! What an engine answers about one part of a history, and what it may spend on that.

use crate::{Budget, Limit};

/// The answer about one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// This order explains everything; unknown operations that are not in it never happened.
    Valid(Vec<u32>),
    /// No order explains everything up to the return of this rank among the mandatory returns. One explains
    /// everything before it, unless the budget ended before that was known.
    Invalid {
        /// The rank of the return that cannot be passed.
        reached: u32,
    },
    /// A limit was hit.
    Unknown {
        /// Which.
        limit: Limit,
        /// How many returns could be passed before it was.
        reached: u32,
    },
}

/// Counts the steps and bytes of one part, and gives the bytes back at the end.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    steps: u64,
    most: u64,
    taken: u64,
    held: u64,
}

/// Memory is taken from the budget in pieces of this size, so that threads seldom meet there.
const PIECE: u64 = 1 << 18;

/// What a hash table takes whose entries have so many bytes. While a table grows, the old one is there beside one of twice its
/// size, and that is counted a little before it comes.
pub(crate) fn table_bytes(entries: usize, capacity: usize, entry: usize) -> u64 {
    let grows = entries + entries / 16 >= capacity;
    let places = capacity as u64 * 8 / 7;
    places * (entry as u64 + 1) * if grows { 3 } else { 1 }
}

impl<'a> Meter<'a> {
    /// A meter for one part.
    pub fn new(budget: &'a Budget) -> Self {
        Self { budget, steps: 0, most: budget.steps_max, taken: 0, held: 0 }
    }

    /// A meter that allows no more than so many steps.
    pub fn at_most(budget: &'a Budget, steps: u64) -> Self {
        Self { most: steps.min(budget.steps_max), ..Self::new(budget) }
    }

    /// Allows no more than so many steps in all.
    pub fn allow(&mut self, steps: u64) {
        self.most = self.most.min(steps);
    }

    /// Counts one step that keeps so many bytes until the end.
    pub fn step(&mut self, bytes: u64) -> Result<(), Limit> {
        self.steps += 1;
        self.held += bytes;
        if self.steps > self.most {
            return Err(Limit::Steps(self.budget.steps_max));
        }
        if self.steps & 0xff == 0 && self.budget.is_expired() {
            return Err(Limit::Time);
        }
        if self.steps & 0xfff == 0 && self.budget.is_short() {
            return Err(Limit::Memory(self.budget.memory_max));
        }
        while self.held > self.taken {
            self.budget.take_memory(PIECE)?;
            self.taken += PIECE;
        }
        Ok(())
    }

    /// Counts one step of a search that holds so many bytes now.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Limit> {
        self.held = bytes;
        self.step(0)
    }

    /// The steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.budget.give_memory(self.taken);
    }
}
