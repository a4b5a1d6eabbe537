//! Nodes whose machines lose power: what was not synced is gone. Also what may have become of a disk while its machine was
//! off: bits that turned round, ends of files that are missing.
//!
//! The order matters. The links are cut first, so that nothing that is still said gets out; then every process is ended;
//! then the disk goes back to what was synced, the connection through which the kernel could still write to it is
//! aborted, and it is mounted anew. The links come back together with the processes.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;
use cluster::{Error, LinkPolicy, disk::Outage};
use history::NodeId;

use super::{
    Evidence, Fault, Names, Probe, Scene, Settled, layer, layer::Layer, processes, processes::is_down,
};
use crate::{Action, Direction, Family, Peers};

/// Switches nodes off and on again.
#[derive(Debug)]
pub(super) struct MainSwitch {
    nodes: Vec<NodeId>,
    layer: Layer,
    /// What came of it, by node.
    said: Mutex<Vec<(NodeId, String)>>,
    /// They were switched on again.
    is_over: AtomicBool,
}

impl MainSwitch {
    pub(super) fn new(settled: &Settled<'_>) -> Self {
        let policy = LinkPolicy { cut: true, ..LinkPolicy::default() };
        let both = Settled { direction: Direction::Both, from: Peers::Everybody, ..settled.clone() };
        let layer = Layer::new(settled.id, policy, layer::of_targets(&both, true));
        Self { nodes: settled.nodes.clone(), layer, said: Mutex::default(), is_over: AtomicBool::new(false) }
    }

    /// Switches them off, and strikes their disks; each with a seed of its own.
    pub(super) async fn off(&self, scene: Scene<'_>, outage: &Outage) -> Result<(), Error> {
        let control = processes::control(scene)?;
        if scene.cluster.network.is_some() {
            self.layer.impose(scene).await?;
        }
        processes::on_all(&self.nodes, |node| control.kill(scene.cluster, node)).await?;
        processes::on_all(&self.nodes, |node| async move {
            let disk = scene.cluster.node(node).remote()?.disk()?;
            let said = disk.go_dark(&of_node(outage, node)).await?;
            self.said.lock().unwrap_or_else(PoisonError::into_inner).push((node, said));
            Ok(())
        })
        .await
    }

    /// Switches them on.
    pub(super) async fn on(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        let lifted = match scene.cluster.network {
            Some(_) => self.layer.lift(scene).await,
            None => Ok(()),
        };
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await?;
        self.is_over.store(true, Relaxed);
        lifted
    }

    /// Whether they were switched on again.
    pub(super) fn is_on_again(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// What came of it.
    pub(super) fn say(&self, names: &Names) -> String {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        said.sort();
        let parts: Vec<String> =
            said.iter().map(|(node, text)| format!("{} {text}", names.plain(*node))).collect();
        parts.join("; ")
    }
}

fn of_node(outage: &Outage, node: NodeId) -> Outage {
    let own = |seed: u64| seed.wrapping_add(u64::from(node.0).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    match outage.clone() {
        Outage::TornWrites(seed) => Outage::TornWrites(own(seed)),
        Outage::FlippedBits { count, path, seed } => Outage::FlippedBits { count, path, seed: own(seed) },
        Outage::Truncated { bytes, path, seed } => Outage::Truncated { bytes, path, seed: own(seed) },
        plain @ (Outage::PowerLoss | Outage::RolledBack) => plain,
    }
}

/// Nodes that are off, and what became of their disks meanwhile.
#[derive(Debug)]
pub(super) struct Off {
    family: Family,
    switch: MainSwitch,
    outage: Outage,
}

impl Off {
    pub(super) fn new(settled: &Settled<'_>) -> Self {
        let outage = match settled.action.clone() {
            Action::TornWrite { seed } => Outage::TornWrites(seed),
            Action::BitFlip { count, path, seed } => Outage::FlippedBits { count, path, seed },
            Action::Truncate { bytes, path, seed } => Outage::Truncated { bytes, path, seed },
            _ => Outage::PowerLoss,
        };
        Self { family: settled.action.family(), switch: MainSwitch::new(settled), outage }
    }
}

#[async_trait]
impl Fault for Off {
    fn family(&self) -> Family {
        self.family
    }

    fn targets(&self) -> &[NodeId] {
        &self.switch.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let nodes = names.list(&self.switch.nodes);
        let several = if self.switch.nodes.len() > 1 { " at once" } else { "" };
        match &self.outage {
            Outage::TornWrites(_) => format!("cut the power of {nodes}{several}, in the middle of writing"),
            Outage::FlippedBits { count: 1, .. } => {
                format!("turned a bit round on the disk of {nodes}, which was off")
            }
            Outage::FlippedBits { count, .. } => {
                format!("turned {count} bits round on the disk of {nodes}, which was off")
            }
            Outage::Truncated { .. } => {
                format!("cut off the end of a file on the disk of {nodes}, which was off")
            }
            Outage::PowerLoss | Outage::RolledBack => format!("cut the power of {nodes}{several}"),
        }
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.switch.off(scene, &self.outage).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.switch.on(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        processes::probe(scene, &self.switch.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        // A database may refuse to serve from a damaged disk once it is started, and stay down rightly.
        let is_damaged = matches!(self.outage, Outage::FlippedBits { .. } | Outage::Truncated { .. });
        if is_damaged && self.switch.is_on_again() {
            return Some(false);
        }
        match probe {
            Probe::Processes(states) if states.iter().all(|(_, state)| is_down(*state)) => Some(true),
            Probe::Processes(states) if !states.iter().any(|(_, state)| is_down(*state)) => Some(false),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, _: &Probe) -> Evidence {
        let said = self.switch.say(names);
        let sure = self.in_force(early) == Some(true) && !said.is_empty();
        Evidence::new(sure, format!("{}; {said}", self.say(names, early)))
    }
}
