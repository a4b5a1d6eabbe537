//! A history with its vocabulary erased: the one place of this crate's findings where a vocabulary is known. Whatever
//! gathers and draws is so compiled once, and not once for each vocabulary.

use std::any::Any;

use history::{
    Damage, FaultRecord, Header, History, Key, Nanos, NodeId, OpIndex, Operation, Outcome, Process,
    Vocabulary,
};

use super::OutcomeKind;

/// One operation, without its words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage<'a> {
    pub index: OpIndex,
    pub process: Process,
    pub node: NodeId,
    pub kind: &'static str,
    pub is_read: bool,
    pub outcome: OutcomeKind,
    /// Why it did not succeed.
    pub reason: Option<&'a str>,
    pub began: Nanos,
    pub ended: Option<Nanos>,
    /// By when it must have taken effect, where that is known.
    pub deadline: Option<Nanos>,
}

impl<'a> Passage<'a> {
    pub fn of<V: Vocabulary>(operation: &'a Operation<V>) -> Self {
        let (outcome, reason) = match &operation.outcome {
            Outcome::Ok(_) => (OutcomeKind::Ok, None),
            Outcome::Fail(reason) => (OutcomeKind::Fail, Some(&*reason.0)),
            Outcome::Unknown(reason) => (OutcomeKind::Unknown, Some(&*reason.0)),
        };
        Passage {
            index: operation.index,
            process: operation.process,
            node: operation.node,
            kind: V::kind(&operation.call),
            is_read: V::is_read(&operation.call),
            outcome,
            reason,
            began: operation.began,
            ended: operation.ended,
            deadline: operation.deadline(),
        }
    }
}

/// A history as everything here sees it.
pub(super) trait Recorded {
    fn header(&self) -> &Header;
    fn faults(&self) -> &[FaultRecord];
    fn damage(&self) -> Option<&Damage>;
    /// How many operations there are.
    fn len(&self) -> usize;
    /// The operation at a place.
    fn at(&self, place: usize) -> Passage<'_>;
    /// The keys it touches.
    fn keys(&self, place: usize) -> Vec<Key>;
    /// What was asked.
    fn call(&self, place: usize) -> String;
    /// What was answered, or why not.
    fn answer(&self, place: usize) -> String;
    /// The history itself, for what is drawn of one vocabulary only.
    fn whole(&self) -> &dyn Any;

    /// All operations, in the order they began.
    fn passages(&self) -> Box<dyn Iterator<Item = Passage<'_>> + '_> {
        Box::new((0..self.len()).map(|place| self.at(place)))
    }
}

impl<V: Vocabulary> Recorded for History<V> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn faults(&self) -> &[FaultRecord] {
        &self.faults
    }

    fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    fn len(&self) -> usize {
        self.operations.len()
    }

    fn at(&self, place: usize) -> Passage<'_> {
        Passage::of(&self.operations[place])
    }

    fn keys(&self, place: usize) -> Vec<Key> {
        V::keys(&self.operations[place].call)
    }

    fn call(&self, place: usize) -> String {
        V::describe_call(&self.operations[place].call)
    }

    fn answer(&self, place: usize) -> String {
        let operation = &self.operations[place];
        match &operation.outcome {
            Outcome::Ok(returned) => V::describe_return(&operation.call, returned),
            Outcome::Fail(reason) | Outcome::Unknown(reason) => reason.to_string(),
        }
    }

    fn whole(&self) -> &dyn Any {
        self
    }
}
