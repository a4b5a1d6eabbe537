//! Acting on one node: commands, files and daemons. The same on a namespace, an SSH host and a container.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Body, Disk, Error, Quotas, Skew, Version};

/// What a command left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; 128 + the signal when one ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// A process that stays: how to start it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// Its name on the node; a node runs at most one daemon of a name.
    pub name: String,
    /// Program and arguments. Never passed through a shell.
    pub argv: Vec<String>,
    /// Environment beside the node's own.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Where standard output and standard error go (appended).
    pub log: PathBuf,
}

/// What a daemon is doing, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DaemonState {
    /// Alive, running or sleeping.
    Running {
        /// Its process id as the node sees it.
        pid: u32,
    },
    /// Stopped by a signal.
    Stopped {
        /// Its process id as the node sees it.
        pid: u32,
    },
    /// Ended; 128 + the signal when one ended it.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// Never started here.
    Absent,
}

/// The signals that faults use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Ends it at once.
    Kill,
    /// Asks it to end.
    Terminate,
    /// Stops it.
    Stop,
    /// Lets it go on.
    Continue,
}

/// Acts on one node.
#[async_trait]
pub trait Remote: Send + Sync {
    /// Runs a command to its end. A non-zero exit is not an error of this call.
    async fn exec(&self, argv: &[&str], stdin: &[u8], timeout: Duration) -> Result<Output, Error>;
    /// Puts a file there, with its parent folders.
    async fn upload(&self, path: &Path, content: &[u8]) -> Result<(), Error>;
    /// Brings a file here.
    async fn download(&self, path: &Path) -> Result<Vec<u8>, Error>;
    /// Starts a daemon; an error if one of that name is alive.
    async fn start(&self, daemon: &Daemon) -> Result<(), Error>;
    /// Sends a signal to a daemon and to every process of its group. No error if it has ended.
    async fn signal(&self, name: &str, signal: Signal) -> Result<(), Error>;
    /// What a daemon is doing.
    async fn state(&self, name: &str) -> Result<DaemonState, Error>;
    /// Ends everything that runs on the node and removes what this run put there (its data folder).
    async fn wipe(&self) -> Result<(), Error>;
    /// Whether what the processes of this node take for the time of day can be set.
    fn can_skew(&self) -> bool {
        false
    }
    /// Sets what every process of every daemon of this node takes for the time of day, also those that start later; `None`
    /// sets it right. Idempotent, and to be called again and again while it lasts, for processes that were born since.
    async fn skew(&self, _skew: Option<&Skew>) -> Result<(), Error> {
        Err(Error::Unsupported("setting what processes take for the time".into()))
    }
    /// How far off each process of each daemon takes the time to be now, in nanoseconds, by its process id.
    async fn skews(&self) -> Result<Vec<(u32, i64)>, Error> {
        Err(Error::Unsupported("asking what processes take for the time".into()))
    }
    /// The folder of the programs of another version, where daemons can be started from one.
    fn new_programs(&self) -> Option<&Path> {
        None
    }
    /// Has the daemons that are started from now on take their programs from there first, or from where they did.
    /// Idempotent.
    async fn choose_programs(&self, _version: Version) -> Result<(), Error> {
        Err(Error::Unsupported("choosing another version of a database".into()))
    }
    /// Whether what names mean on this node can be set.
    fn can_point_names(&self) -> bool {
        false
    }
    /// Has these names mean these addresses on this node, whatever its `/etc/hosts` said before; every other name means
    /// what it did, so that with none of them the file is as it was. Idempotent.
    async fn point_names(&self, _names: &[(String, IpAddr)]) -> Result<(), Error> {
        Err(Error::Unsupported("setting what names mean on a node that has no /etc/hosts of its own".into()))
    }
    /// The node as a whole, where something can be done to that; else why nothing can.
    fn body(&self) -> Result<&dyn Body, Error> {
        Err(Error::Unsupported("stopping a node as a whole".into()))
    }
    /// What can be kept from all its processes together by the kernel; else why nothing can.
    fn quotas(&self) -> Result<&dyn Quotas, Error> {
        Err(Error::Unsupported("a control group of a node that was not made on this machine".into()))
    }
    /// The disk that its data folder is on, where something can be done to that; else why nothing can.
    fn disk(&self) -> Result<&dyn Disk, Error> {
        Err(Error::Unsupported("striking the disk of a node that was not made on this machine".into()))
    }
}
