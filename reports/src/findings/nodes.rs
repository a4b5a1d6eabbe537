//! How the calls to each node ended, over time, and how soon a node answered again after a fault.

use history::{FaultRecord, FaultState, Nanos, NodeId};
use serde::{Deserialize, Serialize};

use super::{OutcomeKind, recorded::Recorded};

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

/// For each fault, how long after its end every node that it struck had answered a call that began after it; `None`
/// for a fault that never ended or was never in force, and where a node never answered again.
///
/// A success on a node closes all waits of that node, so this is one pass over the history.
pub(super) fn answered(history: &dyn Recorded, names: &[String]) -> Vec<Option<Nanos>> {
    let faults = history.faults();
    let nodes = names.len().min(NODES_MAX);
    let struck = |fault: &FaultRecord| -> Vec<usize> {
        let named: Vec<usize> = (0..nodes).filter(|&node| fault.nodes.contains(&names[node])).collect();
        if named.is_empty() { (0..nodes).collect() } else { named }
    };
    let mut order: Vec<(u64, usize)> = faults
        .iter()
        .enumerate()
        .filter(|(_, fault)| fault.state == FaultState::Installed)
        .filter_map(|(place, fault)| Some((fault.ended?.0, place)))
        .collect();
    order.sort_unstable();
    let mut next = order.iter().copied().peekable();
    let mut waits: Vec<Vec<(usize, u64)>> = vec![Vec::new(); nodes];
    let mut first: Vec<Vec<u64>> = vec![Vec::new(); faults.len()];
    for operation in history.passages() {
        while let Some((_, place)) = next.next_if(|&(ended, _)| ended <= operation.began.0) {
            for node in struck(&faults[place]) {
                waits[node].push((place, u64::MAX));
            }
        }
        let (OutcomeKind::Ok, Some(ended)) = (operation.outcome, operation.ended) else { continue };
        let Some(open) = waits.get_mut(usize::from(operation.node.0)) else { continue };
        open.retain_mut(|(place, best)| {
            let still_open = *best > operation.began.0;
            if still_open {
                *best = ended.0.min(*best);
            } else {
                first[*place].push(*best);
            }
            still_open
        });
    }
    for (place, best) in waits.into_iter().flatten().filter(|&(_, best)| best < u64::MAX) {
        first[place].push(best);
    }
    let told = |(place, fault): (usize, &FaultRecord)| {
        let all = first[place].len() == struck(fault).len();
        let last = first[place].iter().max().filter(|_| all)?;
        Some(Nanos(last.saturating_sub(fault.ended?.0)))
    };
    faults.iter().enumerate().map(told).collect()
}
