//! Partitions: nothing passes between some nodes, both ways or one way.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cluster::{Endpoint, Error, Link, LinkPolicy};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, Settled, layer, layer::Layer};
use crate::{Direction, Family, Peers, Shape};

/// Links that are cut.
#[derive(Debug)]
pub(super) struct Partition {
    shape: Shape,
    nodes: Vec<NodeId>,
    direction: Direction,
    from: Peers,
    layer: Layer,
}

impl Partition {
    pub(super) fn new(shape: Shape, settled: &Settled<'_>) -> Self {
        let links = match shape {
            Shape::Split => layer::of_targets(settled, false),
            Shape::Alone => layer::of_targets(settled, true),
            Shape::Ring => ring(settled),
            Shape::Bridge => bridge(settled),
        };
        let policy = LinkPolicy { cut: true, ..LinkPolicy::default() };
        let layer = Layer::new(settled.id, policy, links);
        Self { shape, nodes: settled.nodes.clone(), direction: settled.direction, from: settled.from, layer }
    }

    fn describe_sides(&self, names: &Names) -> String {
        let apart = self.shape == Shape::Alone;
        let each = if apart && self.nodes.len() > 1 { "each of " } else { "" };
        let targets = format!("{each}{}", names.list(&self.nodes));
        let peers = layer::peers_in_words(names, &self.nodes, self.from, apart);
        match self.direction {
            Direction::Both => format!("cut {targets} off from {peers} in both directions"),
            Direction::In => {
                format!("let nothing from {peers} reach {targets}, whose own packets still got out")
            }
            Direction::Out => {
                format!("let nothing from {targets} reach {peers}, whose own packets still got in")
            }
        }
    }

    fn one_way(&self) -> &'static str {
        match self.direction {
            Direction::Both => "",
            Direction::In | Direction::Out => ", with each cut in one direction only",
        }
    }
}

/// Cuts every pair that is too far apart on the ring for each node to see just a majority.
fn ring(settled: &Settled<'_>) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    let length = settled.nodes.len();
    // A majority is the node itself and this many others, half of them on each side, the odd one ahead.
    let others = length / 2;
    let (ahead, behind) = (others.div_ceil(2), others / 2);
    for (place, &node) in settled.nodes.iter().enumerate() {
        for distance in 1..length {
            // A pair stays together when either sees the other, so that no node sees less than a majority.
            let sees = distance <= ahead || length - distance <= behind;
            let is_seen = length - distance <= ahead || distance <= behind;
            if !sees && !is_seen {
                let peer = settled.nodes[(place + distance) % length];
                let one_way = settled.direction != Direction::Both && place > (place + distance) % length;
                if !one_way {
                    layer::between(&mut links, Endpoint::Node(node), Endpoint::Node(peer), settled.direction);
                }
            }
        }
    }
    links
}

/// Cuts the nodes of one side off from the other side; only the first node still reaches both.
fn bridge(settled: &Settled<'_>) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    let Some((_, left)) = settled.nodes.split_first() else { return links };
    for &node in left {
        for peer in (0..settled.count).map(|place| NodeId(place as u16)) {
            if !settled.nodes.contains(&peer) {
                layer::between(&mut links, Endpoint::Node(node), Endpoint::Node(peer), settled.direction);
            }
        }
    }
    links
}

#[async_trait]
impl Fault for Partition {
    fn family(&self) -> Family {
        Family::Partition
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        match (self.shape, self.nodes.split_first()) {
            (Shape::Ring, _) => {
                let way = self.one_way();
                format!("left every node only its neighbours on the ring {}{way}", names.list(&self.nodes))
            }
            (Shape::Bridge, Some((&bridge, left))) => {
                let right = layer::peers_in_words(names, &self.nodes, Peers::Nodes, false);
                let (bridge, left, way) = (names.one(bridge), names.list(left), self.one_way());
                format!("left {bridge} as the only bridge between {left} and {right}{way}")
            }
            _ => self.describe_sides(names),
        }
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.layer.impose(scene).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.layer.lift(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        self.layer.probe(scene).await
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        self.layer.judge(names, (early, late), ("dropped", |counters| counters.cut))
    }
}

#[cfg(test)]
mod tests;
