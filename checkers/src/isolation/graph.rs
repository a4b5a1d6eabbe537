//! Graphs of transactions: which must come before which, and why; orders and circles of them.

use super::problem::{INITIAL, Lists, NONE, Problem, Read};

/// Why one transaction must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Why {
    /// The same session made both.
    Session,
    /// It had ended before the other began.
    RealTime,
    /// The other read from it.
    Read,
    /// A reader to which it is visible still read the other's value.
    Hidden,
    /// It read a version that the other replaced.
    Replaced,
    /// It read a version that the other, which comes after its writer, replaced.
    Overtaken,
    /// Both wrote the key and must not overlap, and it began before the other committed.
    Apart,
}

/// One step of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Edge {
    pub from: u32,
    pub to: u32,
    pub why: Why,
    /// The key that it is about.
    pub key: u32,
    /// The transaction whose read shows it, where that is a third one.
    pub reader: u32,
}

impl Edge {
    pub fn new(from: u32, to: u32, why: Why, key: u32, reader: u32) -> Self {
        Self { from, to, why, key, reader }
    }
}

/// The edges that hold at every level: from writers to readers and, where sessions count, along them.
pub(super) fn known_edges(problem: &Problem, sessions: bool) -> Vec<Edge> {
    let mut edges = Vec::with_capacity(problem.reads.len() + problem.len());
    for t in problem.transactions() {
        if let Some(before) = problem.previous(t).filter(|_| sessions) {
            edges.push(Edge::new(before, t, Why::Session, NONE, NONE));
        }
        for &Read { key, from } in problem.reads(t).iter().filter(|read| read.from != INITIAL) {
            edges.push(Edge::new(from, t, Why::Read, key, t));
        }
    }
    edges
}

/// What `reader` saw of a key was `seen` although `visible`, which wrote the key too, is visible to it: then `visible` is
/// the older of the two. If the initial value was seen, that cannot be, and the edge closes a circle.
pub(super) fn older(visible: u32, seen: u32, key: u32, reader: u32) -> Edge {
    if seen == INITIAL {
        Edge::new(reader, visible, Why::Replaced, key, reader)
    } else {
        Edge::new(visible, seen, Why::Hidden, key, reader)
    }
}

/// Edges, by where they begin.
pub(super) struct Graph<'e> {
    pub edges: &'e [Edge],
    out: Lists,
}

impl<'e> Graph<'e> {
    pub fn new(nodes: usize, edges: &'e [Edge]) -> Self {
        let out = Lists::gather(nodes, || (0u32..).zip(edges).map(|(place, edge)| (edge.from, place)));
        Self { edges, out }
    }

    /// The edges that begin at a node.
    pub fn from(&self, node: u32) -> impl Iterator<Item = &'e Edge> {
        let edges = self.edges;
        self.out.of(node).iter().map(move |&place| &edges[place as usize])
    }

    /// All nodes so that every edge leads from an earlier to a later one, if there is no circle.
    pub fn order(&self) -> Option<Vec<u32>> {
        let nodes = self.out.len();
        let mut open = vec![0u32; nodes];
        for edge in self.edges {
            open[edge.to as usize] += 1;
        }
        let mut order: Vec<u32> = (0..nodes as u32).filter(|&node| open[node as usize] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for edge in self.from(node) {
                open[edge.to as usize] -= 1;
                if open[edge.to as usize] == 0 {
                    order.push(edge.to);
                }
            }
        }
        (order.len() == nodes).then_some(order)
    }

    /// For each node the number of its strongly connected component.
    pub fn components(&self) -> Vec<u32> {
        let nodes = self.out.len();
        let (mut index, mut low) = (vec![0u32; nodes], vec![0u32; nodes]);
        let mut component = vec![NONE; nodes];
        let (mut stack, mut path) = (Vec::new(), Vec::<(u32, u32)>::new());
        let (mut counter, mut components) = (0, 0);
        for root in 0..nodes as u32 {
            if index[root as usize] != 0 {
                continue;
            }
            path.push((root, 0));
            while let Some(&mut (node, ref mut next)) = path.last_mut() {
                let n = node as usize;
                if *next == 0 {
                    counter += 1;
                    (index[n], low[n]) = (counter, counter);
                    stack.push(node);
                }
                let list = self.out.of(node);
                if let Some(&place) = list.get(*next as usize) {
                    *next += 1;
                    let to = self.edges[place as usize].to;
                    if index[to as usize] == 0 {
                        path.push((to, 0));
                    } else if component[to as usize] == NONE {
                        low[n] = low[n].min(index[to as usize]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(parent, _)) = path.last() {
                    low[parent as usize] = low[parent as usize].min(low[n]);
                }
                if low[n] == index[n] {
                    while let Some(member) = stack.pop() {
                        component[member as usize] = components;
                        if member == node {
                            break;
                        }
                    }
                    components += 1;
                }
            }
        }
        component
    }

    /// How many nodes lie on circles.
    pub fn caught(&self, component: &[u32]) -> u64 {
        let mut caught = vec![false; self.out.len()];
        for edge in self.edges {
            if component[edge.from as usize] == component[edge.to as usize] {
                caught[edge.from as usize] = true;
                caught[edge.to as usize] = true;
            }
        }
        caught.iter().filter(|caught| **caught).count() as u64
    }

    /// A shortest circle, if there is one: of equally short ones the first. Beyond a great many steps, the shortest
    /// that was found by then.
    pub fn shortest_circle(&self) -> Option<Vec<Edge>> {
        const STEPS: usize = 2_000_000;
        let component = self.components();
        let nodes = self.out.len();
        let inside = |edge: &Edge| component[edge.from as usize] == component[edge.to as usize];
        let (mut seen, mut parent) = (vec![NONE; nodes], vec![NONE; nodes]);
        let (mut best, mut steps): (Option<Vec<Edge>>, usize) = (None, 0);
        for start in 0..nodes as u32 {
            let limit = best.as_ref().map_or(usize::MAX, Vec::len);
            if limit <= 2 || (steps > STEPS && best.is_some()) {
                break;
            }
            if !self.from(start).any(inside) {
                continue;
            }
            let (mut queue, mut depth) = (vec![start], vec![0usize]);
            let (mut next, mut last) = (0, None);
            seen[start as usize] = start;
            'search: while let Some(&node) = queue.get(next) {
                let far = depth[next] + 1;
                next += 1;
                if far >= limit {
                    break;
                }
                for &place in self.out.of(node) {
                    steps += 1;
                    let edge = &self.edges[place as usize];
                    if !inside(edge) {
                        continue;
                    }
                    if edge.to == start {
                        last = Some(place);
                        break 'search;
                    }
                    if seen[edge.to as usize] != start {
                        seen[edge.to as usize] = start;
                        parent[edge.to as usize] = place;
                        queue.push(edge.to);
                        depth.push(far);
                    }
                }
            }
            if let Some(last) = last {
                best = Some(self.walk_back(start, last, &parent));
            }
        }
        best
    }

    /// The nodes of a shortest path between two nodes; none if there is no path.
    pub fn path(&self, from: u32, to: u32) -> Vec<u32> {
        let mut before = vec![NONE; self.out.len()];
        let mut queue = vec![from];
        let mut next = 0;
        while let Some(&node) = queue.get(next) {
            next += 1;
            if node == to {
                let mut path = vec![to];
                while path[path.len() - 1] != from {
                    path.push(before[path[path.len() - 1] as usize]);
                }
                return path;
            }
            for edge in self.from(node) {
                if before[edge.to as usize] == NONE && edge.to != from {
                    before[edge.to as usize] = node;
                    queue.push(edge.to);
                }
            }
        }
        Vec::new()
    }

    fn walk_back(&self, start: u32, last: u32, parent: &[u32]) -> Vec<Edge> {
        let mut circle = vec![self.edges[last as usize]];
        while circle[circle.len() - 1].from != start {
            let node = circle[circle.len() - 1].from;
            circle.push(self.edges[parent[node as usize] as usize]);
        }
        circle.reverse();
        circle
    }
}
