//! Kill: processes end at once, as a crash ends them, and are started again on the data that is left.

use async_trait::async_trait;
use cluster::Error;
use history::NodeId;

use super::{
    Evidence, Fault, Names, Probe, Scene,
    processes::{self, is_down},
};
use crate::Family;

/// Processes that are ended.
#[derive(Debug)]
pub(super) struct Kill {
    nodes: Vec<NodeId>,
}

impl Kill {
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        Self { nodes }
    }
}

#[async_trait]
impl Fault for Kill {
    fn family(&self) -> Family {
        Family::Kill
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let several = if self.nodes.len() > 1 { " at once" } else { "" };
        format!("killed {}{several}", names.list(&self.nodes))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.kill(scene.cluster, node)).await
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
            // Started again is what all of them must be before it is over, and down what all must be while it lasts.
            Probe::Processes(states) if states.iter().all(|(_, state)| is_down(*state)) => Some(true),
            Probe::Processes(states) if !states.iter().any(|(_, state)| is_down(*state)) => Some(false),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let (Probe::Processes(early_states), Probe::Processes(late_states)) = (early, late) else {
            return Evidence::new(false, "the state of its processes is not known".into());
        };
        let down = early_states.iter().all(|(_, state)| is_down(*state));
        let back: Vec<NodeId> =
            late_states.iter().filter(|(_, state)| !is_down(*state)).map(|(node, _)| *node).collect();
        let mut text = self.say(names, early);
        if down && !back.is_empty() {
            text +=
                &format!("; {} had been started again by something else before the end", names.list(&back));
        }
        Evidence::new(down, text)
    }
}
