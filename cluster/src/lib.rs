//! Nodes and how to reach them: local namespaces, processes, files and the network between them.
//!
//! This crate deliberately knows no workload and no checker, and decides no verdict.
//!
//! A local cluster needs nobody's rights. A program enters its namespaces first, and is started anew inside:
//!
//! ```no_run
//! # #[cfg(target_os = "linux")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use disprove_cluster::local::{Entered, LocalCluster, LocalSpec, enter};
//!
//! if let Entered::Finished(code) = enter()? {
//!     std::process::exit(code);
//! }
//! let spec = LocalSpec { nodes: vec!["n1".into(), "n2".into()], directory: "run".into(), ..LocalSpec::default() };
//! tokio::runtime::Runtime::new()?.block_on(async {
//!     let local = LocalCluster::start(spec).await?;
//!     let output = local.cluster().nodes[0].remote()?.exec(&["hostname"], b"", std::time::Duration::from_secs(5)).await?;
//!     assert_eq!(output.stdout, b"n1\n");
//!     local.stop().await?;
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(target_os = "linux"))]
//! # fn main() {}
//! ```
//!
//! Read next: [`node`], then [`remote`] and [`network`], then [`local`].

mod body;
pub mod client;
#[cfg(target_os = "linux")]
pub mod container;
pub mod database;
pub mod disk;
#[cfg(target_os = "linux")]
pub mod doctor;
pub mod door;
pub mod error;
pub mod load;
#[cfg(target_os = "linux")]
pub mod local;
#[cfg(target_os = "linux")]
pub mod machine;
#[cfg(target_os = "linux")]
mod names;
pub mod network;
pub mod node;
mod quota;
#[cfg(target_os = "linux")]
pub mod reexec;
pub mod remote;
pub mod skew;
#[cfg(all(target_os = "linux", feature = "ssh"))]
pub mod ssh;
#[cfg(target_os = "linux")]
pub mod switch;
#[cfg(target_os = "linux")]
mod vdso;

pub use body::{Body, Life};
pub use client::{Client, ClientFactory, Speaks};
pub use database::{ClockControl, Database, Membership, Primaries, ProcessControl, Version, Versions};
pub use disk::Disk;
pub use door::Door;
pub use error::Error;
pub use load::Load;
pub use network::{Endpoint, LayerId, Link, LinkCounters, LinkPolicy, Network};
pub use node::{Cluster, Node};
pub use quota::{Quotas, Squeeze};
pub use remote::{Daemon, DaemonState, Output, Remote, Signal};
pub use skew::Skew;
