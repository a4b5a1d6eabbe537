//! The state after the whole log, committed or not: what a leader hopes for that two of the diseases take for the truth.

use super::Raft;
use crate::{
    message::Index,
    store::{Store, contents::Answer},
};

/// A copy of the state that is ahead of it.
pub(super) struct Ahead {
    store: Store,
    index: Index,
}

impl Raft {
    /// The state after the whole log, and what the last entry of it returns where it was not looked at before.
    pub(super) fn look_ahead(&mut self) -> (&Store, Option<Answer>) {
        let mut ahead = match self.ahead.take() {
            Some(ahead) if ahead.index >= self.log.base_index() => ahead,
            _ => Ahead { store: self.store.clone(), index: self.applied },
        };
        let mut answer = None;
        while let Some(entry) = self.log.entry(ahead.index + 1) {
            answer = ahead.store.apply(&entry.payload, self.now.steady_ms);
            ahead.index += 1;
        }
        (&self.ahead.insert(ahead).store, answer)
    }

    /// An entry and all after it are not in the log any more.
    pub(super) fn forget_ahead(&mut self, index: Index) {
        self.ahead.take_if(|ahead| ahead.index >= index);
    }
}
