//! Transactions over rows: insert, write, delete and read single rows, and read all rows that a condition selects.
//!
//! A row that is not there shows in a read by condition only by being missing from it. That is what phantoms are about.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// Transactions of row changes, row reads and reads by condition.
#[derive(Clone, Copy, Debug)]
pub struct Predicate;

/// Which rows a read by condition selects. A row that is not there is never selected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Every row.
    All,
    /// The rows with this value.
    Equals(Value),
    /// The rows whose value leaves the second number when it is divided by the first.
    Modulo(i64, i64),
    /// The rows whose value is neither below the first nor above the second.
    Between(Value, Value),
    /// The rows whose key is neither below the first nor above the second.
    Keys(Key, Key),
}

impl Condition {
    /// Whether it selects a row of this key and value.
    pub fn selects(&self, key: &Key, value: &Value) -> bool {
        match self {
            Self::All => true,
            Self::Equals(wanted) => wanted == value,
            Self::Modulo(by, rest) => match value {
                Value::Int(number) => *by > 0 && number.rem_euclid(*by) == *rest,
                _ => false,
            },
            Self::Between(least, most) => least <= value && value <= most,
            Self::Keys(least, most) => least <= key && key <= most,
        }
    }

    /// The condition as a person writes it.
    pub fn describe(&self) -> String {
        match self {
            Self::All => "true".into(),
            Self::Equals(value) => format!("= {value}"),
            Self::Modulo(by, rest) => format!("mod {by} = {rest}"),
            Self::Between(least, most) => format!("between {least} and {most}"),
            Self::Keys(least, most) => format!("key between {least} and {most}"),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Makes the rows that are there before all transactions. It is made once, and first.
    Init(Vec<(Key, Value)>),
    /// A transaction.
    #[serde(rename = "txn")]
    Transaction(Vec<Step>),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The rows are there.
    Done,
    /// The answers to the steps.
    #[serde(rename = "txn")]
    Transaction(Vec<Answer>),
}

/// One step of a transaction as it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Reads a row.
    #[serde(rename = "r")]
    Read(Key),
    /// Gives a row a value.
    #[serde(rename = "w")]
    Write(Key, Value),
    /// Makes a row.
    Insert(Key, Value),
    /// Takes a row away.
    Delete(Key),
    /// Reads the rows that a condition selects.
    #[serde(rename = "rp")]
    Select(Condition),
}

/// One step of a transaction as it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The value of a row, nil where there is no such row; `None` where the recorder did not know it.
    #[serde(rename = "r")]
    Read(Key, #[serde(with = "crate::value::known")] Option<Value>),
    /// The row has the value.
    #[serde(rename = "w")]
    Write(Key, Value),
    /// The row is there.
    Insert(Key, Value),
    /// The row is gone.
    Delete(Key),
    /// The selected rows; `None` where the recorder did not know them.
    #[serde(rename = "rp")]
    Select(Condition, Option<Vec<(Key, Value)>>),
}

impl Step {
    /// The row that this step touches, where it is one.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Read(key) | Self::Write(key, _) | Self::Insert(key, _) | Self::Delete(key) => Some(key),
            Self::Select(_) => None,
        }
    }

    /// Whether this answers the step.
    pub fn is_answered_by(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Read(asked), Answer::Read(key, _)) | (Self::Delete(asked), Answer::Delete(key)) => {
                asked == key
            }
            (Self::Write(asked, value), Answer::Write(key, written))
            | (Self::Insert(asked, value), Answer::Insert(key, written)) => asked == key && value == written,
            (Self::Select(asked), Answer::Select(condition, _)) => asked == condition,
            _ => false,
        }
    }
}

/// `{x 1, y 2}`.
fn rows(rows: &[(Key, Value)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(key, value)| format!("{key} {value}")).collect();
    format!("{{{}}}", rows.join(", "))
}

impl Vocabulary for Predicate {
    const NAME: &'static str = "predicate";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Init(_) => "init",
            Call::Transaction(_) => "txn",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        match call {
            Call::Init(rows) => rows.iter().map(|(key, _)| key.clone()).collect(),
            Call::Transaction(steps) => steps.iter().filter_map(|step| step.key().cloned()).collect(),
        }
    }

    fn is_read(call: &Call) -> bool {
        match call {
            Call::Init(_) => false,
            Call::Transaction(steps) => {
                steps.iter().all(|step| matches!(step, Step::Read(_) | Step::Select(_)))
            }
        }
    }

    fn describe_call(call: &Call) -> String {
        let step = |step: &Step| match step {
            Step::Read(key) => format!("r {key}"),
            Step::Write(key, value) => format!("w {key} {value}"),
            Step::Insert(key, value) => format!("insert {key} {value}"),
            Step::Delete(key) => format!("delete {key}"),
            Step::Select(condition) => format!("rp ({})", condition.describe()),
        };
        match call {
            Call::Init(made) => format!("init {}", rows(made)),
            Call::Transaction(steps) => steps.iter().map(step).collect::<Vec<_>>().join(", "),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        let answer = |answer: &Answer| match answer {
            Answer::Read(key, Some(value)) => format!("r {key} {value}"),
            Answer::Read(key, None) => format!("r {key} ?"),
            Answer::Write(key, value) => format!("w {key} {value}"),
            Answer::Insert(key, value) => format!("insert {key} {value}"),
            Answer::Delete(key) => format!("delete {key}"),
            Answer::Select(condition, Some(found)) => {
                format!("rp ({}) {}", condition.describe(), rows(found))
            }
            Answer::Select(condition, None) => format!("rp ({}) ?", condition.describe()),
        };
        match returned {
            Return::Done => "done".into(),
            Return::Transaction(answers) => answers.iter().map(answer).collect::<Vec<_>>().join(", "),
        }
    }
}
