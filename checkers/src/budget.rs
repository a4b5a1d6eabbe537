//! What a checker may spend, and what it says when it has spent it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

/// What ended a check before it had an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// `--step-limit`: the reproducible one.
    Steps(u64),
    /// `--memory-limit`, in bytes.
    Memory(u64),
    /// `--time-limit` or an interruption.
    Time,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "the step limit of {steps} was hit"),
            Self::Memory(bytes) if *bytes < 1 << 20 => write!(f, "the memory limit of {bytes} bytes was hit"),
            Self::Memory(bytes) => write!(f, "the memory limit of {} MiB was hit", bytes >> 20),
            Self::Time => f.write_str("the time limit was hit"),
        }
    }
}

/// What a checker may spend. Steps are counted per part of a history (a key), so that the answer does not depend
/// on the number of threads; memory is shared by all parts; expiry is a flag that the controller raises.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The most steps one part may take.
    pub steps_max: u64,
    /// The most bytes that all parts together may hold.
    pub memory_max: u64,
    memory_used: Arc<AtomicU64>,
    expired: Arc<AtomicBool>,
    release: Option<fn()>,
    measure: Option<fn() -> Option<u64>>,
}

/// So many bytes given back at once are worth asking the allocator what it can spare.
const MUCH: u64 = 8 << 20;

impl Default for Budget {
    fn default() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }
}

impl Budget {
    /// A budget of so many steps per part and so many bytes in all.
    pub fn new(steps_max: u64, memory_max: u64) -> Self {
        Self {
            steps_max,
            memory_max,
            memory_used: Arc::default(),
            expired: Arc::default(),
            release: None,
            measure: None,
        }
    }

    /// The same budget, where much memory that is given back goes back to the system too. Allocators keep what was freed, and the
    /// next key, which needs it in other sizes, would take fresh memory beside it, beyond what the limit promises.
    pub fn releasing(self, release: fn()) -> Self {
        Self { release: Some(release), ..self }
    }

    /// The same budget with no more than so many steps; memory and expiry are shared.
    pub fn at_most(&self, steps: u64) -> Self {
        Self { steps_max: self.steps_max.min(steps), ..self.clone() }
    }

    /// The same budget, which also asks how many bytes the whole program holds: checkers count what they hold, but what a state of
    /// somebody's own data type takes can only be estimated.
    pub fn measuring(self, measure: fn() -> Option<u64>) -> Self {
        Self { measure: Some(measure), ..self }
    }

    /// Whether the program holds more than this allows, and checkers a good part of that. Small checks go on however large the
    /// history is.
    pub fn is_short(&self) -> bool {
        self.memory_used.load(Ordering::Relaxed) > self.memory_max / 8
            && self.measure.and_then(|measure| measure()).is_some_and(|held| held > self.memory_max)
    }

    /// The flag that ends every check of this budget when it is raised.
    pub fn expiry(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.expired)
    }

    /// Whether the time is up.
    pub fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// Takes bytes; an error when they are not there. What was taken is to be given back.
    pub fn take_memory(&self, bytes: u64) -> Result<(), Limit> {
        let used = self.memory_used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used > self.memory_max {
            self.give_memory(bytes);
            return Err(Limit::Memory(self.memory_max));
        }
        Ok(())
    }

    /// Gives bytes back.
    pub fn give_memory(&self, bytes: u64) {
        self.memory_used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(release) = self.release.filter(|_| bytes >= MUCH) {
            release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static RELEASED: AtomicU64 = AtomicU64::new(0);

    #[test]
    fn a_program_that_holds_too_much_is_short_once_checkers_hold_a_part_of_it() {
        let budget = Budget::new(u64::MAX, 1_000).measuring(|| Some(1_001));
        assert!(!budget.is_short(), "a check that takes nothing goes on");
        budget.take_memory(200).unwrap();
        assert!(budget.is_short());
        let unmeasured = Budget::new(u64::MAX, 1_000);
        unmeasured.take_memory(900).unwrap();
        assert!(!unmeasured.is_short());
    }

    #[test]
    fn only_much_memory_is_asked_back_of_the_allocator() {
        let budget = Budget::default().releasing(|| {
            RELEASED.fetch_add(1, Ordering::Relaxed);
        });
        for (bytes, released) in [(MUCH - 1, 0), (MUCH, 1)] {
            budget.take_memory(bytes).unwrap();
            budget.give_memory(bytes);
            assert_eq!(RELEASED.load(Ordering::Relaxed), released);
        }
    }
}
