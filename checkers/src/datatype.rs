//! Sequential objects: what the calls of a vocabulary mean when one happens after the other.

use std::{fmt, hash::Hash};

use history::{Value, Vocabulary};

/// What a call does to what another observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Influence {
    /// It leaves it alone.
    Nothing,
    /// It leaves it alone or adds to what is there, as an append does.
    Adds,
    /// It makes it the same from every state in which it can happen, as a write does.
    Sets,
    /// It may do anything to it.
    Any,
}

type CallOf<D> = <<D as DataType>::Vocabulary as Vocabulary>::Call;
type ReturnOf<D> = <<D as DataType>::Vocabulary as Vocabulary>::Return;

/// What a data type knows about the answers that are still to come. With it a search turns back as soon as the state
/// has become one from which a later answer cannot come about.
///
/// Both functions may be careful: [`Influence::Any`] and `true` are always right. They must look at nothing but what
/// the observing call sees: states in which it answers the same must be alike to `reaches` for this call.
#[derive(Debug)]
pub struct Growth<D: DataType> {
    /// What the first call does to what the second observes, whatever the first answers and wherever it happens. The
    /// second is always one that [`Vocabulary::is_read`] says changes nothing.
    pub influence: fn(&CallOf<D>, &CallOf<D>) -> Influence,
    /// Whether calls that only add, or none at all, can lead from this state to one in which the call answers that.
    pub reaches: fn(&D, &CallOf<D>, &ReturnOf<D>) -> bool,
}

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

    /// What it knows about answers that are still to come, where that is worth looking at.
    fn growth() -> Option<Growth<Self>> {
        None
    }

    /// The state as a person reads it.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}
