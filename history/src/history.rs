//! A whole history, immutable once read.

use serde::{Deserialize, Serialize};

use crate::{FaultRecord, Header, Operation, Vocabulary};

/// Where and how a history's file was damaged, and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The line (from 1) at which reading stopped.
    pub line: u64,
    /// The byte of the uncompressed text at which that line begins.
    pub byte: u64,
    /// What was wrong there, and what was done about it, in one sentence.
    pub what: String,
}

/// All operations of a run, in the order they began, and the faults that happened during it.
#[derive(Debug)]
pub struct History<V: Vocabulary> {
    /// What it is a history of.
    pub header: Header,
    /// Its operations; `operations[i].index == OpIndex(i)`.
    pub operations: Vec<Operation<V>>,
    /// Its faults, in the order they began.
    pub faults: Vec<FaultRecord>,
    /// What was lost of it, if its file was damaged.
    pub damage: Option<Damage>,
}
