//! Whole orders out of what the engines remember, and one order out of those of all parts.

use history::{History, Nanos, OpIndex, Outcome, Vocabulary};
use rustc_hash::FxHashSet;

use super::{
    FEW,
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};
use crate::{Verdict, parallel};

/// Completes an order. `real` holds the operations that took effect, each with the rank just before which it did.
///
/// Between two of them the state stays the same for a while: what only observes that state goes there, and so does a
/// write of the same value, and any write once neither its value nor the state is seen by anybody any more (`interest`
/// holds the last rank at which a value is). A write that is still left goes right before another that overtakes it.
pub(crate) fn complete(
    problem: &Problem,
    line: &Timeline,
    interest: &[u32],
    real: &[(u32, u32)],
) -> Vec<u32> {
    let taken: FxHashSet<u32> = real.iter().map(|&(action, _)| action).collect();
    let mut order = Vec::with_capacity(line.returns.len());
    let mut waiting: Vec<u32> = Vec::new();
    let mut calls = line.calls.iter().copied().peekable();
    let (mut state, mut since) = (0, 0);
    for gap in 0..=real.len() {
        let (next, until) = real.get(gap).map_or((None, NEVER), |&(action, rank)| (Some(action), rank));
        while let Some(action) = calls.next_if(|&action| line.call[action as usize] < until) {
            if !taken.contains(&action) && !problem.spans[action as usize].optional {
                waiting.push(action);
            }
        }
        let mut here: Vec<(u32, u32)> = Vec::new();
        waiting.retain(|&action| {
            let at = since.max(line.call[action as usize]);
            let unseen = |to: u32| {
                at.max(interest[state as usize].saturating_add(1))
                    .max(interest[to as usize].saturating_add(1))
            };
            let at = match problem.actions[action as usize] {
                Action::Cas(from, to) => (from == to && state == from).then_some(at),
                Action::Write(to) if state == to => Some(at),
                Action::Write(to) => {
                    Some(unseen(to)).filter(|&at| at < until && at <= line.ret[action as usize])
                }
                observer => observer.apply(state).map(|_| at),
            };
            here.extend(at.map(|at| (at, action)));
            at.is_none()
        });
        here.sort_unstable();
        order.extend(here.into_iter().map(|(_, action)| action));
        since = until;
        let Some(next) = next else { break };
        if let Action::Write(_) = problem.actions[next as usize] {
            waiting.retain(|&action| {
                let absorbed = matches!(problem.actions[action as usize], Action::Write(_));
                if absorbed {
                    order.push(action);
                }
                !absorbed
            });
        }
        order.push(next);
        state = problem.actions[next as usize].apply(state).unwrap_or(state);
    }
    order.extend(waiting);
    order
}

/// Puts the operations that no engine judged, since they fit anywhere, into an order: each right before the first
/// that began after its end.
pub(super) fn with_unjudged<V: Vocabulary>(
    history: &History<V>,
    operations: &[OpIndex],
    judged: &[OpIndex],
    order: Vec<OpIndex>,
) -> Vec<OpIndex> {
    if operations.len() == judged.len() {
        return order;
    }
    let at = |index: OpIndex| &history.operations[index.0 as usize];
    // Both lists are in the order of the history.
    let mut judged = judged.iter().copied().peekable();
    let mut left: Vec<OpIndex> =
        operations.iter().copied().filter(|&index| judged.next_if_eq(&index).is_none()).collect();
    left.retain(|&index| matches!(at(index).outcome, Outcome::Ok(_)));
    let mut left = by_end(left.into_iter().map(|index| (at(index).deadline(), index)).collect()).peekable();
    let mut whole = Vec::with_capacity(operations.len());
    for index in order {
        while let Some(read) =
            left.next_if(|&read| at(read).deadline().is_some_and(|end| end < at(index).began))
        {
            whole.push(read);
        }
        whole.push(index);
    }
    whole.extend(left);
    whole
}

/// In the order of their ends. One without an end can wait for ever; it must not keep the others waiting.
fn by_end(mut operations: Vec<(Option<Nanos>, OpIndex)>) -> impl Iterator<Item = OpIndex> {
    operations.sort_unstable_by_key(|&(end, index)| (end.is_none(), end, index));
    operations.into_iter().map(|(_, index)| index)
}

/// How many pieces of time are merged each by itself. It does not depend on the number of threads, nor does the result.
const PIECES: usize = 64;

/// One order out of those of the parts. Each operation may have taken effect as soon as all before it in its part had
/// been called; by these instants the parts are merged, so that real time is kept between them too.
pub(crate) fn merge<V: Vocabulary>(history: &History<V>, mut orders: Vec<Vec<OpIndex>>) -> Vec<OpIndex> {
    if orders.len() < 2 {
        return orders.pop().unwrap_or_default();
    }
    let began: Vec<Nanos> = history.operations.iter().map(|operation| operation.began).collect();
    merge_by_time(&began, orders)
}

fn merge_by_time(began: &[Nanos], orders: Vec<Vec<OpIndex>>) -> Vec<OpIndex> {
    let timed = |order: Vec<OpIndex>| {
        let mut now = Nanos(0);
        let at = |index: OpIndex| {
            now = now.max(began[index.0 as usize]);
            (now, index)
        };
        order.into_iter().map(at).collect::<Vec<_>>()
    };
    let few = began.len() < FEW;
    let orders: Vec<Vec<(Nanos, OpIndex)>> =
        parallel::map_largest_first(orders, few, |order| order.len(), timed);
    // Each order is sorted by its instants, so a piece of time is a piece of each order.
    let pieces = if few { 1 } else { PIECES };
    let each = began.len().div_ceil(pieces).max(1);
    let mut ends: Vec<Nanos> = began.iter().step_by(each).skip(1).copied().collect();
    ends.sort_unstable();
    ends.push(Nanos(u64::MAX));
    let piece = |(at, &end): (usize, &Nanos)| {
        let begin = at.checked_sub(1).map(|before| ends[before]);
        let mut here: Vec<(Nanos, OpIndex)> = Vec::with_capacity(each);
        for order in &orders {
            let from = begin.map_or(0, |begin| order.partition_point(|&(now, _)| now <= begin));
            let to = order.partition_point(|&(now, _)| now <= end);
            here.extend_from_slice(&order[from..to]);
        }
        // The sort keeps the order of what is equal, so each part stays as it was.
        here.sort_by_key(|&(now, _)| now);
        here.into_iter().map(|(_, index)| index).collect::<Vec<_>>()
    };
    parallel::map(ends.iter().enumerate(), piece).concat()
}

/// Says how many parts are not described.
pub(super) fn note_counts(verdict: &mut Verdict, refuted: usize, undecided: usize, described: usize) {
    if refuted > described {
        verdict.notes.push(format!("{refuted} keys have no order; the first {described} are described"));
    }
    if undecided > described {
        verdict.notes.push(format!("{undecided} keys could not be decided"));
    }
}

/// How far an undecided part got, what ended it, and what made it hard.
pub(super) fn undecided_note(
    name: &str,
    last: Option<OpIndex>,
    limit: &str,
    width: usize,
    unknowns: usize,
) -> String {
    let far = last
        .map_or_else(|| "nothing was decided".into(), |last| format!("linearizable up to operation {last}"));
    format!("{name}: {far}, then {limit}; up to {width} operations at a time, {unknowns} unknown outcomes")
}
