//! What can be wrong with a single read, whatever the order of transactions.

use history::{History, OpIndex, RwRegister, Value};

use super::{Level, Problem};
use crate::Anomaly;

/// The ways in which a single read can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlawKind {
    /// It returned a value that nobody ever wrote.
    Garbage,
    /// It returned a value of a transaction that certainly failed.
    Aborted,
    /// It returned a value that its transaction went on to overwrite.
    Intermediate,
    /// It did not return what its own transaction had written before.
    Internal,
    /// It returned what its own transaction wrote only later.
    Future,
}

impl FlawKind {
    /// Its name in the glossary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage-read",
            Self::Aborted => "G1a",
            Self::Intermediate => "G1b",
            Self::Internal => "internal",
            Self::Future => "future-read",
        }
    }

    /// Whether it breaks a level.
    ///
    /// A value from nowhere breaks all of them. Read committed and what is stronger forbid the values of failed, unfinished
    /// and later writes. The guarantees about sessions by themselves speak only of who sees whose writes, except that a
    /// session which misses a write of its own, in the same transaction too, does not read its writes.
    pub fn breaks(self, level: Level) -> bool {
        use Level::*;
        let guarantee = matches!(level, MonotonicReads | MonotonicWrites | WritesFollowReads);
        match self {
            Self::Garbage => true,
            Self::Aborted | Self::Intermediate | Self::Future => {
                !guarantee && !matches!(level, ReadYourWrites | Pram)
            }
            Self::Internal => {
                !guarantee
                    && !matches!(
                        level,
                        ReadCommitted
                            | MonotonicAtomicView
                            | StrongSessionReadCommitted
                            | StrongSessionMonotonicAtomicView
                    )
            }
        }
    }
}

/// One read that is wrong by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// How it is wrong.
    pub kind: FlawKind,
    /// The operation that read.
    pub reader: OpIndex,
    /// The operation that wrote what was read, where it is another.
    pub writer: Option<OpIndex>,
    /// The key, as a place in [`Problem::keys`].
    pub key: u32,
    /// What was read.
    pub value: Value,
    /// What should have been read, where that is known.
    pub expected: Option<Value>,
}

impl Flaw {
    /// The flaw as an anomaly.
    pub fn anomaly(&self, problem: &Problem, history: &History<RwRegister>) -> Anomaly {
        let key = &problem.keys[self.key as usize];
        let teller = |index: OpIndex| {
            // A part of a history keeps the indexes of the whole.
            let place = history.operations.binary_search_by_key(&index, |operation| operation.index);
            let operation = &history.operations[place.expect("a flaw is of the history it was found in")];
            let when =
                if history.header.untimed { String::new() } else { format!(" at {}", operation.began) };
            format!("the transaction {index} of {}{when}", operation.process)
        };
        let read = format!("{} read {} in {key}", teller(self.reader), self.value);
        let writer = self.writer.map(teller).unwrap_or_default();
        let sentence = match self.kind {
            FlawKind::Garbage => format!("{read}, but nobody ever wrote that"),
            FlawKind::Aborted => format!("{read}, which {writer} had written and which had failed"),
            FlawKind::Intermediate => {
                format!("{read}, which {writer} wrote and overwrote itself before it committed")
            }
            FlawKind::Internal => match &self.expected {
                Some(expected) => format!("{read}, though it had itself written {expected} there before"),
                None => format!("{read}, though it had itself written another value there before"),
            },
            FlawKind::Future => format!("{read}, which it wrote itself only afterwards"),
        };
        let mut witness: Vec<OpIndex> = self.writer.into_iter().chain([self.reader]).collect();
        witness.sort_unstable();
        witness.dedup();
        Anomaly {
            kind: self.kind.name().into(),
            sentence: capitalized(sentence),
            key: Some(key.clone()),
            witness,
            ..Anomaly::default()
        }
    }
}

/// A sentence begins with a capital letter.
pub(super) fn capitalized(mut sentence: String) -> String {
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}
