//! How the calls to each node ended, over time, and how soon a node answered again after a fault.

use history::{FaultRecord, FaultState, Nanos, NodeId};
use serde::{Deserialize, Serialize};

use super::OutcomeKind;

/// How many nodes are told apart.
const NODES_MAX: usize = 48;

/// How the calls to one node ended, in each bin of [`super::Overview::bin`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeries {
    /// The node.
    pub node: String,
    /// How many happened.
    pub ok: Vec<u32>,
    /// How many certainly did not.
    pub fail: Vec<u32>,
    /// How many nobody can say about.
    pub unknown: Vec<u32>,
}

/// The bins of time of the overview.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bins {
    pub began: u64,
    pub length: u64,
    pub count: usize,
}

impl Bins {
    pub fn of(self, at: Nanos) -> usize {
        ((at.0.saturating_sub(self.began) / self.length) as usize).min(self.count - 1)
    }
}

/// Counts by node as the operations go by.
pub(super) struct Watch {
    bins: Bins,
    nodes: Vec<NodeSeries>,
}

impl Watch {
    pub fn new(bins: Bins, names: &[String]) -> Self {
        let series = |name: &String| NodeSeries {
            node: name.clone(),
            ok: vec![0; bins.count],
            fail: vec![0; bins.count],
            unknown: vec![0; bins.count],
        };
        Self { bins, nodes: names.iter().take(NODES_MAX).map(series).collect() }
    }

    pub fn add(&mut self, node: NodeId, outcome: OutcomeKind, at: Nanos) {
        let bin = self.bins.of(at);
        let Some(series) = self.nodes.get_mut(usize::from(node.0)) else { return };
        let counts = match outcome {
            OutcomeKind::Ok => &mut series.ok,
            OutcomeKind::Fail => &mut series.fail,
            OutcomeKind::Unknown => &mut series.unknown,
        };
        counts[bin] += 1;
    }

    pub fn finish(self) -> Vec<NodeSeries> {
        self.nodes
    }
}

/// How soon nodes answered again after each fault, as operations go by in whatever order.
pub(super) struct Answers {
    /// Of each node, the faults that struck it by when they ended: the end, the fault's place, and when the earliest success
    /// ended that had begun after it. What began after a later fault began after an earlier one too, so these never fall.
    nodes: Vec<Vec<(u64, usize, u64)>>,
}

impl Answers {
    pub fn new(faults: &[FaultRecord], names: &[String]) -> Self {
        let mut nodes: Vec<Vec<(u64, usize, u64)>> = vec![Vec::new(); names.len().min(NODES_MAX)];
        for (place, fault) in faults.iter().enumerate() {
            let Some(ended) = fault.ended.filter(|_| fault.state == FaultState::Installed) else { continue };
            let is_named = names.iter().take(nodes.len()).any(|name| fault.nodes.contains(name));
            for (node, name) in nodes.iter_mut().zip(names) {
                if !is_named || fault.nodes.contains(name) {
                    node.push((ended.0, place, u64::MAX));
                }
            }
        }
        nodes.iter_mut().for_each(|faults| faults.sort_unstable());
        Self { nodes }
    }

    pub fn add(&mut self, node: NodeId, outcome: OutcomeKind, (began, ended): (Nanos, Option<Nanos>)) {
        let (OutcomeKind::Ok, Some(ended)) = (outcome, ended) else { return };
        let Some(faults) = self.nodes.get_mut(usize::from(node.0)) else { return };
        let over = faults.partition_point(|&(end, ..)| end <= began.0);
        for (_, _, earliest) in faults[..over].iter_mut().rev() {
            if *earliest <= ended.0 {
                break;
            }
            *earliest = ended.0;
        }
    }

    /// For each fault, how long after its end every node that it struck had answered a call that began after it; `None` for a
    /// fault that never ended or was never in force, and where a node never answered again.
    pub fn finish(self, faults: usize) -> Vec<Option<Nanos>> {
        let mut answered: Vec<Option<u64>> = vec![None; faults];
        for (end, place, earliest) in self.nodes.into_iter().flatten() {
            let took = earliest.saturating_sub(end);
            let slowest = &mut answered[place];
            *slowest = Some(slowest.unwrap_or(0).max(if earliest == u64::MAX { u64::MAX } else { took }));
        }
        answered.into_iter().map(|took| took.filter(|&took| took < u64::MAX).map(Nanos)).collect()
    }
}

#[cfg(test)]
mod tests {
    use history::FaultId;

    use super::*;

    fn fault(ended: u64, nodes: &[&str]) -> FaultRecord {
        FaultRecord {
            id: FaultId(0),
            family: "kill".into(),
            description: String::new(),
            nodes: nodes.iter().map(|&node| node.into()).collect(),
            began: Nanos(0),
            ended: Some(Nanos(ended)),
            state: FaultState::Installed,
            evidence: String::new(),
        }
    }

    #[test]
    fn the_earliest_success_after_each_fault_counts_in_whatever_order_they_come() {
        let names = ["n1".to_string(), "n2".to_string()];
        let faults = [fault(100, &["n1"]), fault(50, &[]), fault(400, &["n2"])];
        let mut state = 3u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..500 {
            let operations: Vec<(u16, u64, u64)> = (0..12)
                .map(|_| {
                    let began = next(500);
                    (next(2) as u16, began, began + next(90))
                })
                .collect();
            let mut answers = Answers::new(&faults, &names);
            for &(node, began, ended) in &operations {
                answers.add(NodeId(node), OutcomeKind::Ok, (Nanos(began), Some(Nanos(ended))));
                answers.add(NodeId(node), OutcomeKind::Fail, (Nanos(began), Some(Nanos(0))));
            }
            let slowest = |fault: &FaultRecord| {
                let end = fault.ended.unwrap().0;
                let struck = (0u16..2).filter(|&node| {
                    fault.nodes.is_empty() || fault.nodes.contains(&names[usize::from(node)])
                });
                let of_node = |node: u16| {
                    let after = operations.iter().filter(|&&(at, began, _)| at == node && began >= end);
                    after.map(|&(_, _, ended)| ended - end).min()
                };
                struck.map(of_node).collect::<Option<Vec<u64>>>().and_then(|all| all.into_iter().max())
            };
            let expected: Vec<Option<Nanos>> = faults.iter().map(|fault| slowest(fault).map(Nanos)).collect();
            assert_eq!(answers.finish(faults.len()), expected, "{operations:?}");
        }
    }
}
