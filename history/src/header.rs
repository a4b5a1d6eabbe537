//! The first line of a history: what it is a history of.

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
        }
    }
}
