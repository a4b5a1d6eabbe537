//! What is decided about a problem at a level.

use super::{
    Level, causality,
    circle::Contradiction,
    graph::{Edge, Graph, known_edges},
    level::Scope,
    meter::Meter,
    problem::Problem,
    strong, views,
};
use crate::{Budget, Limit, Validity};

/// The answer about one problem at one level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The judgement. [`Problem::flaws`] and [`Problem::doubts`] are part of it.
    pub validity: Validity,
    /// The places in [`Problem::flaws`] of those that break the level.
    pub flaws: Vec<usize>,
    /// What was proven wrong besides.
    pub contradictions: Vec<Contradiction>,
    /// For the valid verdicts of the levels from prefix to strict serializability: an order in which all reads are right.
    pub order: Option<Order>,
    /// The limit that was hit.
    pub limit: Option<Limit>,
}

/// An order that proves a level; see [`verify`](super::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Transactions, one after the other.
    Serial(Vec<u32>),
    /// Beginnings and commits: each transaction is listed twice, first where it took its snapshot, then where it committed.
    Snapshots(Vec<u32>),
}

/// Judges a problem by a level.
pub fn decide(problem: &Problem, level: Level, budget: &Budget) -> Decision {
    let flaws: Vec<usize> =
        (0..problem.flaws.len()).filter(|&place| problem.flaws[place].kind.breaks(level)).collect();
    if !flaws.is_empty() {
        return Decision { validity: Validity::Invalid, flaws, ..Decision::default() };
    }
    if level.scope() == Scope::RealTime && problem.spans.is_empty() && !problem.is_empty() {
        return Decision { validity: Validity::Unknown, ..Decision::default() };
    }
    let mut meter = Meter::new(budget);
    let mut decision = match judge(problem, level, &mut meter) {
        Ok(decision) => decision,
        Err(limit) => Decision { validity: Validity::Unknown, limit: Some(limit), ..Decision::default() },
    };
    if decision.validity == Validity::Valid && !problem.doubts.is_empty() {
        decision.validity = Validity::Unknown;
    }
    decision
}

fn judge(problem: &Problem, level: Level, meter: &mut Meter) -> Result<Decision, Limit> {
    use Level::*;
    let with_sessions = level.scope() != Scope::Plain;
    let mut edges = known_edges(problem, with_sessions);
    meter.spend(edges.len() as u64)?;
    match level {
        ReadCommitted | StrongSessionReadCommitted => {}
        MonotonicAtomicView | StrongSessionMonotonicAtomicView => {
            views::monotonic(problem, meter, &mut edges)?;
        }
        ReadAtomic | StrongSessionReadAtomic => {
            views::atomic(problem, with_sessions, meter, &mut edges)?;
        }
        _ => {
            let Some(order) = causality::known_order(problem, &edges) else {
                return Ok(circles(problem, level, &edges));
            };
            if with_sessions {
                causality::convergent(problem, &order, meter, &mut edges)?;
            } else {
                views::atomic(problem, false, meter, &mut edges)?;
            }
        }
    }
    if matches!(
        level,
        Prefix
            | SnapshotIsolation
            | Serializable
            | StrongSessionPrefix
            | StrongSessionSnapshotIsolation
            | StrongSessionSerializable
            | StrongSnapshotIsolation
            | StrictSerializable
    ) {
        let decision = circles(problem, level, &edges);
        if decision.validity == Validity::Invalid {
            return Ok(decision);
        }
        return strong::judge(problem, level, &edges, meter);
    }
    let mut decision = circles(problem, level, &edges);
    let (weaker, stronger) = (
        matches!(
            level,
            ReadYourWrites
                | MonotonicReads
                | MonotonicWrites
                | WritesFollowReads
                | Pram
                | WeakCausal
                | Causal
        ),
        matches!(level, CausalMemory | ParallelSnapshotIsolation | StrongSessionParallelSnapshotIsolation),
    );
    let invalid = decision.validity == Validity::Invalid;
    if (weaker && invalid) || (stronger && !invalid) || (level == CausalCerone && !invalid) {
        decision = Decision { validity: Validity::Unknown, ..Decision::default() };
    }
    Ok(decision)
}

/// Valid if the edges have no circle.
fn circles(problem: &Problem, level: Level, edges: &[Edge]) -> Decision {
    let graph = Graph::new(problem.len(), edges);
    if graph.order().is_some() {
        return Decision::default();
    }
    let involved = graph.caught(&graph.components());
    let circle = graph.shortest_circle();
    let contradictions = circle.map(|circle| Contradiction::of_circle(problem, level, circle, involved));
    Decision {
        validity: Validity::Invalid,
        contradictions: contradictions.into_iter().collect(),
        ..Decision::default()
    }
}
