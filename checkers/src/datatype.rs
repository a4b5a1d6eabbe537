//! Sequential objects: what the calls of a vocabulary mean when one happens after the other.

use std::{fmt, hash::Hash};

use history::{Value, Vocabulary};

/// A sequential object, and what one call does to it. The value of the type is the object's state.
///
/// Linearizability of any such type is judged by [`crate::linearizability::LinearizableType`].
pub trait DataType: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The calls it understands.
    type Vocabulary: Vocabulary;

    /// The state before the first call, from the initial value in the header of a history.
    fn initial(value: &Value) -> Self;

    /// Pushes every state in which the object may be after the call returned that. `None` stands for an unknown
    /// outcome: the call took effect, whatever it answered. Pushing nothing says that it cannot have happened here.
    fn step(
        &self,
        call: &<Self::Vocabulary as Vocabulary>::Call,
        returned: Option<&<Self::Vocabulary as Vocabulary>::Return>,
        next: &mut Vec<Self>,
    );

    /// The state as a person reads it.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}
