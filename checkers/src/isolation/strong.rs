//! The levels for which the order of versions must be guessed: from prefix to strict serializability.

mod guess;
mod layout;
mod parallel;
mod reasons;
mod repair;
mod search;
mod topology;
mod zones;

use super::{Level, decision::Finding, graph::Edge, level::Scope, meter::Meter, problem::Problem};
use crate::Limit;
use layout::{Demand, Layout};

pub(super) use layout::Clash;
pub(super) use reasons::circle as reasoned_circle;

fn demand(level: Level) -> Demand {
    match level {
        Level::Prefix | Level::StrongSessionPrefix => Demand::Prefix,
        Level::SnapshotIsolation | Level::StrongSessionSnapshotIsolation | Level::StrongSnapshotIsolation => {
            Demand::Snapshot
        }
        _ => Demand::Serial,
    }
}

fn is_parallel(level: Level) -> bool {
    matches!(level, Level::ParallelSnapshotIsolation | Level::StrongSessionParallelSnapshotIsolation)
}

/// Looks for an order, where the edges (known and inferred) have no circle.
pub(super) fn find(
    problem: &Problem,
    level: Level,
    edges: &[Edge],
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    if is_parallel(level) {
        // Snapshot isolation is stronger, and its order is found sooner.
        let found = find_with(problem, Demand::Snapshot, false, edges, meter)?;
        match found {
            Finding::Kept(_) => return Ok(Finding::Kept(None)),
            Finding::Clash(_) => return Ok(found),
            _ => {}
        }
        return parallel::find(problem, edges, meter);
    }
    let real_time = level.scope() == Scope::RealTime;
    find_with(problem, demand(level), real_time, edges, meter)
}

/// Looks for an order in real time, helped by the zones of the keys. What is wrong is better told without them.
pub(super) fn find_in_time(
    problem: &Problem,
    edges: &[Edge],
    meter: &mut Meter,
) -> Result<Option<Finding>, Limit> {
    let mut layout = Layout::new(problem, Demand::Serial, edges, true, meter)?;
    if layout.clash.is_some() {
        return Ok(None);
    }
    let further = zones::edges(problem, &layout, meter)?;
    layout.edges.extend(further);
    let Some(order) = guess::order(problem, &layout) else { return Ok(None) };
    let found = repair::repair(problem, &layout, &order, meter)?;
    Ok(Some(found).filter(|found| matches!(found, Finding::Kept(_))))
}

fn find_with(
    problem: &Problem,
    demand: Demand,
    real_time: bool,
    edges: &[Edge],
    meter: &mut Meter,
) -> Result<Finding, Limit> {
    let layout = Layout::new(problem, demand, edges, real_time, meter)?;
    if let Some(clash) = layout.clash {
        return Ok(Finding::Clash(clash));
    }
    let Some(order) = guess::order(problem, &layout) else {
        return Ok(Finding::Disorder(repair::on_circle(&layout)));
    };
    repair::repair(problem, &layout, &order, meter)
}
