//! A history event by event, in the order in which things happened, while it is read or while it is still being written.
//!
//! A whole [`History`](crate::History) takes memory for every call. A stream hands over what happened and forgets it, so that
//! it takes memory only for the calls under way and for what was written since the last watermark.

use std::path::Path;

use thiserror::Error;

pub use crate::file::Follower;
use crate::{
    Damage, Header, Nanos, OpIndex, Operation, Outcome, ReadError, Value, Vocabulary, import::Format,
};

/// What happened.
#[derive(Debug)]
pub enum Event<V: Vocabulary> {
    /// A call began. Its index is the one it has in the whole history; what becomes of it is not known yet.
    Began(Operation<V>),
    /// A call ended.
    Ended {
        /// The call.
        index: OpIndex,
        /// When it ended.
        at: Nanos,
        /// How.
        outcome: Outcome<V::Return>,
        /// What it turned out to have asked, where its end corrects its beginning.
        call: Option<V::Call>,
    },
}

/// Why a file cannot be streamed.
#[derive(Debug, Error)]
pub enum StreamError {
    /// It cannot be read, streamed or not.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Only the whole of it tells in which order things happened.
    #[error("line {line} {what}: only the whole history tells in which order things happened")]
    Unordered {
        /// The line, from 1.
        line: u64,
        /// What stands there.
        what: String,
    },
}

/// Where events come from.
pub trait Events<V: Vocabulary> {
    /// What it is a history of.
    fn header(&self) -> &Header;
    /// The next event; `None` at the end.
    fn next_event(&mut self) -> Result<Option<Event<V>>, StreamError>;
    /// What was lost, once it has ended.
    fn damage(&self) -> Option<&Damage>;
    /// How far it was read: a line, and a byte of the uncompressed text.
    fn place(&self) -> (u64, u64);
}

/// A vocabulary whose histories can be streamed.
pub trait Streamed: Vocabulary + Sized {
    /// Opens a file of a format that [`is_streamed`]. `initial`, where given, takes the place of what the file says.
    fn events(
        path: &Path,
        format: Format,
        initial: Option<Value>,
    ) -> Result<Box<dyn Events<Self>>, StreamError>;
}

/// Whether files of this format tell in which order things happened while they are read.
pub fn is_streamed(format: Format) -> bool {
    matches!(format, Format::Disprove | Format::JepsenEdn | Format::JepsenJson)
}
