//! The levels at which every session has an order of values of its own.

use super::{
    Level,
    causality::{self, Carry},
    closure::Points,
    decision::{Finding, circles},
    graph::{Edge, Graph, Why},
    guarantees, memory,
    meter::Meter,
    problem::Problem,
};
use crate::Limit;

/// Judges a session guarantee, or all of them but the last together.
pub(super) fn examine(
    problem: &Problem,
    level: Level,
    known: &[Edge],
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    let along: Vec<Edge> = known.iter().filter(|edge| edge.why == Why::Session).copied().collect();
    match level {
        Level::ReadYourWrites => {
            let inferred = guarantees::read_your_writes(problem, meter)?;
            Ok(one_by_one(problem, &[], &inferred, problem.len()))
        }
        Level::MonotonicReads => {
            let inferred = guarantees::monotonic_reads(problem, meter)?;
            Ok(one_by_one(problem, &[], &inferred, problem.len()))
        }
        Level::MonotonicWrites => {
            let inferred = guarantees::monotonic_writes(problem, meter)?;
            Ok(one_by_one(problem, &along, &inferred, problem.len()))
        }
        Level::WritesFollowReads => writes_follow_reads(problem, known, meter),
        _ => {
            let order: Vec<u32> = (0..problem.len() as u32).collect();
            let mut inferred = Vec::new();
            causality::visible(problem, &order, Carry::Sessions, meter, &mut inferred)?;
            // A session puts itself after whom it read from.
            inferred.extend(known.iter().filter(|edge| edge.why == Why::Read));
            Ok(one_by_one(problem, &along, &inferred, problem.len()))
        }
    }
}

/// Judges a level of causality whose known edges have this order.
pub(super) fn examine_causality(
    problem: &Problem,
    level: Level,
    order: &[u32],
    known: &[Edge],
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    if level == Level::CausalMemory {
        let refuted = memory::refute(problem, known, meter)?;
        return Ok(refuted.map_or(Finding::Kept(None), |edges| circles(problem.len(), &edges)));
    }
    let mut inferred = Vec::new();
    causality::convergent(problem, order, meter, &mut inferred)?;
    if level == Level::Causal {
        return Ok(one_by_one(problem, known, &inferred, problem.len()));
    }
    let replaced = causality::replaced_cause(problem, order, &inferred, meter)?;
    Ok(replaced.map_or(Finding::Kept(None), |edge| {
        circles(problem.len(), &known.iter().copied().chain([edge]).collect::<Vec<_>>())
    }))
}

/// Whether the known edges and what is inferred of the reads of each session by itself have no circle.
fn one_by_one(problem: &Problem, known: &[Edge], inferred: &[Edge], nodes: usize) -> Finding {
    let all: Vec<Edge> = known.iter().chain(inferred).copied().collect();
    let graph = Graph::new(nodes, &all);
    if graph.order().is_some() {
        return Finding::Kept(None);
    }
    let component = graph.components();
    let inside = |edge: &&Edge| component[edge.from as usize] == component[edge.to as usize];
    let known: Vec<Edge> = known.iter().filter(inside).copied().collect();
    // The session of an edge is that of the read which shows it, or of the later end.
    let per_transaction = nodes / problem.len().max(1);
    let session = |edge: &Edge| {
        let by = if edge.why == Why::Session { edge.to / per_transaction as u32 } else { edge.reader };
        problem.session[by as usize]
    };
    let mut own: Vec<(u32, Edge)> =
        inferred.iter().filter(inside).map(|edge| (session(edge), *edge)).collect();
    own.sort_by_key(|(session, _)| *session);
    for group in own.chunk_by(|one, other| one.0 == other.0) {
        let edges: Vec<Edge> = known.iter().copied().chain(group.iter().map(|(_, edge)| *edge)).collect();
        let graph = Graph::new(nodes, &edges);
        let Some(circle) = graph.shortest_circle() else { continue };
        let involved = graph.caught(&graph.components());
        return Finding::Circle(by_transaction(circle, per_transaction as u32), involved);
    }
    Finding::Kept(None)
}

/// The steps of a circle of points between different transactions.
fn by_transaction(circle: Vec<Edge>, points: u32) -> Vec<Edge> {
    let merged =
        circle.into_iter().map(|edge| Edge { from: edge.from / points, to: edge.to / points, ..edge });
    merged.filter(|edge| edge.from != edge.to).collect()
}

/// What a transaction read and what it wrote are two points here: that a session wrote something earlier demands nothing.
fn writes_follow_reads(problem: &Problem, known: &[Edge], meter: &mut Meter) -> Result<Finding, Limit> {
    let at = |edge: &Edge| match edge.why {
        Why::Session => Edge { from: 2 * edge.from, to: 2 * edge.to, ..*edge },
        _ => Edge { from: 2 * edge.from + 1, to: 2 * edge.to, ..*edge },
    };
    let mut points: Vec<Edge> = known.iter().map(at).collect();
    points.extend((0..problem.len() as u32).map(|t| Edge::new(2 * t, 2 * t + 1, Why::Session, 0, t)));
    let Some(seen) = Points::of_writes_after_reads(problem) else {
        return Ok(match circles(2 * problem.len(), &points) {
            Finding::Circle(circle, involved) => Finding::Circle(by_transaction(circle, 2), involved),
            other => other,
        });
    };
    let mut inferred = Vec::new();
    seen.infer(false, meter, &mut inferred)?;
    let inferred: Vec<Edge> = inferred
        .into_iter()
        .map(|edge| match edge.why {
            Why::Replaced => Edge { from: 2 * edge.from, to: 2 * edge.to + 1, ..edge },
            _ => Edge { from: 2 * edge.from + 1, to: 2 * edge.to + 1, ..edge },
        })
        .collect();
    Ok(one_by_one(problem, &points, &inferred, 2 * problem.len()))
}
