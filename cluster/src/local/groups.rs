//! What can be done to all processes of a local node at once, where the machine permits control groups of our own.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::group::{self, Group, Power};
use crate::{Body, Error, Life, Quotas, Squeeze};

/// The control groups of one node, each made when it is first needed and removed when it is not.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    node: Arc<Node>,
}

#[derive(Debug)]
struct Node {
    /// A text that no other group has, with the node's name.
    name: String,
    record: PathBuf,
    init: i32,
    made: Mutex<BTreeMap<&'static str, Group>>,
}

impl Groups {
    /// For the node of this name in the run that keeps this folder; `init` is its first process.
    pub(super) fn new(folder: &Path, node: &str, init: i32) -> Self {
        let name = format!("{:08x}-{node}", rand::random::<u32>());
        let record = folder.join(group::RECORD);
        Self { node: Arc::new(Node { name, record, init, made: Mutex::default() }) }
    }

    /// Does something that may have to wait for the kernel.
    async fn act<T: Send + 'static>(
        &self,
        what: &'static str,
        act: impl FnOnce(&Node) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let node = Arc::clone(&self.node);
        let done = tokio::task::spawn_blocking(move || act(&node)).await;
        done.unwrap_or_else(|error| Err(Error::io(what, io::Error::other(error))))
    }
}

impl Node {
    /// Does something with the group of a power, which is made where it is not there.
    fn with(&self, power: Power, act: impl FnOnce(&Group) -> io::Result<()>) -> Result<(), Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(power);
        if !made.contains_key(key) {
            let group = group::make(power, &self.name, &self.record, self.init)
                .map_err(|why| Error::Unsupported(format!("a control group ({why})")))?;
            made.insert(key, group);
        }
        let group = made.get(key).ok_or_else(|| Error::Unsupported("a control group that is gone".into()))?;
        act(group).map_err(|error| Error::io(format!("change the {}", group.describe()), error))
    }

    /// Looks at the group of a power, where it is there.
    fn look<T>(&self, power: Power, look: impl FnOnce(&Group) -> io::Result<T>) -> Result<Option<T>, Error> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = made.get(key(power)) else { return Ok(None) };
        look(group).map(Some).map_err(|error| Error::io(format!("look at the {}", group.describe()), error))
    }

    /// Removes the group of a power, where it is there.
    fn remove(&self, power: Power) -> Result<(), Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = made.get(key(power)) {
            group.release().map_err(|error| Error::io(format!("remove the {}", group.describe()), error))?;
        }
        made.remove(key(power));
        Ok(())
    }

    fn squeeze(&self, power: Power) -> Result<Option<Squeeze>, Error> {
        self.look(power, |group| {
            let (met, struck) = if power == Power::Cpu { group.throttled()? } else { group.starved()? };
            Ok(Squeeze { by: group.describe(), met, struck })
        })
    }
}

impl Drop for Node {
    /// What is frozen cannot end, and a group with processes cannot be removed.
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
        for group in made.values() {
            if let Err(error) = group.release() {
                tracing::warn!("the {} could not be removed: {error}", group.describe());
            }
        }
    }
}

const fn key(power: Power) -> &'static str {
    match power {
        Power::Freezer => "freezer",
        Power::Cpu => "cpu",
        Power::Memory => "memory",
    }
}

#[async_trait]
impl Body for Groups {
    async fn life(&self) -> Result<Life, Error> {
        let frozen = self.act("look at a control group", |node| node.look(Power::Freezer, Group::is_frozen));
        Ok(if frozen.await? == Some(true) { Life::Frozen } else { Life::Running })
    }

    async fn freeze(&self) -> Result<(), Error> {
        self.act("freeze a control group", |node| {
            node.with(Power::Freezer, |group| {
                group.gather()?;
                group.freeze(true)
            })
        })
        .await
    }

    async fn thaw(&self) -> Result<(), Error> {
        self.act("thaw a control group", |node| node.remove(Power::Freezer)).await
    }
}

#[async_trait]
impl Quotas for Groups {
    async fn narrow_cpu(&self, share: f64) -> Result<(), Error> {
        // Of a tenth of a second, and no less than the kernel takes.
        let microseconds = ((share * 100_000.0) as u64).max(1000);
        self.act("narrow a control group", move |node| {
            node.with(Power::Cpu, |group| {
                group.narrow_cpu(microseconds)?;
                group.gather()
            })
        })
        .await
    }

    async fn widen_cpu(&self) -> Result<(), Error> {
        self.act("remove a control group", |node| node.remove(Power::Cpu)).await
    }

    async fn cpu(&self) -> Result<Option<Squeeze>, Error> {
        self.act("look at a control group", |node| node.squeeze(Power::Cpu)).await
    }

    async fn narrow_memory(&self, mebibytes: u64) -> Result<(), Error> {
        let bytes = mebibytes << 20;
        self.act("narrow a control group", move |node| {
            node.with(Power::Memory, |group| {
                group.narrow_memory(bytes)?;
                group.gather()
            })
        })
        .await
    }

    async fn widen_memory(&self) -> Result<(), Error> {
        self.act("remove a control group", |node| node.remove(Power::Memory)).await
    }

    async fn memory(&self) -> Result<Option<Squeeze>, Error> {
        self.act("look at a control group", |node| node.squeeze(Power::Memory)).await
    }
}

/// Whether groups may be made where our own is, or above it; else why not. Whether they have a power shows when one is
/// made.
pub(super) fn permitted(power: Power) -> Result<(), String> {
    let read =
        |path: &str| fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
    group::any_writable(power, &read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)
}
