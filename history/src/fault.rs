//! The faults that happened during a history, as they are written down beside its operations.

use serde::{Deserialize, Serialize};

use crate::Nanos;

/// Which fault of the run: counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u32);

/// How far a fault got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultState {
    /// It was seen to be in force.
    Installed,
    /// It was not applied, and the reason is in the evidence.
    Skipped,
    /// It was attempted and nobody can say whether it took.
    Indeterminate,
}

/// One fault of a run: what, where, when, and what shows that it was real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// Which fault of the run.
    pub id: FaultId,
    /// Its family, the name in `--faults`: `partition`, `kill`, `pause`, `link`, `clock`.
    pub family: String,
    /// What it did, for a person: "cut n3 (leader) off from everybody".
    pub description: String,
    /// The nodes it struck.
    pub nodes: Vec<String>,
    /// When it was asked for.
    pub began: Nanos,
    /// When it had been undone; `None` if it still was in force at the end.
    pub ended: Option<Nanos>,
    /// How far it got.
    pub state: FaultState,
    /// What shows that it was in force: drop counters, process states, probes.
    pub evidence: String,
}
