//! Histories that others recorded: Jepsen's EDN and JSON, the logs that Porcupine keeps of Jepsen's etcd runs, and what
//! research tools for isolation levels read.
//!
//! # Jepsen's histories
//!
//! Everything is streamed: only the operations stay in memory, not the text they came from. A file may be compressed
//! with zstd.
//!
//! What these formats say, and how it is read:
//!
//! - **The order of the lines decides**, not `:time`. Where the first line has a `:time`, each line has its own, or one
//!   nanosecond after the line above it where that is later. Else an operation begins and ends at the rank of its lines,
//!   counted from 0, a millisecond apart, and no length of time means anything
//!   ([`Header::ranked`](crate::Header)).
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
//! - Keys other than `:type :f :process :value :key :error :time` are ignored, and so are tags.
//!
//! The text is read up to the first damage, which [`History::damage`](crate::History) names: a prefix of lines in their
//! order is itself a history. What is well-formed but cannot be understood is an error, since leaving it out could
//! invent an anomaly.
//!
//! # Histories without times
//!
//! Plume's and PolySI's text, dbcop's three formats, Cobra's logs, AWDIT's, Viper's and TimeKiller's files hold the
//! transactions of sessions in their order, and no times of clients. All operations are concurrent
//! ([`Header::untimed`](crate::Header)); the operations of a process are in their order by index. What was aborted is
//! [`Fail`](crate::Outcome::Fail), what was left without a commit is `Unknown`. Such a file is read whole or not at all,
//! since a part of it may lack the writes that another part reads.
//!
//! | format | value of a key before the first write | what else is to know |
//! |---|---|---|
//! | `plume` | 0 | transaction -1 was aborted, once per run of its lines |
//! | `dbcop`, `dbcop-json`, `dbcop-text` | 0, and `null` or `?` in a read | an event that failed is left out |
//! | `cobra` | nil | a value is the version that the client made unique; reads of Cobra's own fences are not known |
//! | `awdit` | nil | |
//! | `viper` | nil | a write that did not take place is left out; range queries are refused |
//! | `timekiller` | nil | the database's own times are in [`Header::given_times`](crate::Header); lists become list-append |

mod any;
mod awdit;
mod builder;
mod clock;
mod cobra;
mod dbcop;
mod detect;
mod edn;
mod etcd_log;
mod events;
mod format;
mod lines;
mod nemesis;
mod objects;
mod plume;
mod sessions;
mod spoken;
mod tape;
mod timekiller;
mod untimed;
mod viper;

pub use any::{AnyHistory, VOCABULARIES, import, read_any, vocabulary_named, vocabulary_of};
pub use format::{Format, detect};
pub(crate) use spoken::{NOT_KNOWN, REFUSED};
