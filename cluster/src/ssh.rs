//! Nodes that are real machines, reached over SSH through libssh2.
//!
//! [`SshCluster`] reaches the nodes of a run, keeps a folder on each, and removes it again; [`SshRemote`] acts on one of
//! them. Everything on the far side is done by the shell, `awk` and `setsid` that every Linux has: nothing of ours is
//! installed. The network between the nodes is shaped by the packet filter of each, in a table of our own.
//!
//! A failure here is a failure of the harness ([`Error::Node`]), never an outcome of the database.

mod cluster;
mod conversation;
mod counting;
mod daemons;
mod login;
mod logs;
mod names;
mod network;
mod packages;
mod pool;
pub mod power;
mod quoting;
mod remote;
mod rules;
mod session;
mod shaping;
mod shell;
mod target;
mod trust;

pub use cluster::{SshCluster, SshSpec};
pub use logs::LogStream;
pub use network::SshNetwork;
pub use remote::SshRemote;
pub use target::{Secret, SshTarget, Trust};

use crate::Error;

/// An error about a node.
fn failed(node: &str, what: impl Into<String>) -> Error {
    Error::Node { node: node.into(), what: what.into() }
}
