//! Nodes and how to reach them: local namespaces, processes, files and the network between them.
//!
//! This crate deliberately knows no workload and no checker, and decides no verdict.

pub mod client;
pub mod database;
#[cfg(target_os = "linux")]
pub mod doctor;
pub mod error;
pub mod load;
#[cfg(target_os = "linux")]
pub mod local;
pub mod network;
pub mod node;
#[cfg(target_os = "linux")]
pub mod reexec;
pub mod remote;
#[cfg(target_os = "linux")]
pub mod switch;

pub use client::{Client, ClientFactory, Speaks};
pub use database::{ClockControl, Database, Primaries, ProcessControl};
pub use error::Error;
pub use load::Load;
pub use network::{Endpoint, LayerId, Link, LinkCounters, LinkPolicy, Network};
pub use node::{Cluster, Node};
pub use remote::{Daemon, DaemonState, Output, Remote, Signal};
