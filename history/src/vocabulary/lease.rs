//! A lock that is given for a time, on the clock of the history.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary, lock::Owner};
use crate::Key;

/// A lease under a key. Its owner has it until the time it was given for is over, counted from the moment it was
/// given or renewed. From then on somebody else may take it; until somebody does, its owner may still renew or release
/// it, since no database ends every lease at the very moment.
#[derive(Clone, Copy, Debug)]
pub struct Lease;

/// What is asked of a lease. Durations are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Takes the lease for so long.
    Acquire(Key, Owner, u64),
    /// Keeps the lease, from now on for so long.
    Renew(Key, Owner, u64),
    /// Gives the lease back.
    Release(Key, Owner),
}

/// What a lease answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The caller has the lease.
    Acquired,
    /// The caller still has the lease.
    Renewed,
    /// The caller has given it back.
    Released,
    /// It was somebody else's, or not the caller's any more: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one lease a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Acquire(key, ..) | Self::Renew(key, ..) | Self::Release(key, _) => key,
        }
    }
}

fn seconds(nanos: u64) -> String {
    format!("{} s", nanos as f64 / 1e9)
}

impl Vocabulary for Lease {
    const NAME: &'static str = "lease";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Acquire(..) => "acquire",
            Call::Renew(..) => "renew",
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
        match call {
            Call::Acquire(key, owner, time) => {
                format!("acquire{} by {owner} for {}", On(key), seconds(*time))
            }
            Call::Renew(key, owner, time) => format!("renew{} by {owner} for {}", On(key), seconds(*time)),
            Call::Release(key, owner) => format!("release{} by {owner}", On(key)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Acquired => "acquired".into(),
            Return::Renewed => "renewed".into(),
            Return::Released => "released".into(),
            Return::Refused => "refused".into(),
        }
    }
}
