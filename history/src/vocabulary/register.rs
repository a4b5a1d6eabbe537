//! A register per key: read, write, compare-and-set.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
use crate::{Key, Value};

/// A keyed register with compare-and-set.
#[derive(Clone, Copy, Debug)]
pub struct Register;

/// What is asked of a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Reads the value of a key.
    Read(Key),
    /// Sets the value of a key.
    Write(Key, Value),
    /// Sets the value of a key to the second value if it is the first.
    Cas(Key, Value, Value),
}

/// What a register answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The value read; `None` where the recorder did not know it.
    Value(#[serde(with = "crate::value::known")] Option<Value>),
    /// The write was acknowledged.
    Written,
    /// The compare-and-set took place.
    Swapped,
    /// The compare-and-set was refused because the value differed: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one key a register call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Read(key) | Self::Write(key, _) | Self::Cas(key, _, _) => key,
        }
    }
}

impl Vocabulary for Register {
    const NAME: &'static str = "register";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Read(_) => "read",
            Call::Write(..) => "write",
            Call::Cas(..) => "cas",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read(_))
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Read(key) => format!("read{}", On(key)),
            Call::Write(key, value) => format!("write{} {value}", On(key)),
            Call::Cas(key, from, to) => format!("cas{} {from} -> {to}", On(key)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Value(Some(value)) => value.to_string(),
            Return::Value(None) => "?".into(),
            Return::Written => "written".into(),
            Return::Swapped => "swapped".into(),
            Return::Refused => "refused".into(),
        }
    }
}
