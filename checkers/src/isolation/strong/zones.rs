//! What real time says about the order of the chains of a key, where every transaction happens at one point.
//!
//! Nothing of another chain happens inside a chain. So if anything of one had ended before anything of another began, all
//! of it comes before, as with the zones of a single register. That leaves little open.

use super::{
    super::{meter::Meter, problem::Problem},
    layout::{Chain, Layout},
};
use crate::Limit;

/// So many chains are told to come before one, at most: those that were there last. The others mostly come before these,
/// and what is left out here is found by who looks for an order.
const NEAREST: usize = 4;
/// How many are looked at for that.
const LOOKED_AT: usize = 16;

const NEVER: u64 = u64::MAX;

/// When a chain was certainly there.
#[derive(Clone, Copy)]
struct Zone {
    chain: u32,
    /// By when the first of it had ended, and when the last of it began.
    begun: u64,
    lasting: u64,
    /// When the first write of it began, and by when all of it had ended.
    earliest: u64,
    latest: u64,
}

/// The edges that the zones of all keys give, besides those that real time gives between single transactions.
pub(super) fn edges(problem: &Problem, layout: &Layout, meter: &mut Meter) -> Result<Vec<(u32, u32)>, Limit> {
    let mut edges = Vec::new();
    let mut zones: Vec<Zone> = Vec::new();
    for bounds in layout.bounds.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1) {
        zones.clear();
        zones.extend((bounds[0]..bounds[1]).map(|chain| zone(problem, layout, chain)));
        zones.sort_unstable_by_key(|zone| (zone.begun, zone.chain));
        meter.spend(zones.len() as u64)?;
        for zone in &zones {
            let before = zones.partition_point(|other| other.begun < zone.lasting);
            let nearest = zones[..before].iter().rev().take(LOOKED_AT);
            // All of an earlier one had ended when this began: real time says that already.
            let told = nearest.filter(|other| other.chain != zone.chain && other.latest >= zone.earliest);
            for other in told.take(NEAREST) {
                let chain = |number: u32| &layout.chains[number as usize];
                edges.extend(layout.before(chain(other.chain), chain(zone.chain)));
            }
        }
    }
    meter.hold(edges.len() * 8)?;
    Ok(edges)
}

fn zone(problem: &Problem, layout: &Layout, number: u32) -> Zone {
    let Chain { key, first, last, .. } = layout.chains[number as usize];
    let earliest = problem.spans[first as usize].began;
    let mut zone = Zone { chain: number, begun: NEVER, lasting: 0, earliest, latest: 0 };
    let mut writer = first;
    loop {
        let version = Layout::version(problem, writer, key);
        for &t in layout.readers.of(version).iter().chain([&writer]) {
            let span = problem.spans[t as usize];
            let ended = span.ended.unwrap_or(NEVER);
            zone.begun = zone.begun.min(ended);
            zone.lasting = zone.lasting.max(span.began);
            zone.latest = zone.latest.max(ended);
        }
        if writer == last {
            return zone;
        }
        writer = layout.updater[version as usize];
    }
}
