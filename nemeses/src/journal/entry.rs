//! The lines of a journal.

use history::{FaultId, FaultState, Nanos};
use serde::{Deserialize, Serialize};

use crate::PlannedFault;

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: whose faults these are.
    Header {
        /// The version of the format.
        schema: u32,
        /// The seed of the plan.
        seed: u64,
        /// The names of the nodes, by their ids.
        nodes: Vec<String>,
    },
    /// A fault is about to be done.
    Begin {
        /// Which.
        id: FaultId,
        /// When, by the clock of the run.
        began: Nanos,
        /// What exactly: the targets by name, and the time since the start of the calls.
        planned: PlannedFault,
        /// The word of the plan that the targets were chosen by.
        picked: String,
        /// What it does, for a person.
        description: String,
        /// What a probe saw before it.
        before: String,
    },
    /// A fault was tried.
    Installed {
        /// Which.
        id: FaultId,
        /// How far it got.
        state: FaultState,
        /// What shows that.
        evidence: String,
    },
    /// A fault was not done.
    Skipped {
        /// Which.
        id: FaultId,
        /// When it was to be.
        began: Nanos,
        /// What the plan said.
        planned: PlannedFault,
        /// Why it was not done.
        reason: String,
    },
    /// A fault could not be undone, and may still be in force.
    Stuck {
        /// Which.
        id: FaultId,
        /// What was tried last, and what came of it.
        reason: String,
    },
    /// A fault is undone.
    End {
        /// Which.
        id: FaultId,
        /// When it had been undone, by the clock of the run; `None` when it was healed afterwards.
        ended: Option<Nanos>,
        /// How far it had got.
        state: FaultState,
        /// What shows that.
        evidence: String,
    },
}
