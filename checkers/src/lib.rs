//! Judges histories: `History -> Verdict`, pure and parallel.
//!
//! This crate deliberately writes no file, prints nothing and reads no clock: limits come in through a [`Budget`].

pub mod anomaly;
pub mod budget;
pub mod datatype;
pub mod evidence;
pub mod linearizability;
pub mod set;
pub mod verdict;

use history::{History, Vocabulary};

pub use anomaly::{GlossaryEntry, glossary};
pub use budget::{Budget, Limit};
pub use datatype::{DataType, RegisterState};
pub use evidence::Evidence;
pub use set::SetFull;
pub use verdict::{Anomaly, Placement, Validity, Verdict};

/// Judges a history by one promise.
pub trait Checker<V: Vocabulary>: Send + Sync {
    /// Its name in reports, also the name of the promise where it judges one: `linearizable`.
    fn name(&self) -> String;
    /// Judges the history within the budget. The same history and step limit give the same verdict and witness.
    fn check(&self, history: &History<V>, budget: &Budget) -> Verdict;
}
