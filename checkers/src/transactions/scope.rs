//! Edges that no data shows: the order within a session, and real time.

use history::{History, Vocabulary};
use rustc_hash::FxHashMap;

use super::{
    edges::{Edges, Kind},
    fate::Fate,
};

/// How far a promise reaches beyond the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Only what the data shows.
    Plain,
    /// And the order within each session.
    Session,
    /// And real time.
    Realtime,
}

/// Each transaction of a session comes before the next one. Nothing comes after an unknown one: it may take effect
/// later.
pub(super) fn sessions<V: Vocabulary>(history: &History<V>, fates: &[Fate], edges: &mut Edges) {
    let mut last: FxHashMap<u32, u32> = FxHashMap::default();
    for (node, (operation, fate)) in (0..).zip(history.operations.iter().zip(fates)) {
        if !fate.took_effect() {
            continue;
        }
        if let Some(&before) = last.get(&operation.process.0) {
            edges.add(before, node, Kind::Process);
        }
        if *fate == Fate::Committed {
            last.insert(operation.process.0, node);
        }
    }
}

/// Whatever ended before another began comes before it. Every moment at which something begins after something ended is
/// a hub, so that there are at most two edges per transaction and one per hub.
pub(super) fn realtime<V: Vocabulary>(history: &History<V>, fates: &[Fate], edges: &mut Edges) {
    let mut ends: Vec<(u64, u32)> = Vec::new();
    for (node, (operation, fate)) in (0..).zip(history.operations.iter().zip(fates)) {
        if let (Fate::Committed, Some(ended)) = (fate, operation.ended) {
            ends.push((ended.0, node));
        }
    }
    ends.sort_unstable();
    let (mut next, mut hub) = (0, None);
    for (node, (operation, fate)) in (0..).zip(history.operations.iter().zip(fates)) {
        if !fate.took_effect() {
            continue;
        }
        if ends.get(next).is_some_and(|(ended, _)| *ended < operation.began.0) {
            let fresh = edges.hub();
            if let Some(before) = hub {
                edges.add(before, fresh, Kind::Pass);
            }
            while let Some((_, ended)) = ends.get(next).filter(|(ended, _)| *ended < operation.began.0) {
                edges.add(*ended, fresh, Kind::Realtime);
                next += 1;
            }
            hub = Some(fresh);
        }
        if let Some(hub) = hub {
            edges.add(hub, node, Kind::Pass);
        }
    }
}
