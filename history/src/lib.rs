//! What happened: operations, the vocabularies they are spoken in, and the histories they make up.
//!
//! This crate deliberately does no network, no async and reads no clock; times are handed in.
//!
//! Read next: [`operation`], then [`vocabulary`], then [`History`].

pub mod export;
pub mod fault;
pub mod file;
pub mod header;
pub mod import;
pub mod operation;
pub mod value;
pub mod vocabulary;

mod history;

pub use fault::{FaultId, FaultRecord, FaultState};
pub use file::{
    Clock, HistoryWriter, ReadError, Recorder, Ticket, WriteError, WriteSummary, WriterOptions, WriterStatus,
    read, read_header,
};
pub use header::{Header, SCHEMA_VERSION};
pub use history::{Counts, Damage, History};
pub use operation::{Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason};
pub use value::{Key, Value};
pub use vocabulary::{ListAppend, Register, RwRegister, Set, Vocabulary};
