//! Tries every order of a few calls.

use rustc_hash::FxHashSet;

use super::{Action, Call, Discipline};

/// The most calls that are tried, and the most positions.
const CALLS_MAX: usize = 24;
const POSITIONS_MAX: usize = 200_000;

/// Whether no order of just these calls explains their answers; `None` if they are too many to tell.
pub(super) fn refutes(discipline: Discipline, calls: &[Call], chosen: &[u32]) -> Option<bool> {
    if chosen.len() > CALLS_MAX {
        return None;
    }
    let calls: Vec<Call> = chosen.iter().map(|&number| calls[number as usize]).collect();
    let must = (0..calls.len()).filter(|&i| !calls[i].optional).fold(0u32, |set, i| set | 1 << i);
    let mut open = vec![(0u32, Vec::new())];
    let mut seen = FxHashSet::default();
    while let Some(position) = open.pop() {
        if position.0 & must == must {
            return Some(false);
        }
        if !seen.insert(position.clone()) {
            continue;
        }
        if seen.len() > POSITIONS_MAX {
            return None;
        }
        let (done, inside) = position;
        let left = (0..calls.len()).filter(|i| done >> i & 1 == 0);
        let latest = left.clone().filter_map(|i| calls[i].deadline.map(|end| end.max(calls[i].began))).min();
        for i in left.filter(|&i| latest.is_none_or(|latest| calls[i].began <= latest)) {
            let mut after = |inside| open.push((done | 1 << i, inside));
            match calls[i].action {
                Action::Insert(value) => {
                    let mut inside = inside.clone();
                    inside.push(value);
                    if discipline != Discipline::Queue && discipline != Discipline::Stack {
                        inside.sort_unstable();
                    }
                    after(inside);
                }
                Action::Empty if !inside.is_empty() => {}
                Action::Empty => after(Vec::new()),
                Action::RemoveAny if inside.is_empty() => after(Vec::new()),
                action => {
                    let outs = match discipline {
                        Discipline::Queue | Discipline::Priority => 0..inside.len().min(1),
                        Discipline::Stack => inside.len().saturating_sub(1)..inside.len(),
                        Discipline::Bag => 0..inside.len(),
                    };
                    for place in outs {
                        if action == Action::RemoveAny || action == Action::Remove(inside[place]) {
                            let mut inside = inside.clone();
                            inside.remove(place);
                            after(inside);
                        }
                    }
                }
            }
        }
    }
    Some(true)
}
