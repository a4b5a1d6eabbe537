//! Named promises about registers between linearizable and eventual.
//!
//! [`levels`] lists them, each with its names and what it means; [`checker`] makes the checker of one.
//!
//! All of them judge what clients saw: sessions, answers and times. A *session* is what one process did up to an outcome
//! that is unknown; what the process does afterwards is a new session. The initial value of a key is a write before
//! everything. An unknown write may have happened once, at any later moment, or never. A successful compare-and-set is a
//! read and a write in one; a refused one saw some other value. What returned a value that nobody can have written is an
//! anomaly whatever the model.
//!
//! Who saw whose write is only taken from values that are written once. Where several calls can have written what was
//! seen, all of them are tried as long as there are few ways, and the verdict is unknown where there are many.

pub(crate) mod calls;
pub(crate) mod clocks;
pub(crate) mod forced;
pub(crate) mod meter;
pub(crate) mod notes;
pub(crate) mod sources;
pub(crate) mod witness;
pub(crate) mod words;

mod convergent;
mod eventual;
mod explain;
mod freshness;
mod judge;
mod key_value;
mod ladder;
mod names;
mod own_writes;
mod promise;
mod regular;
mod stale;
mod views;

use history::{KeyValue, Nanos, vocabulary::Register};

use crate::{Checker, Sequential};

pub use key_value::as_registers;
pub use ladder::{IMPLIED, implies};
pub(crate) use ladder::{key_values, registers};
pub use names::levels;

/// A promise by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelInfo {
    /// Its name for `--model`.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it promises, in words that a user understands.
    pub explanation: &'static str,
}

/// What some levels want to know besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelOptions {
    /// `bounded-staleness`: how long after a value was replaced a read may still return it. `None` measures only.
    pub staleness_time: Option<Nanos>,
    /// `bounded-staleness`: how many newer values a read may miss. `None` measures only.
    pub staleness_versions: Option<u64>,
    /// `eventual`: how long after the last write and the last fault a read must begin to count as a final one.
    pub settle: Nanos,
}

impl Default for LevelOptions {
    fn default() -> Self {
        Self { staleness_time: None, staleness_versions: None, settle: Nanos(1_000_000_000) }
    }
}

/// The promise of that name or alias.
pub fn level(name: &str) -> Option<&'static LevelInfo> {
    levels().iter().find(|level| level.name == name || level.aliases.contains(&name))
}

/// A checker of the promise of that name or alias; `None` if there is no such promise.
pub fn checker(name: &str, options: &LevelOptions) -> Option<Box<dyn Checker<Register>>> {
    let level = level(name)?;
    Some(match level.name {
        "sequential" => Box::new(Sequential::new()),
        "sequential-per-key" => Box::new(Sequential::per_key()),
        _ => Box::new(judge::Level { name: level.name, kind: names::kind(level.name)?, options: *options }),
    })
}

/// The same for stores of single keys: get, put and compare-and-set. A history with other calls is unknown.
pub fn key_value_checker(name: &str, options: &LevelOptions) -> Option<Box<dyn Checker<KeyValue>>> {
    checker(name, options).map(|level| Box::new(key_value::OverKeys(level)) as Box<dyn Checker<KeyValue>>)
}
