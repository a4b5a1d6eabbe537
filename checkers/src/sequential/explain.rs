//! Why there is no sequential order, with the few calls that prove it.

use history::{History, OpIndex, vocabulary::Register};

use super::{
    Decision, decide_within,
    saturation::{Saturation, saturate},
};
use crate::{
    Anomaly, Budget,
    levels::{
        calls::Problem,
        forced::Edge,
        meter::Meter,
        sources::Sources,
        witness::{alone, grounded, shrink},
        words::Words,
    },
};

/// The most steps of one attempt to do with fewer calls.
const STEPS_MAX: u64 = 400_000;

/// Describes the contradiction. The calls alone must be contradictory.
pub(super) fn anomaly(
    history: &History<Register>,
    problem: &Problem,
    calls: Vec<u32>,
    cycle: Vec<Edge>,
    budget: &Budget,
) -> Anomaly {
    let mut proves = |part: &Problem| {
        let decision = decide_within(part, &mut Meter::at_most(budget, STEPS_MAX));
        matches!(decision, Ok(Decision::Invalid { .. } | Decision::Impossible(_)))
    };
    let start = if cycle.is_empty() {
        first_contradiction(problem, calls, &mut proves)
    } else {
        grounded(problem, &Sources::certain(problem), &calls)
    };
    let kept = shrink(problem, start, &mut proves);
    let part = alone(problem, &kept);
    let mut meter = Meter::at_most(budget, STEPS_MAX);
    let part_cycle = match saturate(&part, &Sources::certain(&part), &mut meter) {
        Ok(Saturation::Cycle(cycle, _)) => cycle,
        Ok(Saturation::Open(_)) | Err(_) => Vec::new(),
    };
    // Where the budget is spent, the cycle that was found first must do.
    let (about, cycle) = if part_cycle.is_empty() { (problem, cycle) } else { (&part, part_cycle) };
    let words = Words { history, problem: about };
    let links = words.links(&cycle);
    let mut witness: Vec<OpIndex> = kept.iter().map(|&call| problem.calls[call as usize].origin).collect();
    witness.extend(links.iter().map(|link| link.from));
    witness.sort_unstable();
    witness.dedup();
    let sentence = if links.is_empty() {
        format!(
            "no order of these {} operations keeps the order of every session and explains every answer",
            witness.len()
        )
    } else {
        format!("the calls cannot be put into one order: {}", words.chain(&links))
    };
    let mut keys: Vec<u32> = kept.iter().map(|&call| problem.calls[call as usize].key).collect();
    keys.dedup();
    Anomaly {
        kind: "nonsequential".into(),
        sentence,
        key: if let [key] = keys[..] { Some(problem.keys[key as usize].clone()) } else { None },
        witness,
        cycle: links,
        ..Anomaly::default()
    }
}

/// A beginning of the calls that is contradictory, as short as halving finds it.
fn first_contradiction(
    problem: &Problem,
    calls: Vec<u32>,
    proves: &mut dyn FnMut(&Problem) -> bool,
) -> Vec<u32> {
    let (mut passed, mut failed) = (0, calls.len());
    while passed + 1 < failed {
        let middle = (passed + failed) / 2;
        if proves(&alone(problem, &calls[..middle])) {
            failed = middle;
        } else {
            passed = middle;
        }
    }
    calls[..failed].to_vec()
}
