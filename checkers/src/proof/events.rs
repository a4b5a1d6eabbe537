//! Tries every order of a few calls on one object.

use std::collections::HashSet;

use history::{History, Nanos, OpIndex, Operation, Outcome, Vocabulary};

use crate::DataType;

/// How much may be looked at.
const WORK_MAX: usize = 20_000_000;

/// One call of which an order is sought.
pub(super) struct Event<'a, V: Vocabulary> {
    pub call: &'a V::Call,
    pub answer: Option<V::Return>,
    pub began: Nanos,
    /// By when it had happened, if it did.
    pub end: Option<Nanos>,
    /// Whether it happened for certain. What only may have happened did so at most once, while it was under way.
    pub must: bool,
}

impl<'a, V: Vocabulary> Event<'a, V> {
    /// An operation as it was recorded; with a false `must` it may as well never have happened.
    pub fn new(operation: &'a Operation<V>, must: bool) -> Self {
        let answer = operation.outcome.ok().cloned();
        let end = operation.deadline().map(|end| end.max(operation.began));
        let must = must && answer.is_some();
        Self { call: &operation.call, answer, began: operation.began, end, must }
    }
}

/// The operations of a witness, each once; nothing if one does not exist or is named twice.
pub(super) fn named<'a, V: Vocabulary>(
    history: &'a History<V>,
    witness: &[OpIndex],
) -> Option<Vec<&'a Operation<V>>> {
    let once: HashSet<OpIndex> = witness.iter().copied().collect();
    let found: Option<Vec<_>> =
        witness.iter().map(|index| history.operations.get(index.0 as usize)).collect();
    found.filter(|found| !found.is_empty() && once.len() == witness.len())
}

/// What did not fail.
pub(super) fn may_have_happened<V: Vocabulary>(operation: &Operation<V>) -> bool {
    !matches!(operation.outcome, Outcome::Fail(_))
}

/// Whether the events have an order that agrees with real time and every answer; nothing if there are too many to try.
pub(super) fn has_order<D: DataType>(start: D, events: &[Event<'_, D::Vocabulary>]) -> Option<bool> {
    let mut open = vec![(vec![false; events.len()], start, Nanos(0))];
    let (mut seen, mut next, mut work) = (HashSet::new(), Vec::new(), 0);
    while let Some((done, state, now)) = open.pop() {
        let left = || (0..events.len()).filter(|&i| !done[i]);
        if left().all(|i| !events[i].must) {
            return Some(true);
        }
        if !seen.insert((done.clone(), state.clone(), now)) {
            continue;
        }
        work += events.len();
        if work > WORK_MAX {
            return None;
        }
        let latest = left().filter(|&i| events[i].must).filter_map(|i| events[i].end).min();
        for i in left() {
            let (event, at) = (&events[i], now.max(events[i].began));
            let too_late = |end: Option<Nanos>| end.is_some_and(|end| end < at);
            if too_late(latest) || too_late(event.end) {
                continue;
            }
            state.step(event.call, event.answer.as_ref(), &mut next);
            for after in next.drain(..).filter(|after| event.must || *after != state) {
                // What can happen no more is as good as done.
                let done = |j: usize| done[j] || j == i || !events[j].must && too_late(events[j].end);
                open.push(((0..events.len()).map(done).collect(), after, at));
            }
        }
    }
    Some(false)
}
