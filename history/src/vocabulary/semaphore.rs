//! A number of permits that callers take and give back.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// A semaphore under a key. It has as many permits as the header's initial value says, or one; anybody may give permits
/// back, but never more than are out.
#[derive(Clone, Copy, Debug)]
pub struct Semaphore;

/// What is asked of a semaphore.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Takes so many permits at once.
    Acquire(Key, u64),
    /// Gives so many permits back.
    Release(Key, u64),
}

/// What a semaphore answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The caller has the permits.
    Acquired,
    /// The permits are back.
    Released,
    /// There were not enough permits, or not so many were out: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one semaphore a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Acquire(key, _) | Self::Release(key, _) => key,
        }
    }
}

impl Vocabulary for Semaphore {
    const NAME: &'static str = "semaphore";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Acquire(..) => "acquire",
            Call::Release(..) => "release",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(_: &Call) -> bool {
        false
    }

    fn describe_call(call: &Call) -> String {
        let (Call::Acquire(key, permits) | Call::Release(key, permits)) = call;
        let of = if *key == Value::Nil { String::new() } else { format!(" of {key}") };
        format!("{} {permits}{of}", Self::kind(call))
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Acquired => "acquired".into(),
            Return::Released => "released".into(),
            Return::Refused => "refused".into(),
        }
    }
}
