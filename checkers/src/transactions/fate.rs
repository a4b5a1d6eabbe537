//! What became of each transaction, as far as the whole history tells.

use history::{Operation, Outcome, Vocabulary};

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It committed and answered.
    Committed,
    /// It certainly did not happen.
    Failed,
    /// Nobody knows whether it happened, and nothing shows that it did. Leaving it out contradicts no answer, so it
    /// is left out: what it may have written restricts nothing but itself.
    Unseen,
    /// It did not answer, but something that it wrote was read, so it committed in whole.
    Seen,
}

impl Fate {
    /// What the outcome alone tells.
    pub fn of<V: Vocabulary>(operation: &Operation<V>) -> Self {
        match operation.outcome {
            Outcome::Ok(_) => Self::Committed,
            Outcome::Fail(_) => Self::Failed,
            Outcome::Unknown(_) => Self::Unseen,
        }
    }

    /// Whether it certainly took effect.
    pub fn took_effect(self) -> bool {
        matches!(self, Self::Committed | Self::Seen)
    }
}
