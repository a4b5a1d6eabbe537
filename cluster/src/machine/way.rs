//! How a command gets to a node and its answer back: what SSH and container engines do differently.

use std::{fmt, net::IpAddr, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::LogStream;
use crate::{Body, Error, Output};

/// A line of the POSIX shell for a node.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What it is, for messages.
    pub what: String,
    /// The line.
    pub text: String,
    /// What it reads.
    pub stdin: Arc<[u8]>,
    /// How long it may take, with all that is needed to get it there.
    pub within: Duration,
    /// Whether doing it twice is as good as doing it once, so that it is said again when the way there breaks.
    pub again: bool,
    /// As root.
    pub root: bool,
}

/// Who sees whom, from a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The controller, as the node sees it.
    pub controller: IpAddr,
    /// The port of the node through which it is acted on, which no fault may close.
    pub port: Option<u16>,
    /// Where clients reach it.
    pub address: IpAddr,
    /// Further addresses of it.
    pub also: Vec<IpAddr>,
    /// Why its network is not to be shaped, where it is not its own.
    pub foreign: Option<String>,
}

/// How a command gets to one node.
#[async_trait]
pub(crate) trait Way: fmt::Debug + Send + Sync {
    /// Runs a line to its end, whatever its exit code.
    async fn say(&self, line: Line) -> Result<Output, Error>;
    /// How root is reached there, or how to change that it is not.
    async fn root(&self) -> Result<Result<&'static str, String>, Error>;
    /// Who sees whom.
    async fn sight(&self) -> Result<Sight, Error>;
    /// Follows a file from its beginning, also one that is not there yet.
    fn follow(&self, path: &Path) -> LogStream;
    /// The node as a whole, where something can be done to that.
    fn body(&self) -> Option<&dyn Body> {
        None
    }
    /// Has a node go on that a run which died has stopped as a whole: the file `mark` on it says `run`.
    async fn rouse(&self, _mark: &Path, _run: &str) -> Result<(), Error> {
        Ok(())
    }
}
