//! Nodes that are there already, and are acted on through a shell of their own: machines over SSH, and containers.
//!
//! [`MachineCluster`] reaches the nodes of a run, keeps a folder on each, and removes it again; [`MachineRemote`] acts on
//! one of them. Everything on the far side is done by the shell, `awk` and `setsid` that every Linux has: nothing of ours
//! is installed. The network between the nodes is shaped by the packet filter of each, in a table of our own. How a
//! command gets there is all that [SSH](crate::ssh) and [container engines](crate::container) do differently.
//!
//! A failure here is a failure of the harness ([`Error::Node`]), never an outcome of the database.

mod cluster;
mod counting;
mod daemons;
mod logs;
mod names;
mod network;
mod packages;
pub mod power;
pub(crate) mod quoting;
mod remote;
mod rules;
mod shaping;
mod shell;
mod target;
mod way;

pub use cluster::{MachineCluster, MachineSpec};
pub use logs::LogStream;
pub use network::MachineNetwork;
pub use remote::MachineRemote;
#[cfg(feature = "ssh")]
pub(crate) use shell::shortened;
pub use target::Target;
pub(crate) use way::{Line, Sight, Way};

use crate::Error;

/// An error about a node.
pub(crate) fn failed(node: &str, what: impl Into<String>) -> Error {
    Error::Node { node: node.into(), what: what.into() }
}
