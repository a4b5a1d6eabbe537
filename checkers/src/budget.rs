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
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }
}

impl Budget {
    /// A budget of so many steps per part and so many bytes in all.
    pub fn new(steps_max: u64, memory_max: u64) -> Self {
        Self { steps_max, memory_max, memory_used: Arc::default(), expired: Arc::default() }
    }

    /// The same budget with no more than so many steps; memory and expiry are shared.
    pub fn at_most(&self, steps: u64) -> Self {
        Self { steps_max: self.steps_max.min(steps), ..self.clone() }
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
    }
}
