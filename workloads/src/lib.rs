//! Workloads: generators of calls and the checkers that judge what came of them.
//!
//! This crate deliberately never sees a database: it speaks vocabularies.

pub mod catalogue;
pub mod generator;
pub mod pace;
pub mod register;
pub mod streams;
pub mod workload;

mod ledger;

pub use generator::{Context, Event, Generator, Step};
pub use register::RegisterWorkload;
pub use workload::{Checkers, Options, Setting, Workload};
