//! Workloads: generators of calls and the checkers that judge what came of them.
//!
//! This crate deliberately never sees a database: it speaks vocabularies. It makes no call, reads no clock and waits
//! for nothing; it says what to call and when, and whoever runs it does the rest.
//!
//! A workload of one's own is a generator of the main phase, one of the final reads, and the checkers:
//!
//! ```
//! use disprove_workloads::{Checkers, Combine, Generator, Options, Workload, call, calls, each_thread, streams};
//! use history::{Key, Value, vocabulary::{Register, register::Call}};
//!
//! /// Everybody writes to one key.
//! struct Contended;
//!
//! impl Workload for Contended {
//!     type Vocabulary = Register;
//!     fn name(&self) -> &str { "contended" }
//!     fn promise(&self) -> &str { "a write is seen by every read that begins after it" }
//!     fn generator(&self, options: &Options) -> Box<dyn Generator<Register>> {
//!         let mut value = 0;
//!         let writes = calls::<Register, _>(move |_| { value += 1; Call::Write(Key::from("x"), Value::Int(value)) });
//!         writes.stagger(100.0, streams::rng(options.seed, "contended", 0)).limit(1000).boxed()
//!     }
//!     fn final_generator(&self, _: &Options) -> Box<dyn Generator<Register>> {
//!         each_thread(|_| call::<Register>(Call::Read(Key::from("x")))).boxed()
//!     }
//!     fn checkers(&self, _: &Options) -> Checkers<Register> {
//!         vec![Box::new(checkers::linearizability::Linearizable::default())]
//!     }
//! }
//! ```
//!
//! Read next: [`generator`] for the rules between generators and whoever asks them, [`combine`] and the functions
//! below for putting them together, [`simulate`] for trying them without a cluster, [`register`] for a whole workload.

pub mod bank;
pub mod bound;
pub mod catalogue;
pub mod choice;
pub mod combine;
pub mod counter;
pub mod generator;
pub mod ids;
pub mod independent;
pub mod lease;
pub mod leaves;
pub mod lock;
pub mod log;
pub mod long_fork;
pub mod order;
pub mod pace;
pub mod predicate;
pub mod queue;
pub mod register;
pub mod set;
pub mod simulate;
pub mod streams;
pub mod threads;
pub mod transactional;
pub mod transactions;
pub mod transform;
pub mod workload;

mod by_thread;
mod groups;
mod holders;
mod ledger;
mod short_lived;

pub use bank::BankWorkload;
pub use choice::{any, flip_flop, mix, shortest_any, weighted};
pub use combine::Combine;
pub use counter::CounterWorkload;
pub use generator::{Context, Event, Generator, Step};
pub use ids::IdsWorkload;
pub use lease::LeaseWorkload;
pub use leaves::{Nothing, call, calls, each_of, log, repeat, sleep};
pub use lock::LockWorkload;
pub use log::LogWorkload;
pub use long_fork::LongForkWorkload;
pub use order::{cycle, in_order, phases};
pub use pace::cycle_times;
pub use predicate::PredicateWorkload;
pub use queue::QueueWorkload;
pub use register::RegisterWorkload;
pub use set::SetWorkload;
pub use threads::{each_process, each_thread, on_threads, reserve};
pub use transactional::{ListAppendWorkload, RwRegisterWorkload};
pub use workload::{Checkers, Options, Setting, Workload};
