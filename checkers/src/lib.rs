//! Judges histories: `History -> Verdict`, pure and parallel.
//!
//! This crate deliberately writes no file, prints nothing and reads no clock: limits come in through a [`Budget`].
//!
//! ```
//! use disprove_checkers::{Budget, Checker, Validity, linearizability::Linearizable};
//! use history::{History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value};
//! use history::vocabulary::{Register, register::{Call, Return}};
//!
//! let operation = |index, process, call, answer, began, ended| Operation::<Register> {
//!     index: OpIndex(index),
//!     process: Process(process),
//!     node: NodeId(0),
//!     call,
//!     outcome: Outcome::Ok(answer),
//!     began: Nanos(began),
//!     ended: Some(Nanos(ended)),
//! };
//! let x = Value::from("x");
//! let history = History {
//!     header: history::Header::new("register"),
//!     operations: vec![
//!         operation(0, 0, Call::Write(x.clone(), Value::Int(3)), Return::Written, 0, 10),
//!         operation(1, 0, Call::Write(x.clone(), Value::Int(7)), Return::Written, 20, 30),
//!         operation(2, 1, Call::Read(x), Return::Value(Some(Value::Int(3))), 40, 50),
//!     ],
//!     faults: Vec::new(),
//!     damage: None,
//! };
//! let verdict = Linearizable::default().check(&history, &Budget::default());
//! assert_eq!(verdict.validity, Validity::Invalid);
//! assert_eq!(verdict.anomalies[0].kind, "stale-read");
//! ```

pub mod anomaly;
pub mod budget;
pub mod collections;
pub mod datatype;
pub mod datatypes;
pub mod deliveries;
pub mod evidence;
pub mod isolation;
mod key_by_key;
pub mod lattice;
pub mod levels;
pub mod linearizability;
mod numbering;
pub mod ordered_log;
mod parallel;
pub mod proof;
pub mod sequential;
pub mod serial;
pub mod set;
pub mod streaming;
mod subject;
pub mod transactions;
pub mod verdict;
mod weaker;

use history::{History, Vocabulary};

pub use anomaly::{GlossaryEntry, glossary};
pub use budget::{Budget, Limit};
pub use datatype::{DataType, Growth, Influence};
pub use datatypes::RegisterState;
pub use deliveries::{Deliveries, Delivery};
pub use evidence::Evidence;
pub use lattice::{Model, Models};
pub use ordered_log::OrderedLog;
pub use sequential::Sequential;
pub use set::SetFull;
pub use streaming::Streaming;
pub use transactions::{OnlineLists, OnlineRegisters, Transactions, VersionOrder};
pub use verdict::{Anomaly, Family, Link, Placement, Relation, Standing, Validity, Verdict};
pub use weaker::{Ladder, Rung};

/// Judges a history by one promise.
pub trait Checker<V: Vocabulary>: Send + Sync {
    /// Its name in reports, also the name of the promise where it judges one: `linearizable`.
    fn name(&self) -> String;
    /// Judges the history within the budget. The same history and step limit give the same verdict and witness.
    fn check(&self, history: &History<V>, budget: &Budget) -> Verdict;
    /// The weaker promises about the same calls, where there are some: which of them stand is asked where this one is broken.
    fn weaker(&self) -> Option<Ladder<V>> {
        None
    }
}
