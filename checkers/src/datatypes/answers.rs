//! Which answers belong to which calls.

use history::{
    Vocabulary,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, Log, MultiRegister, Mutex, PriorityQueue,
        Queue, ReadWriteLock, ReentrantMutex, Register, Semaphore, Set, Stack, bag, bank, counter, ids,
        key_value, lease, lock, log, queue, read_write_lock, register,
        rw_register::{Answer, Step},
        semaphore, set,
    },
};

/// A vocabulary that can tell whether an answer may be one to a call at all. A writer of histories can be wrong about
/// that, and what it wrote then must neither prove nor excuse anything.
pub trait Answered: Vocabulary {
    /// Whether a call can have this answer.
    fn belongs(call: &Self::Call, returned: &Self::Return) -> bool;
}

impl Answered for Register {
    fn belongs(call: &register::Call, returned: &register::Return) -> bool {
        use register::{Call, Return};
        match call {
            Call::Read(_) => matches!(returned, Return::Value(_)),
            Call::Write(..) => matches!(returned, Return::Written),
            Call::Cas(..) => matches!(returned, Return::Swapped | Return::Refused),
        }
    }
}

impl Answered for MultiRegister {
    fn belongs(call: &Vec<Step>, returned: &Vec<Answer>) -> bool {
        call.len() == returned.len()
            && call.iter().zip(returned).all(|pair| match pair {
                (Step::Read(asked), Answer::Read(key, _)) => asked == key,
                (Step::Write(asked, value), Answer::Write(key, written)) => asked == key && value == written,
                _ => false,
            })
    }
}

impl Answered for KeyValue {
    fn belongs(call: &key_value::Call, returned: &key_value::Return) -> bool {
        use key_value::{Call, Return};
        match call {
            Call::Get(_) => matches!(returned, Return::Value(_)),
            Call::Put(..) | Call::Append(..) | Call::MultiPut(_) => matches!(returned, Return::Done),
            Call::Delete(_) => matches!(returned, Return::Done | Return::Deleted(_)),
            Call::Cas(..) => matches!(returned, Return::Swapped | Return::Refused),
            Call::Range(..) | Call::MultiGet(_) => matches!(returned, Return::Entries(_)),
        }
    }
}

impl Answered for Counter {
    fn belongs(call: &counter::Call, returned: &counter::Return) -> bool {
        match call {
            counter::Call::Add(..) => true,
            counter::Call::Read(_) => matches!(returned, counter::Return::Value(_)),
        }
    }
}

impl Answered for Set {
    fn belongs(call: &set::Call, returned: &set::Return) -> bool {
        use set::{Call, Return};
        match call {
            Call::Add(..) => matches!(returned, Return::Added | Return::Changed(_)),
            Call::Remove(..) => matches!(returned, Return::Removed | Return::Changed(_)),
            Call::Contains(..) => matches!(returned, Return::Contains(_)),
            Call::Read(_) => matches!(returned, Return::Elements(_)),
        }
    }
}

impl Answered for Bag {
    fn belongs(call: &bag::Call, returned: &bag::Return) -> bool {
        match call {
            bag::Call::Add(..) => matches!(returned, bag::Return::Added),
            bag::Call::Take(_) => matches!(returned, bag::Return::Taken(_) | bag::Return::Empty),
            bag::Call::Read(_) => matches!(returned, bag::Return::Elements(_)),
        }
    }
}

impl Answered for Bank {
    fn belongs(call: &bank::Call, returned: &bank::Return) -> bool {
        match call {
            bank::Call::Read => matches!(returned, bank::Return::Balances(_)),
            bank::Call::Transfer(..) => matches!(returned, bank::Return::Transferred),
        }
    }
}

impl Answered for Log {
    fn belongs(call: &log::Call, returned: &log::Return) -> bool {
        match call {
            log::Call::Append(..) => matches!(returned, log::Return::Appended(_)),
            log::Call::Read(..) | log::Call::Poll(..) => matches!(returned, log::Return::Entries(_)),
        }
    }
}

macro_rules! queues {
    ($($name:ident),*) => { $(
        impl Answered for $name {
            fn belongs(call: &queue::Call, returned: &queue::Return) -> bool {
                match call {
                    queue::Call::Enqueue(..) => matches!(returned, queue::Return::Enqueued),
                    queue::Call::Dequeue(_) => !matches!(returned, queue::Return::Enqueued),
                }
            }
        }
    )* };
}

queues!(Queue, Stack, PriorityQueue);

macro_rules! locks {
    ($($name:ident),*) => { $(
        impl Answered for $name {
            fn belongs(call: &lock::Call, returned: &lock::Return) -> bool {
                match call {
                    lock::Call::Acquire(..) => !matches!(returned, lock::Return::Released),
                    lock::Call::Release(..) => {
                        matches!(returned, lock::Return::Released | lock::Return::Refused)
                    }
                }
            }
        }
    )* };
}

locks!(Mutex, ReentrantMutex, FencedLock);

impl Answered for ReadWriteLock {
    fn belongs(call: &read_write_lock::Call, returned: &read_write_lock::Return) -> bool {
        use read_write_lock::{Call, Return};
        match call {
            Call::Acquire(..) => !matches!(returned, Return::Released),
            Call::Release(..) => !matches!(returned, Return::Acquired),
        }
    }
}

impl Answered for Semaphore {
    fn belongs(call: &semaphore::Call, returned: &semaphore::Return) -> bool {
        use semaphore::{Call, Return};
        match call {
            Call::Acquire(..) => !matches!(returned, Return::Released),
            Call::Release(..) => !matches!(returned, Return::Acquired),
        }
    }
}

impl Answered for Lease {
    fn belongs(call: &lease::Call, returned: &lease::Return) -> bool {
        use lease::{Call, Return};
        matches!(
            (call, returned),
            (Call::Acquire(..), Return::Acquired)
                | (Call::Renew(..), Return::Renewed)
                | (Call::Release(..), Return::Released)
                | (_, Return::Refused)
        )
    }
}

impl Answered for super::TimedLease {
    fn belongs(timed: &super::TimedCall, returned: &lease::Return) -> bool {
        Lease::belongs(&timed.call, returned)
    }
}

impl Answered for Ids {
    fn belongs(_: &ids::Call, _: &ids::Return) -> bool {
        true
    }
}
