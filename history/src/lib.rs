//! What happened: operations, the vocabularies they are spoken in, and the histories they make up.
//!
//! This crate deliberately does no network, no async and reads no clock; times are handed in.
//!
//! It judges nothing either: what a history proves is for the checkers.
//!
//! ```
//! use std::{sync::Arc, time::{Duration, Instant}};
//! use disprove_history::{
//!     Header, HistoryWriter, Nanos, NodeId, Outcome, Process, Vocabulary, WriterOptions, read,
//!     vocabulary::{Register, register::{Call, Return}},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("history.jsonl.zst");
//! let start = Instant::now();
//! let clock = Arc::new(move || Nanos(start.elapsed().as_nanos() as u64));
//! let writer = HistoryWriter::<Register>::create(&path, &Header::new(Register::NAME), WriterOptions::default(), clock)?;
//! let mut recorder = writer.recorder(); // one per worker
//! let ticket = recorder.invoke(Process(0), NodeId(0), &Call::Write("x".into(), 3.into()));
//! // ... the call is sent here, and answered ...
//! recorder.complete(ticket, &Outcome::Ok(Return::Written));
//! writer.finish()?;
//!
//! let history = read::<Register>(&path)?;
//! assert_eq!(Register::describe_call(&history.operations[0].call), "write x 3");
//! # Ok(())
//! # }
//! ```
//!
//! Read next: [`operation`], then [`vocabulary`], then [`History`], then [`file`] and [`import`].

pub mod export;
pub mod fault;
pub mod file;
pub mod header;
pub mod import;
pub mod operation;
pub mod stream;
pub mod value;
pub mod vocabulary;

mod history;

pub use fault::{FaultId, FaultRecord, FaultState};
pub use file::{
    Clock, HistoryWriter, Outline, ReadError, Recorder, Ticket, WriteError, WriteSummary, WriterOptions,
    WriterStatus, outline, read, read_header,
};
pub use header::{GivenTimes, Header, SCHEMA_VERSION};
pub use history::{Counts, Damage, History};
pub use operation::{Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason};
pub use value::{Key, Value};
pub use vocabulary::{
    Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister, Mutex,
    Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister, Semaphore, Set,
    Stack, Vocabulary,
};
