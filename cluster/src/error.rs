//! What can go wrong between the controller and its nodes. Never an outcome of the database.

use std::io;

/// A failure of the harness.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine does not permit something; the remedy is part of the text.
    #[error("{what} is not permitted here: {remedy}")]
    NotPermitted {
        /// What was tried.
        what: String,
        /// How to get it.
        remedy: String,
    },
    /// This cluster or database cannot do that.
    #[error("{0} is not supported here")]
    Unsupported(String),
    /// Something on a node failed.
    #[error("{node}: {what}")]
    Node {
        /// The node.
        node: String,
        /// What failed, in a sentence with its remedy where there is one.
        what: String,
    },
    /// Something did not happen in time.
    #[error("{what} took longer than {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: f64,
    },
    /// The operating system refused.
    #[error("failed to {what}: {source}")]
    Io {
        /// What was tried, as a verb phrase.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// An error of the operating system, with what was tried.
    pub fn io(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { what: what.into(), source: source.into() }
    }
}
