//! Pause: processes are stopped by the kernel where they stand, and go on later as if no time had passed.

use async_trait::async_trait;
use cluster::{DaemonState, Error};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, processes};
use crate::Family;

/// Processes that are stopped.
#[derive(Debug)]
pub(super) struct Pause {
    nodes: Vec<NodeId>,
}

impl Pause {
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        Self { nodes }
    }
}

fn is_stopped(state: DaemonState) -> bool {
    matches!(state, DaemonState::Stopped { .. })
}

#[async_trait]
impl Fault for Pause {
    fn family(&self) -> Family {
        Family::Pause
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let several = if self.nodes.len() > 1 { " at once" } else { "" };
        format!("paused {}{several}", names.list(&self.nodes))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.pause(scene.cluster, node)).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.resume(scene.cluster, node)).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        processes::probe(scene, &self.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        match probe {
            Probe::Processes(states) if states.iter().all(|(_, state)| is_stopped(*state)) => Some(true),
            Probe::Processes(states) if !states.iter().any(|(_, state)| is_stopped(*state)) => Some(false),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let all = |probe: &Probe| match probe {
            Probe::Processes(states) => states.iter().all(|(_, state)| is_stopped(*state)),
            _ => false,
        };
        let mut text = self.say(names, early);
        if all(early) && !all(late) {
            text += &format!("; at the end {}", self.say(names, late));
        }
        Evidence::new(all(early), text)
    }
}
