//! A generator of ids, none of which may come twice.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// A generator of unique ids.
#[derive(Clone, Copy, Debug)]
pub struct Ids;

/// What is asked of a generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Asks for a new id.
    Generate,
}

/// What a generator answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The new id.
    Id(Value),
}

impl Vocabulary for Ids {
    const NAME: &'static str = "ids";
    type Call = Call;
    type Return = Return;

    fn kind(_: &Call) -> &'static str {
        "generate"
    }

    /// No key: every id must differ from every other.
    fn keys(_: &Call) -> Vec<Key> {
        Vec::new()
    }

    fn is_read(_: &Call) -> bool {
        false
    }

    fn describe_call(_: &Call) -> String {
        "generate".into()
    }

    fn describe_return(_: &Call, Return::Id(id): &Return) -> String {
        id.to_string()
    }
}
