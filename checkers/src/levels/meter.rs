//! Counts what one part of a check spends of its budget.

use crate::{Budget, Limit};

/// Counts steps and bytes, and gives the bytes back at the end.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    steps: u64,
    most: u64,
    looked: u64,
    taken: u64,
}

/// How many steps pass between two looks at the clock's flag.
const LOOK: u64 = 1 << 12;

/// Memory is taken from the budget in pieces of this size.
const PIECE: u64 = 1 << 18;

impl<'a> Meter<'a> {
    /// A meter for one part.
    pub fn new(budget: &'a Budget) -> Self {
        Self::at_most(budget, u64::MAX)
    }

    /// A meter that allows no more than so many steps, whatever the budget allows.
    pub fn at_most(budget: &'a Budget, steps: u64) -> Self {
        Self { budget, steps: 0, most: steps.min(budget.steps_max), looked: 0, taken: 0 }
    }

    /// Counts so many steps.
    pub fn spend(&mut self, steps: u64) -> Result<(), Limit> {
        self.steps += steps;
        if self.steps > self.most {
            return Err(Limit::Steps(self.most));
        }
        if self.steps - self.looked >= LOOK {
            self.looked = self.steps;
            if self.budget.is_expired() {
                return Err(Limit::Time);
            }
            if self.budget.is_short() {
                return Err(Limit::Memory(self.budget.memory_max));
            }
        }
        Ok(())
    }

    /// Makes sure that so many bytes in all are taken from the budget.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Limit> {
        while bytes > self.taken {
            let piece = PIECE.max((bytes - self.taken).min(PIECE << 8));
            self.budget.take_memory(piece)?;
            self.taken += piece;
        }
        Ok(())
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.budget.give_memory(self.taken);
    }
}
