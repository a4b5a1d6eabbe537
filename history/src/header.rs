//! The first line of a history: what it is a history of.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Value;

/// The version of the file format that this crate writes. It reads this one and every older one.
pub const SCHEMA_VERSION: u32 = 1;

/// What a history is a history of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the file format.
    pub disprove: u32,
    /// The vocabulary of its calls.
    pub vocabulary: String,
    /// The promise it is to be judged by, if the run named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The value of everything before the first call.
    #[serde(default)]
    pub initial: Value,
    /// The seed of the run.
    #[serde(default)]
    pub seed: u64,
    /// The names of the nodes; `NodeId` is a place in this list.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// True when no times were recorded: every operation then began at 0 and ended at `u64::MAX`, so that all are
    /// concurrent, and the operations of one process are in their order by index. Nothing that a promise says about real
    /// time can be judged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub untimed: bool,
    /// True when only the order of events was recorded: their times are then ranks, a millisecond apart, and say before and
    /// after, but no length of time means anything.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ranked: bool,
    /// The times at which the database itself says its transactions began and committed, parallel to the operations;
    /// `None` for an operation of which it says nothing. Only some foreign formats carry them.
    #[serde(skip)]
    pub given_times: Option<Arc<[Option<GivenTimes>]>>,
}

/// When a transaction began and committed by the database's own clock, which orders its commits. It is no clock of the
/// clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GivenTimes {
    /// The time of its snapshot.
    pub start: u64,
    /// The time of its commit.
    pub commit: u64,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Header {
    /// A header of the current version with nothing but a vocabulary.
    pub fn new(vocabulary: &str) -> Self {
        Self {
            disprove: SCHEMA_VERSION,
            vocabulary: vocabulary.into(),
            model: None,
            initial: Value::Nil,
            seed: 0,
            nodes: Vec::new(),
            untimed: false,
            ranked: false,
            given_times: None,
        }
    }
}
