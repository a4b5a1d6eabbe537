//! What all processes of a node may have together, kept by the kernel.

use async_trait::async_trait;

use crate::Error;

/// How the processes of a node met a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Squeeze {
    /// What keeps the limit: which kind of control group, and where it is.
    pub by: String,
    /// In how many periods they wanted to run, or how often they ran into the limit of memory.
    pub met: u64,
    /// In how many periods they were kept from running, or how many of them the kernel ended for want of memory.
    pub struck: u64,
}

/// Limits for all processes of a node together, those that are there now and their children.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Lets them run for a share of the time of one processor only. Idempotent.
    async fn narrow_cpu(&self, share: f64) -> Result<(), Error>;
    /// Lets them run as before. Idempotent.
    async fn widen_cpu(&self) -> Result<(), Error>;
    /// How they met that; `None` where they run as before.
    async fn cpu(&self) -> Result<Option<Squeeze>, Error>;
    /// Lets them take so many MiB more than they have; beyond, the kernel ends one of them. Idempotent.
    async fn narrow_memory(&self, mebibytes: u64) -> Result<(), Error>;
    /// Lets them have what they want. Idempotent.
    async fn widen_memory(&self) -> Result<(), Error>;
    /// How they met that; `None` where they have what they want.
    async fn memory(&self) -> Result<Option<Squeeze>, Error>;
}
