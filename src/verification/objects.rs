//! Sequential objects, and what is promised of sets, queues, logs and banks besides.

use checkers::{
    datatypes::{
        BagState, BankState, CounterState, FencedLockState, IdsState, LeaseState, LogState,
        MultiRegisterState, MutexState, PriorityQueueState, QueueState, ReadWriteLockState,
        ReentrantMutexState, SemaphoreState, SetState, StackState, timed,
    },
    linearizability::verify_object_order,
    proof::{
        Said, verify_balance, verify_collection_witness, verify_delivery, verify_element, verify_entry,
        verify_object_witness, verify_same_id, verify_set_witness,
    },
};
use history::{
    History, OpIndex,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, Lease, Log, MultiRegister, Mutex, PriorityQueue, Queue,
        ReadWriteLock, ReentrantMutex, Semaphore, Set, Stack,
    },
};

use super::{Claim, NOT_BY_ORDER, Verified};

macro_rules! objects {
    ($($vocabulary:ident $state:ident $verifier:expr,)*) => {
        $(impl Verified for $vocabulary {
            fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
                match model {
                    "linearizable" => verify_object_order::<$state>(history, order).into(),
                    _ => NOT_BY_ORDER,
                }
            }

            fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
                let (kind, operations) = (claim.witness.kind.as_str(), claim.witness.operations.as_slice());
                match claim.model {
                    "linearizable" => $verifier(history, operations),
                    model => Self::beside(history, model, kind, operations),
                }
            }
        })*
    };
}

objects! {
    MultiRegister MultiRegisterState verify_object_witness::<MultiRegisterState>,
    Counter CounterState verify_object_witness::<CounterState>,
    Bag BagState verify_collection_witness::<BagState>,
    Queue QueueState verify_collection_witness::<QueueState>,
    Stack StackState verify_collection_witness::<StackState>,
    PriorityQueue PriorityQueueState verify_collection_witness::<PriorityQueueState>,
    Set SetState verify_set_witness,
    Log LogState verify_object_witness::<LogState>,
    Mutex MutexState verify_object_witness::<MutexState>,
    ReentrantMutex ReentrantMutexState verify_object_witness::<ReentrantMutexState>,
    FencedLock FencedLockState verify_object_witness::<FencedLockState>,
    ReadWriteLock ReadWriteLockState verify_object_witness::<ReadWriteLockState>,
    Semaphore SemaphoreState verify_object_witness::<SemaphoreState>,
    Ids IdsState verify_same_id,
    Bank BankState verify_object_witness::<BankState>,
}

/// What is promised besides linearizability.
trait Beside: Sized + history::Vocabulary {
    fn beside(_: &History<Self>, _: &str, _: &str, _: &[OpIndex]) -> Said {
        Said::Silent("no verifier knows this promise")
    }
}

macro_rules! nothing_beside {
    ($($vocabulary:ident)*) => { $(impl Beside for $vocabulary {})* };
}

nothing_beside! {
    MultiRegister Counter Bag Stack PriorityQueue Mutex ReentrantMutex FencedLock ReadWriteLock Semaphore Ids
}

impl Beside for Set {
    fn beside(history: &History<Self>, _: &str, kind: &str, witness: &[OpIndex]) -> Said {
        verify_element(history, kind, witness)
    }
}

impl Beside for Queue {
    fn beside(history: &History<Self>, model: &str, kind: &str, witness: &[OpIndex]) -> Said {
        verify_delivery(history, model, kind, witness)
    }
}

impl Beside for Log {
    fn beside(history: &History<Self>, _: &str, kind: &str, witness: &[OpIndex]) -> Said {
        verify_entry(history, kind, witness)
    }
}

impl Beside for Bank {
    fn beside(history: &History<Self>, models: &str, kind: &str, witness: &[OpIndex]) -> Said {
        verify_balance(history, models, kind, witness)
    }
}

impl Verified for Lease {
    fn order(history: &History<Self>, _: &str, order: &[OpIndex]) -> Said {
        verify_object_order::<LeaseState>(&timed(history), order).into()
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        verify_object_witness::<LeaseState>(&timed(history), &claim.witness.operations)
    }
}
