//! Which verifier tells whether a witness proves something of each data type.

use disprove_checkers::{
    datatypes::{
        BagState, CounterState, FencedLockState, KeyValueState, LeaseState, LogState, MultiRegisterState,
        MutexState, PriorityQueueState, QueueState, ReadWriteLockState, ReentrantMutexState, RegisterState,
        SemaphoreState, StackState, timed,
    },
    proof::{Said, verify_collection_witness, verify_object_witness, verify_same_id, verify_set_witness},
};
use history::{
    History, OpIndex, Vocabulary,
    vocabulary::{
        Bag, Counter, FencedLock, Ids, KeyValue, Lease, Log, MultiRegister, Mutex, PriorityQueue, Queue,
        ReadWriteLock, ReentrantMutex, Register, Semaphore, Set, Stack,
    },
};

/// A vocabulary of which witnesses are verified.
pub trait Witnessed: Vocabulary + Sized {
    fn verify(history: &History<Self>, witness: &[OpIndex]) -> Said;
}

macro_rules! witnessed {
    ($($vocabulary:ident: $verify:expr;)*) => { $(
        impl Witnessed for $vocabulary {
            fn verify(history: &History<Self>, witness: &[OpIndex]) -> Said {
                $verify(history, witness)
            }
        }
    )* };
}

witnessed! {
    Register: verify_object_witness::<RegisterState>;
    MultiRegister: verify_object_witness::<MultiRegisterState>;
    KeyValue: verify_object_witness::<KeyValueState>;
    Counter: verify_object_witness::<CounterState>;
    Log: verify_object_witness::<LogState>;
    Ids: verify_same_id;
    Set: verify_set_witness;
    Bag: verify_collection_witness::<BagState>;
    Queue: verify_collection_witness::<QueueState>;
    Stack: verify_collection_witness::<StackState>;
    PriorityQueue: verify_collection_witness::<PriorityQueueState>;
    Mutex: verify_object_witness::<MutexState>;
    ReentrantMutex: verify_object_witness::<ReentrantMutexState>;
    FencedLock: verify_object_witness::<FencedLockState>;
    ReadWriteLock: verify_object_witness::<ReadWriteLockState>;
    Semaphore: verify_object_witness::<SemaphoreState>;
    Lease: |history: &History<Lease>, witness: &[OpIndex]| {
        verify_object_witness::<LeaseState>(&timed(history), witness)
    };
}
