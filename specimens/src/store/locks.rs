//! Locks. No lock ends by itself: that of an owner who is gone stays taken.

use history::vocabulary::{
    Mutex,
    lock::{Call, Owner, Return},
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The locks that are taken, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks(Table<Owner>);

impl Object<Mutex> for Locks {
    /// Every call of a lock may change it.
    fn read(&self, _: &Call) -> Option<Return> {
        None
    }

    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        let holder = self.0.get(call.key());
        Some(match call {
            Call::Acquire(key, owner) if holder.is_none() => {
                self.0.insert(key.clone(), owner.clone());
                Return::Acquired
            }
            Call::Release(key, owner) if holder == Some(owner) => {
                self.0.remove(key);
                Return::Released
            }
            Call::Acquire(..) | Call::Release(..) => Return::Refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time_who_alone_gives_it_back() {
        let mut locks = Locks::default();
        let acquire = |owner: i64| Call::Acquire(1.into(), owner.into());
        let release = |owner: i64| Call::Release(1.into(), owner.into());
        for (call, answer) in [
            (release(1), Return::Refused),
            (acquire(1), Return::Acquired),
            (acquire(1), Return::Refused),
            (acquire(2), Return::Refused),
            (release(2), Return::Refused),
            (release(1), Return::Released),
            (acquire(2), Return::Acquired),
        ] {
            assert_eq!(locks.change(&call, Circumstances::default()), Some(answer), "{call:?}");
        }
    }
}
