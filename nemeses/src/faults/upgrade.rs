//! Upgrade: one node after another is asked to end and started again with the other version, as an upgrade does it; in the
//! end they go back one after another, as a downgrade does. In between both versions run together.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cluster::{DaemonState, Error, Version};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, processes, rest};
use crate::Family;

/// Prints the program that a process executes, and the folder of programs that it was started with. A program may have
/// written over its environment, and a script is executed by another program, so each says what the other may not.
const LOOK: (&str, &str) = (
    "look at the version",
    r#"
readlink "/proc/$1/exe" || echo
tr '\0' '\n' <"/proc/$1/environ" 2>/dev/null | sed -n 's/^DISPROVE_PROGRAMS=//p'
"#,
);

/// The longest that a node on its way back waits for the next: the whole way back has its limit.
const GAP_BACK_MAX: Duration = Duration::from_millis(500);

/// Nodes that run the other version for a while.
#[derive(Debug)]
pub(super) struct Upgrade {
    nodes: Vec<NodeId>,
    down: Duration,
    gap: Duration,
    /// The nodes that were started with the other version.
    upgraded: Mutex<Vec<NodeId>>,
    /// The nodes that were to be, and are not back yet.
    began: Mutex<Vec<NodeId>>,
}

impl Upgrade {
    pub(super) fn new(nodes: Vec<NodeId>, down_ms: u64, gap_ms: u64) -> Self {
        let (down, gap) = (Duration::from_millis(down_ms), Duration::from_millis(gap_ms));
        Self { nodes, down, gap, upgraded: Mutex::default(), began: Mutex::default() }
    }

    fn upgraded(&self) -> MutexGuard<'_, Vec<NodeId>> {
        self.upgraded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restarts a node with a version.
    async fn restart(&self, scene: Scene<'_>, node: NodeId, version: Version) -> Result<(), Error> {
        if version == Version::New {
            self.began.lock().unwrap_or_else(PoisonError::into_inner).push(node);
        }
        match scene.database.versions() {
            Some(versions) => versions.choose(scene.cluster, node, version).await?,
            None => scene.cluster.node(node).remote()?.choose_programs(version).await?,
        }
        processes::terminate(scene, node).await?;
        tokio::time::sleep(self.down).await;
        processes::control(scene)?.start(scene.cluster, node).await
    }
}

/// The version that a node runs.
async fn running(scene: Scene<'_>, node: NodeId) -> Result<Option<Version>, Error> {
    if let Some(versions) = scene.database.versions() {
        return versions.running(scene.cluster, node).await;
    }
    let state = processes::control(scene)?.state(scene.cluster, node).await?;
    let (DaemonState::Running { pid } | DaemonState::Stopped { pid }) = state else { return Ok(None) };
    let output = processes::script(scene, node, LOOK, &[&pid.to_string()]).await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut lines = said.lines().map(Path::new);
    let (program, folder) = (lines.next(), lines.next());
    let Some(new) = scene.cluster.node(node).remote()?.new_programs() else { return Ok(None) };
    let is_new = program.is_some_and(|program| program.starts_with(new)) || folder == Some(new);
    Ok(Some(if is_new { Version::New } else { Version::Old }))
}

#[async_trait]
impl Fault for Upgrade {
    fn family(&self) -> Family {
        Family::Upgrade
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("upgraded {} one after another, and took them back", names.list(&self.nodes))
    }

    /// Upgrades the first; the rest follow while the fault lasts.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let Some(&first) = self.nodes.first() else { return Ok(()) };
        self.restart(scene, first, Version::New).await?;
        self.upgraded().push(first);
        Ok(())
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        for &node in self.nodes.iter().skip(1) {
            if !rest(over, self.gap).await {
                break;
            }
            self.restart(scene, node, Version::New).await?;
            self.upgraded().push(node);
        }
        Ok(())
    }

    /// Nodes that never went, and those that an earlier attempt took back, are left alone.
    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let mut first_error = None;
        for &node in &self.nodes {
            let back = async {
                let went = self.began.lock().unwrap_or_else(PoisonError::into_inner).contains(&node);
                if !went && running(scene, node).await? == Some(Version::Old) {
                    return Ok(false);
                }
                self.restart(scene, node, Version::Old).await?;
                self.began.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| *known != node);
                Ok(true)
            };
            match back.await {
                Ok(true) => tokio::time::sleep(self.gap.min(GAP_BACK_MAX)).await,
                Ok(false) => {}
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let mut versions = Vec::new();
        for &node in &self.nodes {
            versions.push((node, running(scene, node).await?));
        }
        Ok(Probe::Versions(versions))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Versions(versions) = probe else { return None };
        Some(versions.iter().any(|(_, version)| *version == Some(Version::New)))
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let sure = self.in_force(early) == Some(true) || self.in_force(late) == Some(true);
        let upgraded = self.upgraded().len();
        let left = self.nodes.len().saturating_sub(upgraded);
        let left = if left > 0 { format!("; no time was left for {left} more") } else { String::new() };
        Evidence::new(sure, format!("{}{left}", self.say(names, late)))
    }
}
