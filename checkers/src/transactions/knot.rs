//! A strongly connected part of the graph, small enough to be looked at closely.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    edges::{Kind, Target},
    graph::Graph,
};

/// A part of a graph with nodes of its own numbering.
#[derive(Debug)]
pub(super) struct Knot {
    /// The node of the whole graph for each of its own, ascending, so that transactions come before hubs.
    pub origin: Vec<u32>,
    /// How many of its nodes are transactions.
    pub transactions: u32,
    /// The edges within.
    pub graph: Graph,
}

impl Knot {
    /// `place` is scratch space of one word per node of the whole graph, all of them `NONE`, and is left so.
    pub fn new(graph: &Graph, transactions: u32, origin: Vec<u32>, place: &mut [u32]) -> Self {
        use super::edges::NONE;
        for (local, node) in (0..).zip(&origin) {
            place[*node as usize] = local;
        }
        let mut pairs: Vec<(u32, Target)> = Vec::new();
        for (local, node) in (0..).zip(&origin) {
            let within = graph.from(*node).iter().filter(|target| place[target.node() as usize] != NONE);
            pairs.extend(within.map(|target| (local, target.moved(place[target.node() as usize]))));
        }
        origin.iter().for_each(|node| place[*node as usize] = NONE);
        let transactions = origin.partition_point(|node| *node < transactions) as u32;
        let graph = Graph::of_pairs(origin.len() as u32, &pairs);
        Self { origin, transactions, graph }
    }

    /// Whether snapshots explain it: then no cycle has only separate rw edges. Each transaction is split into where it
    /// begins and where it commits; what it saw had committed before it began, and what it missed had not. `beyond` are the
    /// edges that do not come from the data.
    pub fn has_snapshots(&self, beyond: u8) -> bool {
        let (begin, commit) = (|node: u32| 2 * node, |node: u32| 2 * node + 1);
        let mut pairs: Vec<(u32, Target)> =
            (0..self.transactions).map(|node| (begin(node), Target::new(commit(node), Kind::Pass))).collect();
        for node in 0..self.graph.nodes() {
            for target in self.graph.from(node) {
                let (to, kind) = (target.node(), target.kind());
                match kind {
                    // A hub is reached by edges of one kind, and passes on what it was reached by.
                    Kind::Pass => {
                        pairs.push((begin(node), target.moved(begin(to))));
                        pairs.push((commit(node), target.moved(commit(to))));
                    }
                    Kind::Rw => pairs.push((begin(node), target.moved(commit(to)))),
                    Kind::Process | Kind::Realtime if beyond & kind.bit() == 0 => {}
                    _ => pairs.push((commit(node), target.moved(begin(to)))),
                }
            }
        }
        let split = Graph::of_pairs(2 * self.graph.nodes(), &pairs);
        split.order().len() == split.nodes() as usize
    }

    /// Transactions such that every cycle of the mask within these nodes goes through one of them: those that must be
    /// put into an order before their time. The one that began first goes first, so a single edge that points back in
    /// time costs one transaction, however much it ties together.
    pub fn feedback(&self, nodes: &[u32], mask: u8) -> Vec<u32> {
        let size = self.graph.nodes() as usize;
        let mut inside = vec![false; size];
        nodes.iter().for_each(|node| inside[*node as usize] = true);
        let mut before = vec![0u32; size];
        let follow = |node: u32| {
            self.graph.from(node).iter().filter(|target| mask & target.kind().bit() != 0).map(|to| to.node())
        };
        for node in nodes {
            follow(*node).filter(|to| inside[*to as usize]).for_each(|to| before[to as usize] += 1);
        }
        let mut ready: BinaryHeap<Reverse<u32>> =
            nodes.iter().filter(|node| before[**node as usize] == 0).map(|node| Reverse(*node)).collect();
        let (mut forced, mut waiting) = (Vec::new(), nodes.iter());
        loop {
            let node = match ready.pop() {
                Some(Reverse(node)) => node,
                None => match waiting.find(|node| inside[**node as usize]) {
                    Some(node) => {
                        forced.push(*node);
                        *node
                    }
                    None => return forced,
                },
            };
            inside[node as usize] = false;
            for to in follow(node) {
                if inside[to as usize] {
                    before[to as usize] -= 1;
                    if before[to as usize] == 0 {
                        ready.push(Reverse(to));
                    }
                }
            }
        }
    }
}
