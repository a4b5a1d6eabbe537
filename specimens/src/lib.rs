//! Small distributed systems of our own, correct or with one known disease.
//!
//! Specimens show whether the tester tells the healthy from the sick. Each node is a pure state machine
//! ([`Machine`]): messages, time, storage and randomness come in, and what is to be written, sent and answered goes
//! out, so the same code runs as a real process over TCP and in a simulation. This crate deliberately judges
//! nothing and knows no workload.
//!
//! ```
//! use disprove_specimens::{Disease, SpecimenDatabase};
//!
//! let disease: Disease = "stale-reads-lease".parse()?;
//! let database = SpecimenDatabase::new(disease);
//! assert_eq!(database.disease().needs(), ["clock"]);
//! # Ok::<(), disprove_specimens::UnknownDisease>(())
//! ```
//!
//! Read next: [`machine`], then [`raft`], then [`runtime`].

pub mod backup;
pub mod client;
pub mod database;
pub mod desk;
pub mod disease;
pub mod machine;
pub mod members;
pub mod message;
pub mod raft;
pub mod runtime;
pub mod store;
pub mod wire;

pub use database::SpecimenDatabase;
pub use disease::{Disease, UnknownDisease};
pub use machine::{Input, Machine, Moment, Outputs, Settings, Timing};
