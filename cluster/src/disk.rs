//! The disk of a node, and what can be done to it.
//!
//! A local node whose run asks for faults of disks has its data folder on a file system of ours, which the controller
//! serves through `/dev/fuse`. It knows what was asked to be kept (`fsync`) and what was not, so that a power failure
//! takes what a real one may take: bytes, names, renames. The pages that the kernel holds are those of any file system;
//! `mmap` works. Nothing of it reaches the machine's own disk before it has to, and an `fsync` costs no more than a
//! message: only a failure of the machine itself could tell the difference.
//!
//! Read next: [`Disk`], then [`Volume`], which can be used without a kernel.

pub mod ailment;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod deed;
#[cfg(target_os = "linux")]
mod served;
#[cfg(target_os = "linux")]
mod service;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
mod volume;
#[cfg(target_os = "linux")]
mod wire;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, LayerId};

pub use ailment::{Ailment, Operation, Strikes, Struck, Trouble};
#[cfg(target_os = "linux")]
pub use volume::{Change, Ino, Kind, Loss, Owner, Snapshot, Stat, Volume};

#[cfg(target_os = "linux")]
pub(crate) use served::{ServedDisk, Switch, objects};
#[cfg(target_os = "linux")]
pub(crate) use service::open_device;

/// What becomes of a disk while its machine is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outage {
    /// The power fails: what was not kept is gone.
    PowerLoss,
    /// The power fails in the middle of writing: of each file the first so many sectors of what was not kept arrived. The
    /// seed decides how many.
    TornWrites(u64),
    /// Nothing is lost, but so many bits have turned round in files whose path matches.
    FlippedBits {
        /// How many.
        count: u64,
        /// In which files; in all without.
        path: Option<String>,
        /// Decides where.
        seed: u64,
    },
    /// Nothing is lost, but a file whose path matches has lost its last bytes.
    Truncated {
        /// At most how many bytes.
        bytes: u64,
        /// Of which files; of any without.
        path: Option<String>,
        /// Decides of which.
        seed: u64,
    },
    /// The disk is again what it was when it was [remembered](Disk::remember).
    RolledBack,
}

/// The disk of a node.
#[async_trait]
pub trait Disk: Send + Sync {
    /// Makes something wrong with it. An ailment of the same id is replaced.
    async fn impose(&self, layer: LayerId, ailment: &Ailment) -> Result<(), Error>;
    /// Makes that right again. No error if it is not there.
    async fn lift(&self, layer: LayerId) -> Result<(), Error>;
    /// How often an ailment struck; `None` if it is not there.
    async fn struck(&self, layer: LayerId) -> Result<Option<Struck>, Error>;
    /// Ends every process of the node, and switches its machine off and on again; meanwhile this happens to the disk. Says
    /// what came of it, in a few words.
    async fn go_dark(&self, outage: &Outage) -> Result<String, Error>;
    /// Keeps everything that was written so far, as a machine does by itself after a while.
    async fn settle(&self) -> Result<(), Error>;
    /// Remembers the disk as a power failure would leave it now.
    async fn remember(&self) -> Result<(), Error>;
}
