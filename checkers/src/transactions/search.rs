//! The shortest cycle of a class: breadth-first over transactions and states of the class's automaton, each pair at
//! most once, so that the cost of one search is bounded by the edges times the states.

use super::{
    class::{Class, State},
    edges::{Kind, NONE},
    knot::Knot,
};
use crate::{Budget, Limit};

/// One step of a cycle: a transaction of the whole graph, and how the next one follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub from: u32,
    pub kind: Kind,
}

/// A simple cycle: each step leads to the next, and the last to the first.
pub(super) type Cycle = Vec<Step>;

/// Counts what the searches in one knot have cost.
#[derive(Debug)]
pub(super) struct Effort<'a> {
    budget: &'a Budget,
    spent: u64,
}

impl<'a> Effort<'a> {
    pub fn new(budget: &'a Budget) -> Self {
        Self { budget, spent: 0 }
    }

    /// One step more.
    pub fn spend(&mut self) -> Result<(), Limit> {
        self.spent += 1;
        if self.spent > self.budget.steps_max {
            return Err(Limit::Steps(self.budget.steps_max));
        }
        if self.spent.is_multiple_of(4096) && self.budget.is_expired() {
            return Err(Limit::Time);
        }
        Ok(())
    }
}

/// A node in a state, and the reached node before it.
#[derive(Clone, Copy, Debug)]
struct Reached {
    node: u32,
    state: State,
    kind: Kind,
    before: u32,
}

/// Space that the searches in one knot share.
#[derive(Debug)]
pub(super) struct Search<'k> {
    knot: &'k Knot,
    /// One bit for each state in which a node was reached.
    visited: Vec<u64>,
    reached: Vec<Reached>,
    /// The part that the search stays in.
    part: Vec<u32>,
    parts: u32,
}

impl<'k> Search<'k> {
    pub fn new(knot: &'k Knot) -> Self {
        let size = knot.origin.len();
        Self { knot, visited: vec![0; size], reached: Vec::new(), part: vec![0; size], parts: 0 }
    }

    /// A shortest closed walk of the class within a strongly connected part of the knot.
    pub fn walk(
        &mut self,
        nodes: &[u32],
        class: Class,
        effort: &mut Effort<'_>,
    ) -> Result<Option<Cycle>, Limit> {
        self.parts += 1;
        nodes.iter().for_each(|node| self.part[*node as usize] = self.parts);
        let mut best: Option<Cycle> = None;
        for start in self.knot.feedback(nodes, class.mask()) {
            // Two transactions are the fewest that can contradict each other.
            let longest = best.as_ref().map_or(u32::MAX, |cycle| cycle.len() as u32 - 1);
            if longest < 2 {
                break;
            }
            if let Some(cycle) = self.through(start, class, longest, effort)? {
                best = Some(cycle);
            }
        }
        Ok(best)
    }

    /// A shortest closed walk of the class through a node, of at most so many steps.
    fn through(
        &mut self,
        start: u32,
        class: Class,
        longest: u32,
        effort: &mut Effort<'_>,
    ) -> Result<Option<Cycle>, Limit> {
        self.reached.clear();
        self.reached.push(Reached { node: start, state: 0, kind: Kind::Pass, before: NONE });
        let (mut level, mut next, mut length) = (vec![0u32], Vec::new(), 0);
        let found = 'search: loop {
            while let Some(entry) = level.pop() {
                let Reached { node, state, .. } = self.reached[entry as usize];
                if entry != 0 {
                    if node == start && class.accepts(state) {
                        break 'search Some(entry);
                    }
                    if self.visited[node as usize] >> state & 1 == 1 {
                        continue;
                    }
                    self.visited[node as usize] |= 1 << state;
                }
                for target in self.knot.graph.from(node) {
                    effort.spend()?;
                    let (to, kind) = (target.node(), target.kind());
                    if class.mask() & kind.bit() == 0 || self.part[to as usize] != self.parts {
                        continue;
                    }
                    let Some(state) = class.step(state, kind) else { continue };
                    if self.visited[to as usize] >> state & 1 == 1 {
                        continue;
                    }
                    // A passage costs nothing: it belongs to the step that led to the hub.
                    let level = if kind == Kind::Pass { &mut level } else { &mut next };
                    level.push(self.reached.len() as u32);
                    self.reached.push(Reached { node: to, state, kind, before: entry });
                }
            }
            length += 1;
            if next.is_empty() || length > longest {
                break None;
            }
            // The stack is emptied from its end, so what was found first is looked at first.
            next.reverse();
            std::mem::swap(&mut level, &mut next);
        };
        for reached in &self.reached {
            self.visited[reached.node as usize] = 0;
        }
        Ok(found.map(|entry| self.cycle(entry)))
    }

    /// The walk that ended with this entry, without its hubs.
    fn cycle(&self, entry: u32) -> Cycle {
        let mut path = Vec::new();
        let mut at = entry;
        while at != NONE {
            path.push(self.reached[at as usize]);
            at = self.reached[at as usize].before;
        }
        path.reverse();
        let mut steps: Cycle = Vec::new();
        let (mut from, mut kind) = (path[0].node, Kind::Pass);
        for reached in &path[1..] {
            if reached.kind != Kind::Pass {
                kind = reached.kind;
            }
            if reached.node < self.knot.transactions {
                steps.push(Step { from: self.knot.origin[from as usize], kind });
                from = reached.node;
            }
        }
        steps
    }
}

/// The simple cycles that a closed walk is made of.
pub(super) fn simple(walk: Cycle) -> Vec<Cycle> {
    let (mut open, mut cycles): (Cycle, Vec<Cycle>) = (Vec::new(), Vec::new());
    for step in walk {
        if let Some(place) = open.iter().position(|earlier| earlier.from == step.from) {
            cycles.push(open.split_off(place));
        }
        open.push(step);
    }
    cycles.push(open);
    cycles
}
