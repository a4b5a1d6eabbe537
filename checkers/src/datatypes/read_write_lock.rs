//! A lock that many hold together, or one alone.

use history::{
    Value,
    vocabulary::{
        ReadWriteLock,
        lock::Owner,
        read_write_lock::{Call, Mode, Return},
    },
};

use crate::DataType;

/// Who holds a read-write lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadWriteLockState {
    alone: Option<Owner>,
    /// In their order, each as often as it took the lock.
    together: Vec<Owner>,
}

impl ReadWriteLockState {
    /// The state after a call that is granted; `None` where it cannot be.
    fn granted(&self, call: &Call) -> Option<Self> {
        match call {
            Call::Acquire(_, owner, Mode::Exclusive) => (self.alone.is_none() && self.together.is_empty())
                .then(|| Self { alone: Some(owner.clone()), together: Vec::new() }),
            Call::Acquire(_, owner, Mode::Shared) => self.alone.is_none().then(|| {
                let mut after = self.clone();
                let at = after.together.partition_point(|other| other < owner);
                after.together.insert(at, owner.clone());
                after
            }),
            Call::Release(_, owner, Mode::Exclusive) => {
                (self.alone.as_ref() == Some(owner)).then(|| Self { alone: None, together: Vec::new() })
            }
            Call::Release(_, owner, Mode::Shared) => self.together.binary_search(owner).ok().map(|at| {
                let mut after = self.clone();
                after.together.remove(at);
                after
            }),
        }
    }
}

impl DataType for ReadWriteLockState {
    type Vocabulary = ReadWriteLock;

    /// The lock is free at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self { alone: None, together: Vec::new() }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let after = self.granted(call);
        match returned {
            Some(Return::Refused) => next.extend(after.is_none().then(|| self.clone())),
            _ => next.extend(after),
        }
    }

    fn describe(&self) -> String {
        match &self.alone {
            Some(owner) => format!("held by {owner} alone"),
            None if self.together.is_empty() => "free".into(),
            None => format!("shared by {}", super::braces(&self.together)),
        }
    }
}
