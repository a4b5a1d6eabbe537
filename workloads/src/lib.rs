//! Workloads: generators of calls and the checkers that judge what came of them.
//!
//! This crate deliberately never sees a database: it speaks vocabularies.

pub mod generator;
pub mod workload;

pub use generator::{Context, Event, Generator, Step};
pub use workload::{Checkers, Options, Workload};
