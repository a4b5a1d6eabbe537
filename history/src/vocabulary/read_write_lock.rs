//! A lock that many may hold together, or one alone.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary, lock::Owner};
use crate::Key;

/// A read-write lock under a key. An owner may hold it together with others several times, and gives it back as often;
/// nobody may hold it alone and together at once.
#[derive(Clone, Copy, Debug)]
pub struct ReadWriteLock;

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Together with others: a read lock.
    Shared,
    /// Alone: a write lock.
    Exclusive,
}

impl Mode {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// What is asked of a read-write lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Takes the lock.
    Acquire(Key, Owner, Mode),
    /// Gives back what was taken in this mode.
    Release(Key, Owner, Mode),
}

/// What a read-write lock answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The caller has the lock.
    Acquired,
    /// The caller has given it back.
    Released,
    /// It could not be had, or was not the caller's to give back: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one lock a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Acquire(key, ..) | Self::Release(key, ..) => key,
        }
    }
}

impl Vocabulary for ReadWriteLock {
    const NAME: &'static str = "read-write-lock";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Acquire(_, _, Mode::Shared) => "acquire-shared",
            Call::Acquire(_, _, Mode::Exclusive) => "acquire-exclusive",
            Call::Release(_, _, Mode::Shared) => "release-shared",
            Call::Release(_, _, Mode::Exclusive) => "release-exclusive",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(_: &Call) -> bool {
        false
    }

    fn describe_call(call: &Call) -> String {
        let (Call::Acquire(key, owner, mode) | Call::Release(key, owner, mode)) = call;
        let verb = if matches!(call, Call::Acquire(..)) { "acquire" } else { "release" };
        format!("{verb}{} {} by {owner}", On(key), mode.name())
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Acquired => "acquired".into(),
            Return::Released => "released".into(),
            Return::Refused => "refused".into(),
        }
    }
}
