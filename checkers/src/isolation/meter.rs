//! What the engines spend, told to the budget.

use crate::{Budget, Limit};

/// Counts the steps and bytes of one decision, and gives the bytes back at the end.
#[derive(Debug)]
pub(super) struct Meter<'a> {
    budget: &'a Budget,
    most: u64,
    steps: u64,
    unchecked: u64,
    taken: u64,
}

/// How many steps may pass before the clock is looked at.
const PATIENCE: u64 = 4096;

impl<'a> Meter<'a> {
    pub fn new(budget: &'a Budget) -> Self {
        Self { budget, most: budget.steps_max, steps: 0, unchecked: 0, taken: 0 }
    }

    /// Lets something be tried that may take no more than so many steps; nothing if it was not done by then.
    pub fn attempt<T>(
        &mut self,
        most: u64,
        act: impl FnOnce(&mut Meter<'a>) -> Result<T, Limit>,
    ) -> Result<Option<T>, Limit> {
        let left = self.most.saturating_sub(self.steps);
        let mut part = Meter { most: most.min(left), ..Meter::new(self.budget) };
        let result = act(&mut part);
        let steps = part.steps;
        drop(part);
        self.spend(steps)?;
        match result {
            Ok(done) => Ok(Some(done)),
            Err(Limit::Steps(_)) => Ok(None),
            Err(limit) => Err(limit),
        }
    }

    /// Counts so many steps.
    pub fn spend(&mut self, steps: u64) -> Result<(), Limit> {
        self.steps += steps;
        self.unchecked += steps;
        if self.steps > self.most {
            return Err(Limit::Steps(self.budget.steps_max));
        }
        if self.unchecked >= PATIENCE {
            self.unchecked = 0;
            if self.budget.is_expired() {
                return Err(Limit::Time);
            }
            if self.budget.is_short() {
                return Err(Limit::Memory(self.budget.memory_max));
            }
        }
        Ok(())
    }

    /// Takes bytes until the end of the decision.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Limit> {
        self.budget.take_memory(bytes as u64)?;
        self.taken += bytes as u64;
        Ok(())
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.budget.give_memory(self.taken);
    }
}
