//! Swizzle: nodes are cut off one by one, and come back one by one in another order, so that the cluster goes through many
//! shapes that no single partition has.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use cluster::{Error, LinkPolicy};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, Settled, layer, layer::Layer, rest};
use crate::{Direction, Family, Peers};

/// Nodes that are cut off in turn.
#[derive(Debug)]
pub(super) struct Swizzle {
    nodes: Vec<NodeId>,
    step: Duration,
    from: Peers,
    /// What is cut after each step of going away, and then after each step of coming back.
    layers: Vec<Layer>,
    /// All links that any step cuts.
    all: Layer,
    steps: AtomicU64,
}

impl Swizzle {
    pub(super) fn new(step_ms: u64, settled: Settled<'_>) -> Self {
        let nodes = settled.nodes.clone();
        let cut = |nodes: Vec<NodeId>| {
            let policy = LinkPolicy { cut: true, ..LinkPolicy::default() };
            let part = Settled { nodes, direction: Direction::Both, ..settled.clone() };
            Layer::new(settled.id, policy, layer::of_targets(&part, true))
        };
        let going = (1..=nodes.len()).map(|gone| nodes[..gone].to_vec());
        // They come back with the one that was cut off last but one first, and the rest as they went: an order that is
        // neither that of going nor its reverse, and that needs no drawing.
        let mut back = nodes.clone();
        let count = back.len();
        if count > 2 {
            back.rotate_left(count - 2);
        }
        let coming = (1..count).map(|come| back[come..].to_vec());
        let layers = going.chain(coming).map(cut).collect();
        let all = cut(nodes.clone());
        let step = Duration::from_millis(step_ms);
        Self { nodes, step, from: settled.from, layers, all, steps: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Fault for Swizzle {
    fn family(&self) -> Family {
        Family::Swizzle
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let whom = match self.from {
            Peers::Nodes => "all other nodes",
            Peers::Clients => "the clients",
            Peers::Everybody => "everybody",
        };
        format!(
            "cut {} off from {whom} one by one, {} ms apart, and let them back in another order",
            names.list(&self.nodes),
            self.step.as_millis()
        )
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        match self.layers.first() {
            Some(first) => first.impose(scene).await,
            None => self.all.impose(scene).await,
        }
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        for layer in self.layers.iter().skip(1) {
            if !rest(over, self.step).await {
                return Ok(());
            }
            layer.impose(scene).await?;
            self.steps.fetch_add(1, Relaxed);
        }
        if rest(over, self.step).await {
            self.all.lift(scene).await?;
            self.steps.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.all.lift(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        self.all.probe(scene).await
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let mut evidence = self.all.judge(names, (early, late), ("dropped", |counters| counters.cut));
        let (steps, most) = (1 + self.steps.load(Relaxed), 2 * self.nodes.len());
        evidence.text = format!("{steps} of {most} steps: {}", evidence.text);
        evidence
    }
}
