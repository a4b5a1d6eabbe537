//! Histories that others recorded: Jepsen's EDN and JSON, and the logs that Porcupine keeps of Jepsen's etcd runs.
//!
//! Everything is streamed: only the operations stay in memory, not the text they came from. A file may be compressed
//! with zstd.
//!
//! What these formats say, and how it is read:
//!
//! - **The order of the lines decides**, not `:time`: an operation begins and ends at the rank of its lines, counted
//!   from 0, as [`Nanos`](crate::Nanos). `:time` is not read.
//! - `:fail` is [`Fail`](crate::Outcome::Fail), also of a `:cas`. In Porcupine's logs a failed `:cas` was a refusal, which
//!   is an observation: `Ok(Refused)`. A failed read there is `Unknown`.
//! - `:info` and a missing completion are `Unknown`.
//! - A `nil` that was read is nil where the initial value is nil, and "not known" where `initial` says otherwise.
//! - A value `[k v]` is a value under a key (`jepsen.independent`), when the first value that can tell has that form.
//!   All others must then have it. Histories without keys have the key nil.
//! - Keywords keep their colon (`:x`); what is richer than a number or text becomes its canonical text.
//! - Operations without `:process` are each a process of their own, so no session order is claimed for them.
//! - A completion without an invocation may have begun at any time since its process's last completion.
//! - `:nemesis` operations become faults as far as their names tell, with the state `Indeterminate`.
//! - Keys other than `:type :f :process :value :key :error` are ignored, and so are tags.
//!
//! The text is read up to the first damage, which [`History::damage`](crate::History) names: a prefix of lines in their
//! order is itself a history. What is well-formed but cannot be understood is an error, since leaving it out could
//! invent an anomaly.

mod any;
mod builder;
mod detect;
mod edn;
mod etcd_log;
mod nemesis;
mod spoken;
mod tape;

pub use any::{AnyHistory, import, read_any};
pub use detect::{Format, detect};
pub(crate) use spoken::{NOT_KNOWN, REFUSED};
