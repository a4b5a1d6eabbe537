//! A node as a whole: all that runs on it at once, whoever started it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a node as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// Its processes run.
    Running,
    /// The kernel gives none of its processes any time.
    Frozen,
    /// It has no process at all.
    Off,
}

/// Acts on a node as a whole.
#[async_trait]
pub trait Body: Send + Sync {
    /// What it is doing, as the kernel or the engine says.
    async fn life(&self) -> Result<Life, Error>;
    /// Gives no process of it any time until it is thawed, and none of them can notice. Idempotent.
    async fn freeze(&self) -> Result<(), Error>;
    /// Lets all of it go on. Idempotent.
    async fn thaw(&self) -> Result<(), Error>;
    /// Whether it can be switched off and on.
    fn can_be_switched(&self) -> bool {
        false
    }
    /// Ends all of it at once, as its own first process ends. Idempotent.
    async fn switch_off(&self) -> Result<(), Error> {
        Err(Error::Unsupported("switching a node off".into()))
    }
    /// Starts it on the files that it had. What the run started on it is not started. Idempotent.
    async fn switch_on(&self) -> Result<(), Error> {
        Err(Error::Unsupported("switching a node on".into()))
    }
}
