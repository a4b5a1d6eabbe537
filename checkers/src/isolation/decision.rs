//! What is decided about a problem at a level.

use super::{
    Level,
    causality::{self, known_order},
    circle::Contradiction,
    closure::Points,
    graph::{Edge, Graph, known_edges},
    level::Scope,
    meter::Meter,
    problem::Problem,
    sessions,
    strong::{self, Clash},
    views, witness,
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
    let mut decision = match examine(problem, level, &mut meter) {
        Ok(Finding::Kept(order)) => Decision { order, ..Decision::default() },
        Ok(finding) => Decision {
            validity: Validity::Invalid,
            contradictions: vec![witness::prove(problem, level, finding, &mut meter)],
            ..Decision::default()
        },
        Err(limit) => Decision { validity: Validity::Unknown, limit: Some(limit), ..Decision::default() },
    };
    if decision.validity == Validity::Valid && !problem.doubts.is_empty() {
        decision.validity = Validity::Unknown;
    }
    decision
}

/// What an engine found.
pub(super) enum Finding {
    /// Nothing is wrong; perhaps with an order that proves it.
    Kept(Option<Order>),
    /// A circle, and how many transactions are on circles.
    Circle(Vec<Edge>, u64),
    /// Two transactions replaced the same version.
    Clash(Clash),
    /// There is no order; these transactions, perhaps with others, show it.
    Disorder(Vec<u32>),
}

/// Looks for something wrong beyond single reads.
pub(super) fn examine(problem: &Problem, level: Level, meter: &mut Meter) -> Result<Finding, Limit> {
    use Level::*;
    let with_sessions = level.scope() != Scope::Plain;
    let mut edges = known_edges(problem, with_sessions);
    meter.spend(edges.len() as u64)?;
    match level {
        ReadCommitted | StrongSessionReadCommitted => Ok(circles(problem.len(), &edges)),
        MonotonicAtomicView | StrongSessionMonotonicAtomicView => {
            views::monotonic(problem, meter, &mut edges)?;
            Ok(circles(problem.len(), &edges))
        }
        ReadAtomic | StrongSessionReadAtomic => {
            views::atomic(problem, with_sessions, meter, &mut edges)?;
            Ok(circles(problem.len(), &edges))
        }
        ReadYourWrites | MonotonicReads | MonotonicWrites | WritesFollowReads | Pram => {
            sessions::examine(problem, level, &edges, meter)
        }
        CausalCerone => causal_without_sessions(problem, edges, meter),
        _ => {
            let Some(order) = known_order(problem, &edges) else {
                return Ok(circles(problem.len(), &edges));
            };
            match level {
                WeakCausal | Causal | CausalMemory => {
                    sessions::examine_causality(problem, level, &order, &edges, meter)
                }
                CausalConvergent => {
                    causality::convergent(problem, &order, meter, &mut edges)?;
                    Ok(circles(problem.len(), &edges))
                }
                _ => examine_strong(problem, level, &order, edges, meter),
            }
        }
    }
}

/// A violation needs no session, so where the form with sessions holds this one does.
fn causal_without_sessions(
    problem: &Problem,
    mut edges: Vec<Edge>,
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    let mut along = known_edges(problem, true);
    if let Some(order) = known_order(problem, &along) {
        causality::convergent(problem, &order, meter, &mut along)?;
        if known_order(problem, &along).is_some() {
            return Ok(Finding::Kept(None));
        }
    }
    if let Some(points) = Points::of_reads(problem) {
        points.infer(true, meter, &mut edges)?;
    }
    Ok(circles(problem.len(), &edges))
}

/// The levels that need a search: first what can be inferred without one.
fn examine_strong(
    problem: &Problem,
    level: Level,
    order: &[u32],
    mut edges: Vec<Edge>,
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    if level.scope() == Scope::Plain {
        let most = 1_000_000 + 1_000 * problem.len() as u64;
        // An order that respects sessions is found sooner, and is as good as any.
        let along = meter.attempt(most, |meter| along_sessions(problem, level, meter))?;
        if let Some(kept @ Finding::Kept(_)) = along {
            return Ok(kept);
        }
        views::atomic(problem, false, meter, &mut edges)?;
    } else {
        if level == Level::StrictSerializable {
            let most = 1_000_000 + 100 * problem.len() as u64;
            // What is right is mostly found sooner so.
            let in_time = meter.attempt(most, |meter| strong::find_in_time(problem, &edges, meter))?;
            if let Some(Some(kept)) = in_time {
                return Ok(kept);
            }
        }
        causality::convergent(problem, order, meter, &mut edges)?;
    }
    match circles(problem.len(), &edges) {
        Finding::Kept(_) => strong::find(problem, level, &edges, meter),
        found => Ok(found),
    }
}

/// The same level, with sessions respected.
fn along_sessions(problem: &Problem, level: Level, meter: &mut Meter) -> Result<Finding, Limit> {
    let mut edges = known_edges(problem, true);
    if let Some(order) = known_order(problem, &edges) {
        causality::convergent(problem, &order, meter, &mut edges)?;
    }
    match circles(problem.len(), &edges) {
        Finding::Kept(_) => strong::find(problem, level, &edges, meter),
        found => Ok(found),
    }
}

/// A shortest circle of edges, if they have one.
pub(super) fn circles(nodes: usize, edges: &[Edge]) -> Finding {
    let graph = Graph::new(nodes, edges);
    if graph.order().is_some() {
        return Finding::Kept(None);
    }
    let involved = graph.caught(&graph.components());
    Finding::Circle(graph.shortest_circle().unwrap_or_default(), involved)
}
