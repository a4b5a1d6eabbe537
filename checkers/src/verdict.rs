//! What a checker says: valid, invalid with anomalies, or unknown with the limit that was hit.

use history::{Key, OpIndex};
use serde::{Deserialize, Serialize};

use crate::Limit;

/// Ordered so that the worst of several is their maximum: invalid outranks unknown, which outranks valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// No anomaly found in this history, under this model.
    #[default]
    Valid,
    /// Not decided, or too little evidence.
    Unknown,
    /// At least one anomaly.
    Invalid,
}

/// One operation in an explanation: where it stands in an order, or why it cannot stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The operation.
    pub operation: OpIndex,
    /// The state after it (where it could be placed), for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why it cannot be placed here, where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// A proven contradiction between a history and a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its name in the glossary: `stale-read`, `lost-write`, `nonlinearizable`, `G-single`, ...
    pub kind: String,
    /// One plain sentence that tells a person what is wrong, with values, processes and times.
    pub sentence: String,
    /// The key it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The few operations that prove it, in the order they began.
    pub witness: Vec<OpIndex>,
    /// The longest order that was possible, and the operation that does not fit (its last entries).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<Placement>,
}

/// The judgement of one checker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The checker.
    pub checker: String,
    /// The promise that was judged.
    pub model: String,
    /// The judgement.
    pub validity: Validity,
    /// What was proven wrong, worst first.
    pub anomalies: Vec<Anomaly>,
    /// The limits that were hit.
    pub limits: Vec<Limit>,
    /// What a reader must know besides: how far an undecided check got, what was not unique, what was not checked.
    pub notes: Vec<String>,
    /// How many operations were judged.
    pub operations: u64,
}
