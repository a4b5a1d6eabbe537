//! A graph that keeps an order of its nodes while edges come and go.
//!
//! This is the incremental topological order of Pearce and Kelly: an edge that agrees with the order costs nothing, and one
//! that does not costs a search among the nodes between its ends. Taking an edge away never disturbs the order.

use super::super::{meter::Meter, problem::Lists};
use crate::Limit;

/// Marks an edge that always holds.
pub(super) const ALWAYS: u32 = u32::MAX;

/// A node and, for the edge that leads to it, the literal that the edge depends on.
type Step = (u32, u32);

pub(super) struct Topology {
    fixed_out: Lists,
    fixed_in: Lists,
    out: Vec<Vec<Step>>,
    into: Vec<Vec<Step>>,
    /// The rank of each node.
    pub rank: Vec<u32>,
    marks: Vec<u32>,
    mark: u32,
    parent: Vec<Step>,
    ahead: Vec<u32>,
    behind: Vec<u32>,
}

/// A circle that an edge would close: the nodes from its end back to its beginning, and the literals of their edges.
#[derive(Clone, Debug, Default)]
pub(super) struct Loop {
    pub nodes: Vec<u32>,
    pub literals: Vec<u32>,
}

impl Topology {
    /// A graph with these edges, in this order of all nodes, which they must respect.
    pub fn new(edges: &[(u32, u32)], order: &[u32]) -> Self {
        let nodes = order.len();
        let mut rank = vec![0; nodes];
        for (place, &node) in (0u32..).zip(order) {
            rank[node as usize] = place;
        }
        Self {
            fixed_out: Lists::gather(nodes, || edges.iter().copied()),
            fixed_in: Lists::gather(nodes, || edges.iter().map(|&(from, to)| (to, from))),
            out: vec![Vec::new(); nodes],
            into: vec![Vec::new(); nodes],
            rank,
            marks: vec![0; nodes],
            mark: 0,
            parent: vec![(0, 0); nodes],
            ahead: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// About how many bytes a graph of so many nodes and edges takes.
    pub fn bytes(nodes: usize, edges: usize) -> usize {
        nodes * 76 + edges * 8
    }

    /// Adds an edge, or says which circle it would close.
    pub fn add(
        &mut self,
        from: u32,
        to: u32,
        literal: u32,
        meter: &mut Meter,
    ) -> Result<Result<(), Loop>, Limit> {
        if let Some(found) = self.path(to, from, meter)? {
            return Ok(Err(found));
        }
        if self.rank[from as usize] > self.rank[to as usize] {
            self.reorder(from, to, meter)?;
        }
        self.out[from as usize].push((to, literal));
        self.into[to as usize].push((from, literal));
        Ok(Ok(()))
    }

    /// All edges, the ones that always hold and the others.
    pub fn edges(&self) -> Vec<(u32, u32)> {
        let nodes = 0..self.rank.len() as u32;
        let fixed = nodes.clone().flat_map(|node| self.fixed_out.of(node).iter().map(move |&to| (node, to)));
        let added = nodes.flat_map(|node| self.out[node as usize].iter().map(move |&(to, _)| (node, to)));
        fixed.chain(added).collect()
    }

    /// Takes away the edge between these that was added last.
    pub fn remove(&mut self, from: u32, to: u32) {
        self.out[from as usize].pop();
        self.into[to as usize].pop();
    }

    /// A shortest path between two nodes, if there is one. Afterwards the nodes that were seen are in `ahead`.
    pub fn path(&mut self, from: u32, to: u32, meter: &mut Meter) -> Result<Option<Loop>, Limit> {
        self.ahead.clear();
        if from == to {
            return Ok(Some(Loop { nodes: vec![from], literals: Vec::new() }));
        }
        let limit = self.rank[to as usize];
        if self.rank[from as usize] > limit {
            return Ok(None);
        }
        self.mark += 1;
        let mark = self.mark;
        self.marks[from as usize] = mark;
        self.ahead.push(from);
        let mut next = 0;
        while let Some(&node) = self.ahead.get(next) {
            next += 1;
            let fixed = self.fixed_out.of(node).iter().map(|&to| (to, ALWAYS));
            for (target, literal) in fixed.chain(self.out[node as usize].iter().copied()) {
                if self.rank[target as usize] > limit || self.marks[target as usize] == mark {
                    continue;
                }
                self.marks[target as usize] = mark;
                self.parent[target as usize] = (node, literal);
                if target == to {
                    return Ok(Some(self.walk_back(from, to)));
                }
                self.ahead.push(target);
            }
        }
        meter.spend(next as u64)?;
        Ok(None)
    }

    fn walk_back(&self, from: u32, to: u32) -> Loop {
        let mut found = Loop { nodes: vec![to], literals: Vec::new() };
        let mut node = to;
        while node != from {
            let (before, literal) = self.parent[node as usize];
            if literal != ALWAYS {
                found.literals.push(literal);
            }
            found.nodes.push(before);
            node = before;
        }
        found
    }

    /// Moves what leads to `from` before what `to` leads to; the search from `to` has just filled `ahead`.
    fn reorder(&mut self, from: u32, to: u32, meter: &mut Meter) -> Result<(), Limit> {
        let limit = self.rank[to as usize];
        self.mark += 1;
        let mark = self.mark;
        self.behind.clear();
        self.behind.push(from);
        self.marks[from as usize] = mark;
        let mut next = 0;
        while let Some(&node) = self.behind.get(next) {
            next += 1;
            let added = self.into[node as usize].iter().map(|&(source, _)| source);
            for source in self.fixed_in.of(node).iter().copied().chain(added) {
                if self.rank[source as usize] >= limit && self.marks[source as usize] != mark {
                    self.marks[source as usize] = mark;
                    self.behind.push(source);
                }
            }
        }
        meter.spend(next as u64)?;
        let rank = &mut self.rank;
        self.behind.sort_unstable_by_key(|&node| rank[node as usize]);
        self.ahead.sort_unstable_by_key(|&node| rank[node as usize]);
        let mut places: Vec<u32> =
            self.behind.iter().chain(&self.ahead).map(|&node| rank[node as usize]).collect();
        places.sort_unstable();
        for (&node, place) in self.behind.iter().chain(&self.ahead).zip(places) {
            rank[node as usize] = place;
        }
        Ok(())
    }
}
