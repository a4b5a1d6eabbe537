//! Orders that are forced: why one call comes before another, paths of such reasons, and what a cycle of them rests on.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{calls::NONE, meter::Meter};
use crate::Limit;

/// Through how many edges of a cycle a shorter one is sought.
const TRIED: usize = 12;

/// Why one call comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Why {
    /// The session made them in this order.
    Session,
    /// The later saw what the earlier made.
    Reads,
    /// Both made a version of one key; the reader saw that of the later, and the earlier comes before the reader.
    Older {
        /// The reader.
        reader: u32,
    },
    /// The earlier saw a version, the later made another, and the writer of what was seen comes before the later. The
    /// initial version has no writer ([`NONE`]).
    Replaced {
        /// The writer of what was seen.
        writer: u32,
    },
    /// The earlier had ended before the later began.
    Realtime,
}

/// One call comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    /// The later. It comes first here, so that sorted edges are grouped by it.
    pub to: u32,
    /// The earlier.
    pub from: u32,
    /// The reason.
    pub why: Why,
    /// In which round it was found: it rests on edges of earlier rounds only.
    pub round: u32,
}

/// The edges that a model gives without any deduction.
pub(crate) trait Given {
    /// Pushes the edges that end at this call.
    fn ending_at(&self, call: u32, edges: &mut Vec<Edge>);
}

/// Edges that were deduced, grouped by where they end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deduced {
    edges: Vec<Edge>,
    starts: Vec<u32>,
}

impl Deduced {
    /// Of a graph of so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self { edges: Vec::new(), starts: vec![0; nodes + 1] }
    }

    /// Adds edges. Of two with the same ends the older one stays.
    pub fn add(&mut self, more: Vec<Edge>) {
        self.edges.extend(more);
        self.edges.sort_unstable_by_key(|edge| (edge.to, edge.from, edge.round, edge.why));
        self.edges.dedup_by_key(|edge| (edge.to, edge.from));
        let mut at = 0;
        for (node, start) in self.starts.iter_mut().enumerate() {
            while self.edges.get(at).is_some_and(|edge| (edge.to as usize) < node) {
                at += 1;
            }
            *start = u32::try_from(at).expect("edges are numbered by 32 bits");
        }
    }

    /// The edges that end at a node.
    pub fn ending_at(&self, node: u32) -> &[Edge] {
        &self.edges[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// All edges, sorted by where they end.
    pub fn all(&self) -> &[Edge] {
        &self.edges
    }
}

/// A contradiction, and the calls that it rests on.
#[derive(Clone, Debug)]
pub(crate) struct Contradiction {
    /// The cycle; empty where the contradiction is of another kind.
    pub cycle: Vec<Edge>,
    /// The calls.
    pub calls: Vec<u32>,
    /// The session whose view is contradictory, where it is one session's.
    pub session: Option<u32>,
}

/// What is given and what was deduced.
pub(crate) struct Graph<'a, G> {
    /// What is given.
    pub given: &'a G,
    /// What was deduced.
    pub deduced: &'a Deduced,
}

impl<G: Given> Graph<'_, G> {
    /// A shortest path, by edges that were found before this round.
    pub fn path(&self, from: u32, to: u32, round: u32, meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
        let mut next: FxHashMap<u32, Edge> = FxHashMap::default();
        let (mut open, mut edges) = (VecDeque::from([to]), Vec::new());
        'search: while let Some(node) = open.pop_front() {
            edges.clear();
            self.given.ending_at(node, &mut edges);
            edges.extend(self.deduced.ending_at(node).iter().filter(|edge| edge.round < round));
            meter.spend(1 + edges.len() as u64)?;
            for &edge in &edges {
                if edge.from != to && !next.contains_key(&edge.from) {
                    next.insert(edge.from, edge);
                    open.push_back(edge.from);
                    if edge.from == from {
                        break 'search;
                    }
                }
            }
        }
        let (mut path, mut node) = (Vec::new(), from);
        while node != to {
            let Some(edge) = next.get(&node) else { return Ok(Vec::new()) };
            path.push(*edge);
            node = edge.to;
        }
        Ok(path)
    }

    /// All nodes that precede these, and these, in an order that keeps all edges; else the nodes of a cycle, each after
    /// the one that precedes it.
    pub fn sort(
        &self,
        nodes: usize,
        roots: impl Iterator<Item = u32>,
        meter: &mut Meter,
    ) -> Result<Result<Vec<u32>, Vec<u32>>, Limit> {
        // Depth first, because that needs no list of what follows a node: not reached, under way, done.
        let (mut colour, mut order) = (vec![0u8; nodes], Vec::new());
        let (mut stack, mut given): (Vec<(u32, u32)>, Vec<Edge>) = (Vec::new(), Vec::new());
        for root in roots {
            if colour[root as usize] == 0 {
                colour[root as usize] = 1;
                stack.push((root, 0));
            }
            while let Some((node, next)) = stack.last_mut() {
                let at = *node;
                given.clear();
                self.given.ending_at(at, &mut given);
                let own = given.len() as u32;
                let deduced = self.deduced.ending_at(at);
                let edge =
                    if *next < own { given.get(*next as usize) } else { deduced.get((*next - own) as usize) };
                *next += 1;
                meter.spend(1)?;
                let Some(from) = edge.map(|edge| edge.from) else {
                    colour[at as usize] = 2;
                    order.push(at);
                    stack.pop();
                    continue;
                };
                match colour[from as usize] {
                    0 => {
                        colour[from as usize] = 1;
                        stack.push((from, 0));
                    }
                    1 => {
                        let begin = stack.iter().position(|&(open, _)| open == from).unwrap_or(0);
                        return Ok(Err(stack[begin..].iter().map(|&(open, _)| open).collect()));
                    }
                    _ => {}
                }
            }
        }
        Ok(Ok(order))
    }

    /// A short cycle near one whose nodes are given, each after the one that precedes it.
    pub fn shortest(&self, cycle: &[u32], meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
        let (mut through, mut edges): (Vec<Edge>, Vec<Edge>) = (Vec::new(), Vec::new());
        for (i, &node) in cycle.iter().enumerate() {
            let from = cycle[(i + 1) % cycle.len()];
            edges.clear();
            self.given.ending_at(node, &mut edges);
            edges.extend(self.deduced.ending_at(node));
            through.extend(edges.iter().find(|edge| edge.from == from).copied());
        }
        // Session order and real time have no cycle by themselves.
        through.retain(|edge| !matches!(edge.why, Why::Session | Why::Realtime));
        through.sort_unstable_by_key(|edge| (edge.round, edge.to, edge.from));
        through.truncate(TRIED);
        self.cycle(&through, meter)
    }

    /// A short cycle through one of these edges.
    fn cycle(&self, through: &[Edge], meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
        let mut best: Vec<Edge> = Vec::new();
        for &edge in through {
            if edge.from == edge.to {
                return Ok(vec![edge]);
            }
            let mut path = self.path(edge.to, edge.from, u32::MAX, meter)?;
            if !path.is_empty() && (best.is_empty() || path.len() + 1 < best.len()) {
                path.insert(0, edge);
                best = path;
            }
        }
        Ok(best)
    }

    /// All nodes that a cycle rests on: its own, and those of every path by which an edge of it was deduced, and so on.
    pub fn grounds(&self, cycle: &[Edge], meter: &mut Meter) -> Result<Vec<u32>, Limit> {
        let mut nodes: FxHashSet<u32> = FxHashSet::default();
        let mut known: FxHashSet<(u32, u32)> = FxHashSet::default();
        let mut open: Vec<Edge> = cycle.to_vec();
        while let Some(edge) = open.pop() {
            nodes.extend([edge.from, edge.to]);
            if !known.insert((edge.from, edge.to)) {
                continue;
            }
            match edge.why {
                Why::Older { reader } => {
                    nodes.insert(reader);
                    open.extend(self.path(edge.from, reader, edge.round, meter)?);
                }
                Why::Replaced { writer } if writer != NONE => {
                    nodes.insert(writer);
                    open.extend(self.path(writer, edge.to, edge.round, meter)?);
                }
                _ => {}
            }
        }
        let mut nodes: Vec<u32> = nodes.into_iter().collect();
        nodes.sort_unstable();
        Ok(nodes)
    }
}
