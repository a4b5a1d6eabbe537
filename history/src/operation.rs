//! One call of one client, what became of it, and when.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::Vocabulary;

/// Nanoseconds of the controller's one monotonic clock since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// These nanoseconds as seconds, for people.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.seconds())
    }
}

/// One session on one connection. A reconnect is a new process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Process(pub u32);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// The place of a node in the run's list of nodes (`Header::nodes`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u16);

/// An operation's rank in its history, by the time it began. Stable for a file, also when it is torn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpIndex(pub u32);

impl fmt::Display for OpIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Why a call failed or became unknown, in a few words.
///
/// A million operations hold few different reasons, so it is a borrowed text where it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(pub Cow<'static, str>);

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome<R> {
    /// It happened, and this is what it returned.
    Ok(R),
    /// It certainly did not happen, and never will.
    Fail(Reason),
    /// It may have happened, may happen later, or never.
    Unknown(Reason),
}

impl<R> Outcome<R> {
    /// What it returned, if it certainly happened.
    pub fn ok(&self) -> Option<&R> {
        match self {
            Self::Ok(returned) => Some(returned),
            _ => None,
        }
    }

    /// The one-word name of the outcome.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Fail(_) => "fail",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// A call with its outcome, the process that made it, and the times it began and ended.
#[derive(Debug)]
pub struct Operation<V: Vocabulary> {
    /// Its rank in the history.
    pub index: OpIndex,
    /// The session that made the call.
    pub process: Process,
    /// The node the session talked to.
    pub node: NodeId,
    /// What was asked.
    pub call: V::Call,
    /// What became of it.
    pub outcome: Outcome<V::Return>,
    /// Before its first byte was sent.
    pub began: Nanos,
    /// After its whole answer had arrived. For an `Unknown` outcome it is when the client gave up, for display
    /// only: use [`Operation::deadline`] to judge. `None` when nothing was ever recorded.
    pub ended: Option<Nanos>,
}

impl<V: Vocabulary> Operation<V> {
    /// The time by which the call must have taken effect: +infinity (`None`) for an unknown outcome.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.outcome {
            Outcome::Unknown(_) => None,
            _ => self.ended,
        }
    }
}

impl<V: Vocabulary> Clone for Operation<V> {
    fn clone(&self) -> Self {
        Self {
            index: self.index,
            process: self.process,
            node: self.node,
            call: self.call.clone(),
            outcome: self.outcome.clone(),
            began: self.began,
            ended: self.ended,
        }
    }
}

impl<V: Vocabulary> PartialEq for Operation<V> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
            && self.process == other.process
            && self.node == other.node
            && self.call == other.call
            && self.outcome == other.outcome
            && self.began == other.began
            && self.ended == other.ended
    }
}
