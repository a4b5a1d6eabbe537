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

/// Why one transaction must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It installed a version that the other replaced.
    Ww,
    /// The other read what it wrote.
    Wr,
    /// It read a version that the other replaced.
    Rw,
    /// It read a set of keys by a predicate, and the other changed what that predicate selects.
    PredicateRw,
    /// The same session made both, one after the other.
    Process,
    /// It had ended before the other began.
    Realtime,
}

impl Relation {
    /// Its short name, as graphs and proofs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ww => "ww",
            Self::Wr => "wr",
            Self::Rw => "rw",
            Self::PredicateRw => "rw (predicate)",
            Self::Process => "process",
            Self::Realtime => "real-time",
        }
    }
}

/// One step of a cycle: why this transaction comes before that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The earlier.
    pub from: OpIndex,
    /// The later.
    pub to: OpIndex,
    /// What orders them.
    pub relation: Relation,
    /// The key it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The reason, as it follows "because", with operations by index: `#12 appended 3 to x and #15 read [1 2 3]`.
    pub because: String,
}

impl Link {
    /// A link whose reason names its two ends as `{from}` and `{to}`.
    pub fn new(from: OpIndex, to: OpIndex, relation: Relation, key: Option<Key>, reason: &str) -> Self {
        let because = reason.replace("{from}", &from.to_string()).replace("{to}", &to.to_string());
        Self { from, to, relation, key, because }
    }
}

/// Whose promises are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Those about transactions: the lattice.
    #[default]
    Transactions,
    /// Those about single calls on registers.
    Registers,
    /// Those of some other data type.
    Other,
}

/// Which promises a history refutes and which still stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose promises these are.
    #[serde(default)]
    pub family: Family,
    /// The weakest promises that the history breaks.
    pub refuted: Vec<String>,
    /// The stronger ones that fall with them.
    pub also_refuted: Vec<String>,
    /// The strongest promises that were judged and not refuted.
    pub strongest_standing: Vec<String>,
    /// Those that were judged without an answer, be it that a limit was hit or that the history says too little.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
}

/// A proven contradiction between a history and a promise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The cycle, where the contradiction is one: each entry begins where the one before ended, the last ends where
    /// the first began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycle: Vec<Link>,
    /// How many operations are caught in contradictions of this kind, where that is known and more than the witness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub involved: Option<u64>,
}

/// The judgement of one checker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Where the promises of the lattice stand, for the checkers that judge several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// For a valid verdict of an ordering promise: an order of all operations that took effect, in which every answer
    /// is right. It is as long as the history, so it is kept out of stored verdicts.
    #[serde(skip)]
    pub certificate: Option<Vec<OpIndex>>,
}
