//! Disprove is a black-box consistency tester: it takes what a database promises, starts a cluster, drives it with
//! concurrent clients, breaks it, and proves from the recorded history alone that the promise was broken, or says
//! honestly that it could not.
//!
//! This crate is the controller: the command line, the runner, the store, and the facade that users depend on. It is
//! the only room that prints, exits and reads the environment. It deliberately knows no database, no fault and no
//! checker itself: those are rooms of their own, re-exported below.
//!
//! A test of your own is one file:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! # use disprove::specimens::{Disease, SpecimenDatabase};
//! # use disprove::workloads::RegisterWorkload;
//! # struct MyStore;
//! # impl MyStore { fn new() -> SpecimenDatabase { SpecimenDatabase::new(Disease::None) } }
//! fn main() -> ExitCode {
//!     disprove::cli().database(MyStore::new()).workload(RegisterWorkload::default()).main()
//! }
//! ```
//!
//! Read next: [`cli()`], then [`run::execute`], then the crate `history`.

pub mod arguments;
pub mod certificate;
pub mod ci;
pub mod command;
pub mod endpoints;
pub mod exit;
pub mod expectation;
pub mod inventory;
pub mod judge;
pub mod memory;
pub mod models;
pub mod output;
#[cfg(feature = "program")]
pub mod own_system;
pub mod registry;
pub mod requirement;
pub mod run;
pub mod settings;
pub mod span;
pub mod store;
pub mod streaming;
pub mod verification;

mod cli;

pub use cli::{Cli, cli};

pub use {checkers, cluster, databases, history, nemeses, reports, specimens, workloads};
