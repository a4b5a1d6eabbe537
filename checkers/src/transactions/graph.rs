//! The graph of what must come before what, and the two linear passes over it: an order, or the knots that have none.

use super::edges::{Edges, NONE, Target};

/// Edges by where they begin, in the order they were added.
#[derive(Debug)]
pub(super) struct Graph {
    starts: Vec<u32>,
    targets: Vec<Target>,
}

impl Graph {
    pub fn new(edges: &Edges) -> Self {
        Self::of_pairs(edges.nodes, &edges.pairs)
    }

    pub fn of_pairs(nodes: u32, pairs: &[(u32, Target)]) -> Self {
        let mut starts = vec![0u32; nodes as usize + 1];
        for (from, _) in pairs {
            starts[*from as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            starts[node + 1] += starts[node];
        }
        let mut free = starts.clone();
        let mut targets = vec![Target::new(0, super::edges::Kind::Pass); pairs.len()];
        for (from, target) in pairs {
            let place = &mut free[*from as usize];
            targets[*place as usize] = *target;
            *place += 1;
        }
        Self { starts, targets }
    }

    pub fn nodes(&self) -> u32 {
        (self.starts.len() - 1) as u32
    }

    pub fn from(&self, node: u32) -> &[Target] {
        &self.targets[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// The nodes in an order that every edge agrees with, as far as there is one: what is missing lies on a cycle, or
    /// behind one.
    pub fn order(&self) -> Vec<u32> {
        let mut before = vec![0u32; self.nodes() as usize];
        for target in &self.targets {
            before[target.node() as usize] += 1;
        }
        let mut order: Vec<u32> = Vec::with_capacity(before.len());
        order.extend((0..self.nodes()).filter(|&node| before[node as usize] == 0));
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for target in self.from(node) {
                let before = &mut before[target.node() as usize];
                *before -= 1;
                if *before == 0 {
                    order.push(target.node());
                }
            }
        }
        order
    }

    /// The strongly connected components of two nodes and more that edges of the mask make among these nodes; each
    /// sorted, in the order of their first nodes.
    pub fn knots(&self, nodes: &[u32], mask: u8) -> Vec<Vec<u32>> {
        let mut search = Knots {
            rank: vec![OUTSIDE; self.nodes() as usize],
            low: vec![0; self.nodes() as usize],
            ranked: 0,
            open: Vec::new(),
            path: Vec::new(),
            found: Vec::new(),
        };
        nodes.iter().for_each(|&node| search.rank[node as usize] = NONE);
        for &node in nodes {
            if search.rank[node as usize] == NONE {
                search.explore(self, node, mask);
            }
        }
        search.found.sort_unstable_by_key(|knot| knot[0]);
        search.found
    }
}

/// Rank of a node that is not to be looked at, or no longer.
const OUTSIDE: u32 = u32::MAX - 1;

/// Tarjan's search, with its own stack since a path can be as long as a history.
struct Knots {
    rank: Vec<u32>,
    low: Vec<u32>,
    ranked: u32,
    open: Vec<u32>,
    path: Vec<(u32, u32)>,
    found: Vec<Vec<u32>>,
}

impl Knots {
    fn enter(&mut self, node: u32) {
        self.rank[node as usize] = self.ranked;
        self.low[node as usize] = self.ranked;
        self.ranked += 1;
        self.open.push(node);
        self.path.push((node, 0));
    }

    fn explore(&mut self, graph: &Graph, root: u32, mask: u8) {
        self.enter(root);
        while let Some((node, place)) = self.path.last_mut() {
            let node = *node;
            let Some(target) = graph.from(node).get(*place as usize) else {
                self.leave(node);
                continue;
            };
            *place += 1;
            let to = target.node();
            if mask & target.kind().bit() == 0 || self.rank[to as usize] == OUTSIDE {
                continue;
            }
            if self.rank[to as usize] == NONE {
                self.enter(to);
            } else {
                self.low[node as usize] = self.low[node as usize].min(self.rank[to as usize]);
            }
        }
    }

    fn leave(&mut self, node: u32) {
        self.path.pop();
        if let Some((before, _)) = self.path.last() {
            self.low[*before as usize] = self.low[*before as usize].min(self.low[node as usize]);
        }
        if self.low[node as usize] < self.rank[node as usize] {
            return;
        }
        let start =
            self.open.iter().rposition(|&open| open == node).expect("a node is open until it is left");
        let mut knot = self.open.split_off(start);
        knot.iter().for_each(|&node| self.rank[node as usize] = OUTSIDE);
        if knot.len() > 1 {
            knot.sort_unstable();
            self.found.push(knot);
        }
    }
}
