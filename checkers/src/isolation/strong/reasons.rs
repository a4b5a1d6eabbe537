//! A circle of reasons for a small history that has no order, if inference without trial and error finds one.

use super::{
    super::{
        Level,
        graph::{Edge, Graph, Why, known_edges},
        level::Scope,
        problem::{INITIAL, NONE, Problem},
    },
    demand, is_parallel,
    layout::Demand,
};

/// What is known about the order of points: beginnings are even, commits odd.
struct Order<'p> {
    problem: &'p Problem,
    demand: Demand,
    edges: Vec<Edge>,
    /// For each point, which points it leads to.
    reach: Vec<Vec<bool>>,
}

/// A shortest circle of what can be inferred.
pub(in super::super) fn circle(problem: &Problem, level: Level) -> Option<Vec<Edge>> {
    if is_parallel(level) {
        return None;
    }
    let mut order = Order {
        problem,
        demand: demand(level),
        edges: Vec::new(),
        reach: vec![vec![false; 2 * problem.len()]; 2 * problem.len()],
    };
    order.begin(level);
    loop {
        let before = order.edges.len();
        order.infer();
        let graph = Graph::new(2 * problem.len(), &order.edges);
        if graph.order().is_none() {
            let circle = graph.shortest_circle()?;
            let by_transaction =
                circle.into_iter().map(|edge| Edge { from: edge.from / 2, to: edge.to / 2, ..edge });
            return Some(by_transaction.filter(|edge| edge.from != edge.to).collect());
        }
        if order.edges.len() == before {
            return None;
        }
    }
}

impl Order<'_> {
    fn begin(&mut self, level: Level) {
        let problem = self.problem;
        for t in problem.transactions() {
            self.add(Edge::new(2 * t, 2 * t + 1, Why::Session, NONE, t));
            if self.demand == Demand::Serial {
                self.add(Edge::new(2 * t + 1, 2 * t, Why::Session, NONE, t));
            }
        }
        for edge in known_edges(problem, level.scope() != Scope::Plain) {
            self.add(Edge { from: 2 * edge.from + 1, to: 2 * edge.to, ..edge });
        }
        if level.scope() == Scope::RealTime {
            for (one, other) in pairs(problem) {
                let ended = problem.spans[one as usize].ended;
                if ended.is_some_and(|ended| ended < problem.spans[other as usize].began) {
                    self.add(Edge::new(2 * one + 1, 2 * other, Why::RealTime, NONE, NONE));
                }
            }
        }
    }

    fn add(&mut self, edge: Edge) {
        let (from, to) = (edge.from as usize, edge.to as usize);
        // At serializability both points of a transaction are one, so such steps are no edges.
        let same = from / 2 == to / 2;
        if !(same && self.demand == Demand::Serial) {
            let (from, to) = if self.demand == Demand::Serial { (from & !1, to & !1) } else { (from, to) };
            self.edges.push(Edge { from: from as u32, to: to as u32, ..edge });
        }
        if self.reach[from][to] {
            return;
        }
        let mut targets: Vec<usize> = (0..self.reach.len()).filter(|&point| self.reach[to][point]).collect();
        targets.push(to);
        for source in (0..self.reach.len())
            .filter(|&point| point == from || self.reach[point][from])
            .collect::<Vec<_>>()
        {
            for &target in &targets {
                self.reach[source][target] = true;
            }
        }
    }

    fn leads(&self, from: u32, to: u32) -> bool {
        self.reach[from as usize][to as usize]
    }

    /// Adds what is not known yet.
    fn learn(&mut self, edge: Edge) {
        if !self.leads(edge.from, edge.to) {
            self.add(edge);
        }
    }

    fn infer(&mut self) {
        let problem = self.problem;
        for reader in problem.transactions() {
            for read in problem.reads(reader) {
                for rival in problem.transactions().filter(|&t| t != reader && t != read.from) {
                    if problem.has_written(rival, read.key) {
                        self.compare(reader, read.key, read.from, rival);
                    }
                }
            }
        }
        if self.demand == Demand::Snapshot {
            for (one, other) in pairs(problem) {
                let shared = problem.writes(one).iter().find(|&&key| problem.has_written(other, key));
                if let Some(&key) = shared.filter(|_| self.leads(2 * one, 2 * other + 1)) {
                    self.learn(Edge::new(2 * one + 1, 2 * other, Why::Apart, key, NONE));
                }
            }
        }
    }

    /// A rival of whom a reader read is either older, or newer than what the reader saw.
    fn compare(&mut self, reader: u32, key: u32, from: u32, rival: u32) {
        let reads_too = self.problem.reads(rival).iter().any(|read| (read.key, read.from) == (key, from));
        let newer = from == INITIAL || reads_too || self.leads(2 * from + 1, 2 * rival + 1);
        if newer {
            let why = if from == INITIAL || reads_too { Why::Replaced } else { Why::Overtaken };
            self.learn(Edge::new(2 * reader, 2 * rival + 1, why, key, reader));
        }
        if from != INITIAL && self.leads(2 * rival + 1, 2 * reader) {
            let target = if self.demand == Demand::Prefix { 2 * from + 1 } else { 2 * from };
            self.learn(Edge::new(2 * rival + 1, target, Why::Hidden, key, reader));
        }
    }
}

fn pairs(problem: &Problem) -> impl Iterator<Item = (u32, u32)> {
    problem
        .transactions()
        .flat_map(|one| problem.transactions().map(move |other| (one, other)))
        .filter(|(a, b)| a != b)
}
