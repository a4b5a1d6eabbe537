//! Workloads: generators of calls and the checkers that judge what came of them.
//!
//! This crate deliberately never sees a database: it speaks vocabularies.

pub mod bound;
pub mod catalogue;
pub mod choice;
pub mod combine;
pub mod generator;
pub mod independent;
pub mod leaves;
pub mod order;
pub mod pace;
pub mod register;
pub mod set;
pub mod simulate;
pub mod streams;
pub mod threads;
pub mod transactions;
pub mod transform;
pub mod workload;

mod by_thread;
mod ledger;

pub use choice::{any, flip_flop, mix, shortest_any, weighted};
pub use combine::Combine;
pub use generator::{Context, Event, Generator, Step};
pub use leaves::{Nothing, call, calls, each_of, log, repeat, sleep};
pub use order::{cycle, in_order, phases};
pub use pace::cycle_times;
pub use register::RegisterWorkload;
pub use threads::{each_process, each_thread, on_threads, reserve};
pub use workload::{Checkers, Options, Setting, Workload};
