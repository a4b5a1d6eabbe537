//! Half-open: a node restarts, and nothing that says so gets out, so that the other end of each of its connections goes on
//! to believe in it.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cluster::{Error, LinkPolicy};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, Settled, layer, layer::Layer, processes};
use crate::{Direction, Family, Peers};

/// Connections of which one end is gone.
#[derive(Debug)]
pub(super) struct HalfOpen {
    nodes: Vec<NodeId>,
    layer: Layer,
    /// The counters before it came: connections end while a node dies, before anybody can look a first time.
    before: Mutex<Option<Probe>>,
}

impl HalfOpen {
    pub(super) fn new(settled: &Settled<'_>) -> Self {
        let policy = LinkPolicy { hush: true, ..LinkPolicy::default() };
        let both = Settled { direction: Direction::Both, from: Peers::Everybody, ..settled.clone() };
        let layer = Layer::new(settled.id, policy, layer::of_targets(&both, true));
        Self { nodes: settled.nodes.clone(), layer, before: Mutex::default() }
    }
}

#[async_trait]
impl Fault for HalfOpen {
    fn family(&self) -> Family {
        Family::HalfOpen
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!(
            "killed and started {} while no end and no reset of a connection passed on its links",
            names.list(&self.nodes)
        )
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        let before = self.layer.probe(scene).await?;
        self.before.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before);
        self.layer.impose(scene).await?;
        processes::on_all(&self.nodes, |node| control.kill(scene.cluster, node)).await?;
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        let lifted = self.layer.lift(scene).await;
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await?;
        lifted
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        self.layer.probe(scene).await
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let early = before.as_ref().unwrap_or(early);
        self.layer.judge(names, (early, late), ("kept back ends of connections:", |counters| counters.hushed))
    }
}
