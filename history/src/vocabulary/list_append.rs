//! Transactions over lists: append a value to a key's list, read a whole list.

use serde::{Deserialize, Serialize};

mod list;
mod lists;

pub use list::List;
pub use lists::Lists;
pub(crate) use lists::Sequence;

use super::Vocabulary;
use crate::{Key, Value};

/// Transactions of appends and list reads.
#[derive(Clone, Copy, Debug)]
pub struct ListAppend;

/// One step of a transaction as it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Reads the list of a key.
    #[serde(rename = "r")]
    Read(Key),
    /// Appends a value to the list of a key.
    Append(Key, Value),
}

/// One step of a transaction as it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The list of a key; `None` where the recorder did not know it.
    #[serde(rename = "r")]
    Read(Key, Option<List>),
    /// The append took place.
    Append(Key, Value),
}

impl Step {
    /// The key this step touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Read(key) | Self::Append(key, _) => key,
        }
    }
}

/// `[1 2 3]`, cut short in the middle when it is long.
pub(crate) fn describe_list(values: &[Value]) -> String {
    const SHOWN_MAX: usize = 12;
    let texts = |part: &[Value]| part.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    if values.len() <= SHOWN_MAX {
        return format!("[{}]", texts(values));
    }
    let half = SHOWN_MAX / 2;
    format!(
        "[{} … {} more … {}]",
        texts(&values[..half]),
        values.len() - SHOWN_MAX,
        texts(&values[values.len() - half..])
    )
}

impl Vocabulary for ListAppend {
    const NAME: &'static str = "list-append";
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

    fn share_lists(returned: &mut Vec<Answer>, lists: &mut Lists) {
        for answer in returned {
            if let Answer::Read(key, Some(list)) = answer {
                *list = lists.share(key, list);
            }
        }
    }

    fn describe_call(call: &Vec<Step>) -> String {
        let steps = call.iter().map(|step| match step {
            Step::Read(key) => format!("r {key}"),
            Step::Append(key, value) => format!("append {key} {value}"),
        });
        steps.collect::<Vec<_>>().join(", ")
    }

    fn describe_return(_: &Vec<Step>, returned: &Vec<Answer>) -> String {
        let answers = returned.iter().map(|answer| match answer {
            Answer::Read(key, Some(list)) => format!("r {key} {}", describe_list(list)),
            Answer::Read(key, None) => format!("r {key} ?"),
            Answer::Append(key, value) => format!("append {key} {value}"),
        });
        answers.collect::<Vec<_>>().join(", ")
    }
}
