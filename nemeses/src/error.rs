//! What can go wrong with plans, journals and the undoing of faults.

use std::{io, path::PathBuf};

/// A failure of this room. A fault that does not take is no error: its record says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that no family of faults has.
    #[error("there are no faults `{given}`; did you mean `{nearest}`? There are: {known}")]
    UnknownFamily {
        /// What was asked for.
        given: String,
        /// The family whose name is nearest.
        nearest: &'static str,
        /// All names.
        known: String,
    },
    /// A file could not be read or written.
    #[error("failed to {what} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A plan or a journal says something that cannot be understood.
    #[error("{}, line {line}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A fault of a plan cannot be meant so.
    #[error("fault {place} of the plan: {what}")]
    Unsound {
        /// Its place in the plan, counted from 1.
        place: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Faults that are still in force after every attempt to undo them.
    #[error("still in force: {}", .0.join("; "))]
    NotUndone(Vec<String>),
}

impl Error {
    pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }
}
