//! Locks that one owner holds at a time: plain, re-entrant, and with fencing tokens.

use serde::{Deserialize, Serialize};

use super::{On, Vocabulary};
use crate::{Key, Value};

/// Who holds a lock: the name of a client, or the number of a process where clients have no names.
pub type Owner = Value;

/// What is asked of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Takes the lock.
    Acquire(Key, Owner),
    /// Gives the lock back.
    Release(Key, Owner),
}

/// What a lock answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The caller has the lock.
    Acquired,
    /// The caller has the lock under this fencing token.
    Fenced(u64),
    /// The caller has given it back.
    Released,
    /// The lock was somebody else's, or not the caller's to give back: an observation, not a failure.
    Refused,
}

impl Call {
    /// The one lock a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Acquire(key, _) | Self::Release(key, _) => key,
        }
    }

    /// Who calls.
    pub fn owner(&self) -> &Owner {
        match self {
            Self::Acquire(_, owner) | Self::Release(_, owner) => owner,
        }
    }
}

macro_rules! locks {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Vocabulary for $name {
            const NAME: &'static str = $text;
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
                format!("{}{} by {}", Self::kind(call), On(call.key()), call.owner())
            }

            fn describe_return(_: &Call, returned: &Return) -> String {
                match returned {
                    Return::Acquired => "acquired".into(),
                    Return::Fenced(token) => format!("acquired with the token {token}"),
                    Return::Released => "released".into(),
                    Return::Refused => "refused".into(),
                }
            }
        }
    )* };
}

locks! {
    /// A lock under a key. Only its owner may release it, and its owner may not take it again. A lock that anybody may
    /// release is a [`Semaphore`](super::Semaphore) with one permit.
    Mutex: "mutex";
    /// A lock under a key that its owner may take again; it is free when it was released as often.
    ReentrantMutex: "reentrant-mutex";
    /// A lock under a key whose every owner gets a token larger than all tokens before.
    FencedLock: "fenced-lock";
}
