//! How many keys each run has made, which its main generator knows and its final reads must learn.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The most runs a ledger remembers. A workload value serves one run at a time, or a few side by side.
const RUNS_MAX: usize = 16;

/// The number of keys a run has made so far. Keys are numbered, so the number names them all.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeysUsed(Arc<AtomicU64>);

impl KeysUsed {
    /// The number of the next key, which counts as used from now on.
    pub(crate) fn take(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of the last few runs, by run id.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    runs: Mutex<VecDeque<(String, KeysUsed)>>,
}

impl Ledger {
    /// Begins a run afresh.
    pub(crate) fn open(&self, run_id: &str) -> KeysUsed {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|(id, _)| id != run_id);
        if runs.len() == RUNS_MAX {
            runs.pop_front();
        }
        let used = KeysUsed::default();
        runs.push_back((run_id.to_owned(), used.clone()));
        used
    }

    /// The count of a run; nothing used if it never began.
    pub(crate) fn used(&self, run_id: &str) -> KeysUsed {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().find(|(id, _)| id == run_id).map(|(_, used)| used.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_begins_again_has_used_nothing() {
        let ledger = Ledger::default();
        let first = ledger.open("a");
        first.take();
        assert_eq!(first.take(), 1);
        assert_eq!(ledger.used("a").count(), 2);
        ledger.open("a");
        assert_eq!(ledger.used("a").count(), 0);
        assert_eq!(ledger.used("b").count(), 0);
    }

    #[test]
    fn the_oldest_run_is_forgotten() {
        let ledger = Ledger::default();
        for run in 0..=RUNS_MAX {
            ledger.open(&run.to_string()).take();
        }
        assert_eq!(ledger.used("0").count(), 0);
        assert_eq!(ledger.used("1").count(), 1);
        assert_eq!(ledger.used(&RUNS_MAX.to_string()).count(), 1);
    }
}
