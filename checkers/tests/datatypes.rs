//! Every data type against trying every order: on random small histories, on histories that were changed so that they
//! must be wrong, and on kept ones.
//!
//! `DATATYPE_HISTORIES=1000000 cargo test -p disprove-checkers --test datatypes --release` compares that many of each.

#[path = "datatypes/collections.rs"]
mod collections;
#[path = "datatypes/locks.rs"]
mod locks;
#[path = "datatypes/naive.rs"]
mod naive;
#[path = "datatypes/registers.rs"]
mod registers;
#[path = "datatypes/stores.rs"]
mod stores;
#[path = "datatypes/witnessed.rs"]
mod witnessed;

use naive::{accept_long, compare_many, reject_mutations};

macro_rules! compared {
    ($($test:ident: $naive:ty;)*) => { $(
        mod $test {
            use super::*;

            #[test]
            fn agree_with_trying_every_order() {
                compare_many::<$naive>(stringify!($test));
            }

            #[test]
            fn are_accepted_when_they_are_right() {
                accept_long::<$naive>(stringify!($test));
            }

            #[test]
            fn are_rejected_when_an_answer_is_changed() {
                reject_mutations::<$naive>(stringify!($test));
            }
        }
    )* };
}

compared! {
    plain_registers: registers::Registers;
    cas_registers: registers::CasRegisters;
    texts: stores::Texts;
    multi_registers: stores::ManyRegisters;
    key_value_stores: stores::Store;
    growing_stores: stores::Growing;
    counters: stores::Counting;
    logs: stores::Logging;
    ids: stores::Naming;
    sets: collections::Sets;
    bags: collections::Bags;
    queues: collections::Queues;
    stacks: collections::Stacks;
    priority_queues: collections::PriorityQueues;
    mutexes: locks::Mutexes;
    reentrant_mutexes: locks::ReentrantMutexes;
    fenced_locks: locks::FencedLocks;
    read_write_locks: locks::ReadWriteLocks;
    semaphores: locks::Semaphores;
    leases: locks::Leases;
}
