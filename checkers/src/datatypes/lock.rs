//! Locks that one owner holds at a time: plain, re-entrant, and with fencing tokens.

use history::{
    Value,
    vocabulary::{
        FencedLock, Mutex, ReentrantMutex,
        lock::{Call, Owner, Return},
    },
};

use crate::DataType;

fn describe_owner(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "free".into(), |owner| format!("held by {owner}"))
}

/// A lock that only its owner may release and that its owner cannot take again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MutexState(Option<Owner>);

impl DataType for MutexState {
    type Vocabulary = Mutex;

    /// The lock is free at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(None)
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let (may, after) = match call {
            Call::Acquire(_, owner) => (self.0.is_none(), Some(owner)),
            Call::Release(_, owner) => (self.0.as_ref() == Some(owner), None),
        };
        match returned {
            Some(Return::Refused) => next.extend((!may).then(|| self.clone())),
            _ => next.extend(may.then(|| Self(after.cloned()))),
        }
    }

    fn describe(&self) -> String {
        describe_owner(self.0.as_ref())
    }
}

/// A lock that its owner may take again; it is free when it was released as often.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReentrantMutexState(Option<(Owner, u32)>);

impl DataType for ReentrantMutexState {
    type Vocabulary = ReentrantMutex;

    /// The lock is free at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(None)
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let own =
            |owner: &Owner| self.0.as_ref().filter(|(holder, _)| holder == owner).map(|(_, times)| *times);
        let after = match call {
            Call::Acquire(_, owner) => match (&self.0, own(owner)) {
                (None, _) => Some(Self(Some((owner.clone(), 1)))),
                (_, Some(times)) => Some(Self(Some((owner.clone(), times + 1)))),
                _ => None,
            },
            Call::Release(_, owner) => match own(owner) {
                Some(1) => Some(Self(None)),
                Some(times) => Some(Self(Some((owner.clone(), times - 1)))),
                None => None,
            },
        };
        match returned {
            Some(Return::Refused) => next.extend(after.is_none().then(|| self.clone())),
            _ => next.extend(after),
        }
    }

    fn describe(&self) -> String {
        match &self.0 {
            Some((owner, 2..)) => {
                let times = self.0.as_ref().map_or(0, |(_, times)| *times);
                format!("held by {owner}, {times} times")
            }
            other => describe_owner(other.as_ref().map(|(owner, _)| owner)),
        }
    }
}

/// A lock whose every owner gets a token larger than all tokens before. Whoever got the lock without being told the
/// token got one that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FencedLockState {
    owner: Option<Owner>,
    /// The largest token that is known.
    token: Option<u64>,
}

impl DataType for FencedLockState {
    type Vocabulary = FencedLock;

    /// The lock is free at first; an initial number is the token before the first.
    fn initial(value: &Value) -> Self {
        let token = if let Value::Int(token) = value { u64::try_from(*token).ok() } else { None };
        Self { owner: None, token }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match (call, returned) {
            (Call::Acquire(..), Some(Return::Refused)) => {
                next.extend(self.owner.is_some().then(|| self.clone()));
            }
            (Call::Acquire(_, owner), returned) => {
                let token = match returned {
                    Some(Return::Fenced(token)) => Some(*token),
                    _ => None,
                };
                if self.owner.is_none() && (token.is_none() || self.token < token) {
                    next.push(Self { owner: Some(owner.clone()), token: token.or(self.token) });
                }
            }
            (Call::Release(_, owner), returned) => {
                let own = self.owner.as_ref() == Some(owner);
                match returned {
                    Some(Return::Refused) => next.extend((!own).then(|| self.clone())),
                    _ => next.extend(own.then_some(Self { owner: None, token: self.token })),
                }
            }
        }
    }

    fn describe(&self) -> String {
        let owner = describe_owner(self.owner.as_ref());
        self.token.map_or_else(|| owner.clone(), |token| format!("{owner}, last token {token}"))
    }
}
