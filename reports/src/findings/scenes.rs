//! Chooses what is drawn of each anomaly: its witness, the order that was tried, and the neighbours on the same key
//! that were under way at the time.

use std::collections::BTreeSet;

use checkers::{Anomaly, Verdict};
use history::{Key, OpIndex};

use super::{OutcomeKind, Scene, recorded::Recorded};

/// How many anomalies are drawn; all of them are told.
const SCENES_MAX: usize = 20;
/// How many operations of one anomaly are drawn for the proof itself.
const PROOF_MAX: usize = 60;
/// How many neighbours are drawn beside them.
const NEIGHBOURS_MAX: usize = 40;

/// The scenes of all anomalies that are drawn, and every operation of any of them, in order.
pub(super) fn stage(verdicts: &[Verdict], whole: &dyn Recorded) -> (Vec<Scene>, Vec<OpIndex>) {
    let places = verdicts.iter().enumerate().flat_map(|(verdict, judged)| {
        judged.anomalies.iter().enumerate().map(move |(anomaly, found)| (verdict, anomaly, found))
    });
    let mut drawn = BTreeSet::new();
    let mut scenes = Vec::new();
    for (verdict, anomaly, found) in places.take(SCENES_MAX) {
        let scene = scene(verdict, anomaly, found, whole);
        drawn.extend(scene.operations.iter().copied());
        scenes.push(scene);
    }
    (scenes, drawn.into_iter().collect())
}

fn scene(verdict: usize, anomaly: usize, found: &Anomaly, whole: &dyn Recorded) -> Scene {
    let exists = |operation: &OpIndex| (operation.0 as usize) < whole.len();
    let refused = found.explanation.iter().rev().find(|placement| placement.refusal.is_some());
    // In a cycle no operation is more to blame than another.
    let last = if found.cycle.is_empty() { found.witness.last().copied() } else { None };
    let culprit = refused.map(|placement| placement.operation).or(last).filter(exists);
    let mut chosen: BTreeSet<OpIndex> =
        found.witness.iter().copied().filter(exists).take(PROOF_MAX).collect();
    chosen.extend(culprit);
    // The end of the order is where it breaks, so that is the part worth drawing.
    for placement in found.explanation.iter().rev() {
        if chosen.len() >= PROOF_MAX {
            break;
        }
        chosen.extend(Some(placement.operation).filter(exists));
    }
    let omitted = add_neighbours(&mut chosen, found, culprit, whole);
    Scene { verdict, anomaly, operations: chosen.into_iter().collect(), culprit, omitted }
}

/// Adds operations on the anomaly's key that were under way during its witness, the nearest to the culprit first.
/// Returns how many more there are.
fn add_neighbours(
    chosen: &mut BTreeSet<OpIndex>,
    found: &Anomaly,
    culprit: Option<OpIndex>,
    whole: &dyn Recorded,
) -> u64 {
    let proof = || found.witness.iter().copied().chain(culprit).filter(|o| (o.0 as usize) < whole.len());
    let Some(culprit) = culprit.or_else(|| proof().next()) else { return 0 };
    let (mut from, mut until) = (u64::MAX, 0);
    for operation in proof() {
        let (began, deadline) = times(whole, operation.0 as usize);
        from = from.min(began);
        until = until.max(if deadline == u64::MAX { began } else { deadline });
    }
    // Operations are ranked by their beginning, so the last that can matter is found by a search; an operation from
    // long before may still be under way, so the first cannot be.
    let last = partition_point(whole.len(), |index| times(whole, index).0 <= until);
    let keys: Vec<Key> = match &found.key {
        Some(key) => vec![key.clone()],
        None => proof().take(PROOF_MAX).flat_map(|operation| whole.keys(operation.0 as usize)).collect(),
    };
    let mut neighbours: Vec<OpIndex> = (0..last)
        .filter(|&index| times(whole, index).1 >= from && whole.at(index).outcome != OutcomeKind::Fail)
        .filter(|&index| whole.keys(index).iter().any(|key| keys.contains(key)))
        .map(|index| OpIndex(index as u32))
        .filter(|operation| !chosen.contains(operation))
        .collect();
    let omitted = neighbours.len().saturating_sub(NEIGHBOURS_MAX);
    neighbours.sort_by_key(|operation| (operation.0.abs_diff(culprit.0), operation.0));
    chosen.extend(neighbours.into_iter().take(NEIGHBOURS_MAX));
    omitted as u64
}

/// When an operation began, and by when it must have taken effect.
fn times(whole: &dyn Recorded, index: usize) -> (u64, u64) {
    let passage = whole.at(index);
    (passage.began.0, passage.deadline.map_or(u64::MAX, |ended| ended.0))
}

/// The first place at which the condition fails.
fn partition_point(length: usize, condition: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low + (high - low) / 2;
        if condition(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
