//! Wipe: nodes end, and come back under their names with nothing on their disks, as when a disk is replaced and nobody tells
//! the others. What only they had is gone; what they promised the others, such as a vote, they have forgotten.

use async_trait::async_trait;
use cluster::Error;
use history::NodeId;

use super::{
    Evidence, Fault, Names, Probe, Scene,
    processes::{self, is_down},
};
use crate::Family;

/// Nodes whose disks are emptied.
#[derive(Debug)]
pub(super) struct Wipe {
    nodes: Vec<NodeId>,
}

impl Wipe {
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        Self { nodes }
    }
}

#[async_trait]
impl Fault for Wipe {
    fn family(&self) -> Family {
        Family::Wipe
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("ended {}, and emptied the disks", names.list(&self.nodes))
    }

    /// All of them are down before the first disk is emptied.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.kill(scene.cluster, node)).await?;
        processes::on_all(&self.nodes, |node| control.begin_anew(scene.cluster, node)).await
    }

    /// What was on the disks stays lost.
    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        processes::probe(scene, &self.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Processes(states) = probe else { return None };
        match states.iter().filter(|(_, state)| is_down(*state)).count() {
            0 => Some(false),
            all if all == states.len() => Some(true),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, _: &Probe) -> Evidence {
        let text = format!("{}, and its disk was emptied", self.say(names, early));
        Evidence::new(self.in_force(early) == Some(true), text)
    }
}
