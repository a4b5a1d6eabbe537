//! Roll: one node after another is asked to end and started again, as an upgrade does it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cluster::Error;
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{
    Evidence, Fault, Names, Probe, Scene,
    processes::{self, is_down},
    rest,
};
use crate::Family;

/// Processes that are restarted in turn.
#[derive(Debug)]
pub(super) struct Roll {
    nodes: Vec<NodeId>,
    down: Duration,
    gap: Duration,
    /// The nodes that were down and are started again.
    restarted: Mutex<Vec<NodeId>>,
}

impl Roll {
    pub(super) fn new(nodes: Vec<NodeId>, down_ms: u64, gap_ms: u64) -> Self {
        let (down, gap) = (Duration::from_millis(down_ms), Duration::from_millis(gap_ms));
        Self { nodes, down, gap, restarted: Mutex::default() }
    }

    fn restarted(&self) -> MutexGuard<'_, Vec<NodeId>> {
        self.restarted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fault for Roll {
    fn family(&self) -> Family {
        Family::Roll
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("restarted {} one after another", names.list(&self.nodes))
    }

    /// Asks the first to end; the rest follow while the fault lasts.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        match self.nodes.first() {
            Some(&first) => processes::terminate(scene, first).await.map(drop),
            None => Ok(()),
        }
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        let control = processes::control(scene)?;
        for (place, &node) in self.nodes.iter().enumerate() {
            if place > 0 {
                processes::terminate(scene, node).await?;
            }
            let was_down = is_down(control.state(scene.cluster, node).await?);
            let goes_on = rest(over, self.down).await;
            control.start(scene.cluster, node).await?;
            if was_down {
                self.restarted().push(node);
            }
            if !goes_on || !rest(over, self.gap).await {
                break;
            }
        }
        Ok(())
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        processes::probe(scene, &self.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        match probe {
            Probe::Processes(states) => Some(states.iter().any(|(_, state)| is_down(*state))),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, _: &Probe) -> Evidence {
        let restarted = self.restarted();
        if restarted.is_empty() {
            return Evidence::new(self.in_force(early) == Some(true), self.say(names, early));
        }
        let rest = self.nodes.len() - restarted.len();
        let rest = if rest > 0 { format!("; no time was left for {rest} more") } else { String::new() };
        Evidence::new(true, format!("{} ended and started again{rest}", names.list(&restarted)))
    }
}
