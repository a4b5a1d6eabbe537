//! Transactions over registers: read a key, write a key.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// Transactions of register reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct RwRegister;

/// One step of a transaction as it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Reads a key.
    #[serde(rename = "r")]
    Read(Key),
    /// Writes a key.
    #[serde(rename = "w")]
    Write(Key, Value),
}

/// One step of a transaction as it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// The value of a key; `None` where the recorder did not know it.
    #[serde(rename = "r")]
    Read(Key, #[serde(with = "crate::value::known")] Option<Value>),
    /// The write took place.
    #[serde(rename = "w")]
    Write(Key, Value),
}

impl Step {
    /// The key this step touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Read(key) | Self::Write(key, _) => key,
        }
    }
}

impl Vocabulary for RwRegister {
    const NAME: &'static str = "rw-register";
    type Call = Vec<Step>;
    type Return = Vec<Answer>;

    fn kind(_: &Vec<Step>) -> &'static str {
        "txn"
    }

    fn keys(call: &Vec<Step>) -> Vec<Key> {
        call.iter().map(|step| step.key().clone()).collect()
    }

    fn is_read(call: &Vec<Step>) -> bool {
        call.iter().all(|step| matches!(step, Step::Read(_)))
    }

    fn describe_call(call: &Vec<Step>) -> String {
        let steps = call.iter().map(|step| match step {
            Step::Read(key) => format!("r {key}"),
            Step::Write(key, value) => format!("w {key} {value}"),
        });
        steps.collect::<Vec<_>>().join(", ")
    }

    fn describe_return(_: &Vec<Step>, returned: &Vec<Answer>) -> String {
        let answers = returned.iter().map(|answer| match answer {
            Answer::Read(key, Some(value)) => format!("r {key} {value}"),
            Answer::Read(key, None) => format!("r {key} ?"),
            Answer::Write(key, value) => format!("w {key} {value}"),
        });
        answers.collect::<Vec<_>>().join(", ")
    }
}
