//! Bad links: lossy, slow, duplicating, reordering, corrupting, narrow, resetting.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Error, LinkCounters, LinkPolicy};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, Settled, layer, layer::Layer, words};
use crate::{Action, Direction, Family, Peers};

/// Links that carry packets badly.
#[derive(Debug)]
pub(super) struct LinkFault {
    action: Action,
    nodes: Vec<NodeId>,
    direction: Direction,
    from: Peers,
    layer: Layer,
}

impl LinkFault {
    pub(super) fn new(action: Action, settled: &Settled<'_>) -> Self {
        let layer = Layer::new(settled.id, policy(&action), layer::of_targets(settled, true));
        Self { action, nodes: settled.nodes.clone(), direction: settled.direction, from: settled.from, layer }
    }
}

fn policy(action: &Action) -> LinkPolicy {
    let mut policy = LinkPolicy::default();
    match action {
        Action::Lossy { share } => policy.loss = *share,
        Action::Slow { delay_ms, jitter_ms, distribution } => {
            policy.delay = Duration::from_millis(*delay_ms);
            policy.jitter = Duration::from_millis(*jitter_ms);
            policy.distribution = *distribution;
        }
        Action::Duplicating { share } => policy.duplicate = *share,
        Action::Reordering { share } => policy.reorder = *share,
        Action::Corrupting { share, past_checksum } => {
            policy.corrupt = *share;
            policy.corrupt_past_checksum = *past_checksum;
        }
        Action::Narrow { bits_per_second } => policy.bandwidth_bits = *bits_per_second,
        Action::Resetting { share } => policy.reset = *share,
        _ => {}
    }
    policy
}

/// What was done to packets, as the beginning of a sentence.
fn effect(action: &Action) -> String {
    match action {
        Action::Lossy { share } => format!("lost {} of the packets", words::percent(*share)),
        Action::Slow { delay_ms, jitter_ms, .. } => {
            let jitter = match jitter_ms {
                0 => String::new(),
                jitter => format!(", give or take {},", words::milliseconds(*jitter)),
            };
            format!("delayed by {}{jitter} the packets", words::milliseconds(*delay_ms))
        }
        Action::Duplicating { share } => format!("delivered twice {} of the packets", words::percent(*share)),
        Action::Reordering { share } => format!("held back {} of the packets", words::percent(*share)),
        Action::Corrupting { share, past_checksum } => {
            let how = if *past_checksum { " past their checksums" } else { "" };
            format!("damaged{how} {} of the packets", words::percent(*share))
        }
        Action::Narrow { bits_per_second } => {
            format!("let pass only {bits_per_second} bits per second of the packets")
        }
        Action::Resetting { share } => {
            format!("turned into the end of their connections {} of the packets", words::percent(*share))
        }
        _ => String::new(),
    }
}

#[async_trait]
impl Fault for LinkFault {
    fn family(&self) -> Family {
        self.action.family()
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let (effect, targets) = (effect(&self.action), names.list(&self.nodes));
        let everywhere = self.nodes.len() == names.nodes.len() && self.from == Peers::Nodes;
        if everywhere {
            return format!("{effect} between all nodes");
        }
        let peers = layer::peers_in_words(names, &self.nodes, self.from, true);
        match self.direction {
            Direction::Both => format!("{effect} between {targets} and {peers}"),
            Direction::In => format!("{effect} to {targets} from {peers}"),
            Direction::Out => format!("{effect} from {targets} to {peers}"),
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
        let counted: (&str, fn(&LinkCounters) -> u64) = match self.action {
            Action::Lossy { .. } => ("lost", |counters| counters.lost),
            Action::Duplicating { .. } => ("duplicated", |counters| counters.duplicated),
            Action::Reordering { .. } => ("reordered", |counters| counters.reordered),
            Action::Corrupting { .. } => ("corrupted", |counters| counters.corrupted),
            Action::Resetting { .. } => ("reset connections with", |counters| counters.reset),
            Action::Narrow { .. } => {
                ("delayed or dropped", |counters| counters.delayed + counters.overflowed)
            }
            _ => ("delayed", |counters| counters.delayed),
        };
        self.layer.judge(names, (early, late), counted)
    }
}
