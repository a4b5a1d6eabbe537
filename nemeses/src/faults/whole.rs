//! Freeze and reboot: nodes as a whole, with all that runs on them, whoever started it. A frozen node gets no time from the
//! kernel, and no process of it can notice; a node that is switched off ends with its own first process.

use async_trait::async_trait;
use cluster::{Body, Error, Life};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, processes};
use crate::Family;

/// Nodes that do not run.
#[derive(Debug)]
pub(super) struct Whole {
    nodes: Vec<NodeId>,
    /// What they do instead.
    wanted: Life,
}

impl Whole {
    pub(super) fn new(nodes: Vec<NodeId>, wanted: Life) -> Self {
        Self { nodes, wanted }
    }
}

fn body<'a>(scene: Scene<'a>, node: NodeId) -> Result<&'a dyn Body, Error> {
    scene.cluster.node(node).remote()?.body()
}

#[async_trait]
impl Fault for Whole {
    fn family(&self) -> Family {
        if self.wanted == Life::Off { Family::Reboot } else { Family::Freeze }
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let several = if self.nodes.len() > 1 { " at once" } else { "" };
        let what = if self.wanted == Life::Off { "switched off" } else { "froze" };
        format!("{what} {}{several}", names.list(&self.nodes))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, |node| async move {
            let body = body(scene, node)?;
            if self.wanted == Life::Off { body.switch_off().await } else { body.freeze().await }
        })
        .await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, |node| async move {
            let body = body(scene, node)?;
            if self.wanted == Life::Off { body.switch_on().await } else { body.thaw().await }
        })
        .await?;
        if let Some(network) = &scene.cluster.network {
            processes::on_all(&self.nodes, |node| network.restore(node)).await?;
        }
        if self.wanted == Life::Off {
            let control = processes::control(scene)?;
            processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await?;
        }
        Ok(())
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let mut lives = Vec::new();
        for &node in &self.nodes {
            lives.push((node, body(scene, node)?.life().await?));
        }
        Ok(Probe::Lives(lives))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Lives(lives) = probe else { return None };
        match lives.iter().filter(|(_, life)| *life == self.wanted).count() {
            0 => Some(false),
            all if all == lives.len() => Some(true),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let was = self.in_force(early) == Some(true);
        let mut text = self.say(names, early);
        if was && self.in_force(late) != Some(true) {
            text += &format!("; at the end {}", self.say(names, late));
        }
        Evidence::new(was, text)
    }
}
