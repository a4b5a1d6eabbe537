//! The levels for which the order of versions must be guessed: from prefix to strict serializability.

mod guess;
mod layout;
mod repair;
mod search;
mod topology;

use super::{
    Level,
    circle::Contradiction,
    decision::{Decision, Order},
    graph::Edge,
    level::Scope,
    meter::Meter,
    problem::Problem,
};
use crate::{Limit, Validity};
use layout::{Demand, Layout};

/// What a search over orders found.
pub(super) enum Found {
    /// This order.
    Order(Order),
    /// There is none; these transactions, and perhaps others, show it.
    Nothing(Vec<u32>),
}

fn demand(level: Level) -> Demand {
    match level {
        Level::Prefix | Level::StrongSessionPrefix => Demand::Prefix,
        Level::SnapshotIsolation | Level::StrongSessionSnapshotIsolation | Level::StrongSnapshotIsolation => {
            Demand::Snapshot
        }
        _ => Demand::Serial,
    }
}

/// Looks for an order, where the edges (known and inferred) have no circle.
pub(super) fn find(
    problem: &Problem,
    level: Level,
    edges: &[Edge],
    meter: &mut Meter,
) -> Result<Found, Limit> {
    let real_time = level.scope() == Scope::RealTime;
    let layout = Layout::new(problem, demand(level), edges, real_time, meter)?;
    if let Some((_, one, other)) = layout.clash {
        return Ok(Found::Nothing(vec![one, other]));
    }
    let Some(order) = guess::order(problem, &layout) else {
        return Ok(Found::Nothing(repair::on_circle(&layout)));
    };
    repair::repair(problem, &layout, &order, meter)
}

/// Judges a level whose edges have no circle.
pub(super) fn judge(
    problem: &Problem,
    level: Level,
    edges: &[Edge],
    meter: &mut Meter,
) -> Result<Decision, Limit> {
    match find(problem, level, edges, meter)? {
        Found::Order(order) => Ok(Decision { order: Some(order), ..Decision::default() }),
        Found::Nothing(culprits) => Ok(Decision {
            validity: Validity::Invalid,
            contradictions: vec![Contradiction::of_group(problem, level, culprits)],
            ..Decision::default()
        }),
    }
}
