//! From a part that has no order to the few operations that prove it.
//!
//! Nothing that is dropped may invent a contradiction: an observation that is dropped is gone, and a write that is
//! dropped may have happened any number of times while it was under way, or never.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::{
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};
use crate::Budget;

/// The most attempts one witness may take, the most steps of one attempt, and the most operations it may keep.
const ATTEMPTS: usize = 400;
const STEPS: usize = 200_000;
const KEPT: usize = 64;
/// How many of the first that saw a value are tried.
const FIRST_SEEN: usize = 8;

/// The operations of a minimal proof, in the order of the problem, if one of at most [`KEPT`] operations is found.
pub(crate) fn shrink(problem: &Problem, line: &Timeline, reached: u32, budget: &Budget) -> Option<Vec<u32>> {
    let due = line.returns[reached as usize];
    let now = line.ret[due as usize];
    let prefix: Vec<u32> =
        line.calls.iter().copied().filter(|&action| line.call[action as usize] < now).collect();
    let wanted = match problem.actions[due as usize] {
        Action::Read(value) | Action::Cas(value, _) => Some(value),
        Action::Write(_) | Action::Refused(_) => None,
    };
    let mut attempt = Attempt { problem, line, budget, left: ATTEMPTS };
    let mut size = 4;
    let mut kept = loop {
        let size_now = size.min(prefix.len()).min(KEPT);
        let (older, recent) = prefix.split_at(prefix.len() - size_now);
        // Who made the value that does not fit, and who saw it first: an unknown write that was seen cannot happen again.
        let made = |i: &&u32| wanted.is_some() && problem.actions[**i as usize].makes() == wanted;
        let saw = |i: &&u32| {
            let action = problem.actions[**i as usize];
            matches!(action, Action::Read(value) | Action::Cas(value, _) if Some(value) == wanted)
        };
        let room = KEPT - size_now;
        let makers = older.iter().rev().filter(made).take(room.saturating_sub(FIRST_SEEN));
        let witnesses = older.iter().filter(saw).take(room.min(FIRST_SEEN));
        let mut candidate: Vec<u32> = makers.chain(witnesses).chain(recent).copied().collect();
        candidate.sort_unstable();
        candidate.dedup();
        if attempt.proves(&candidate) {
            break candidate;
        }
        if size_now < size {
            return None;
        }
        size *= 2;
    };
    let mut chunk = kept.len().div_ceil(2);
    while chunk > 0 {
        let mut begin = 0;
        while begin < kept.len() {
            let end = (begin + chunk).min(kept.len());
            let candidate: Vec<u32> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
            if attempt.proves(&candidate) {
                kept = candidate;
            } else {
                begin = end;
            }
        }
        chunk /= 2;
    }
    Some(kept)
}

struct Attempt<'a> {
    problem: &'a Problem,
    line: &'a Timeline,
    budget: &'a Budget,
    left: usize,
}

impl Attempt<'_> {
    /// Whether these alone have no order. An undecided attempt proves nothing.
    ///
    /// Every order is tried with the earliest instants that it allows; `now` is the rank of the last instant.
    fn proves(&mut self, kept: &[u32]) -> bool {
        if self.left == 0 || kept.is_empty() || self.budget.is_expired() {
            return false;
        }
        self.left -= 1;
        let dropped = self.dropped(kept);
        let actions: Vec<Action> = kept.iter().map(|&i| self.problem.actions[i as usize]).collect();
        let mandatory = (0..kept.len()).filter(|&k| !self.problem.spans[kept[k] as usize].optional);
        let mandatory = mandatory.fold(0u64, |set, k| set | 1 << k);
        let (mut open, mut seen, mut steps) = (vec![(0u64, 0u32, 0u32)], FxHashSet::default(), 0);
        while let Some(position @ (done, state, now)) = open.pop() {
            if mandatory & !done == 0 || steps > STEPS {
                return false;
            }
            if !seen.insert(position) {
                continue;
            }
            let left = |k: &usize| done >> k & 1 == 0;
            let latest =
                (0..kept.len()).filter(left).map(|k| self.line.ret[kept[k] as usize]).min().unwrap_or(NEVER);
            for k in (0..kept.len()).filter(left) {
                steps += 1;
                let call = self.line.call[kept[k] as usize];
                let mut happen = |from: u32, at: u32| {
                    let at = at.max(call);
                    if let (Some(state), true) = (actions[k].apply(from), at <= latest) {
                        open.push((done | 1 << k, state, at));
                    }
                };
                happen(state, now);
                let fits = |value: u32| value != state && actions[k].apply(value).is_some();
                for (&value, windows) in dropped.iter().filter(|(value, _)| fits(**value)) {
                    steps += windows.len();
                    let in_time = windows
                        .iter()
                        .filter(|&&(_, end)| now <= end)
                        .map(|&(begin, _)| now.max(begin))
                        .min();
                    if let Some(at) = in_time {
                        happen(value, at);
                    }
                }
            }
        }
        true
    }

    /// When each value may have been written by operations that are not kept, as far as the kept ones could notice.
    fn dropped(&self, kept: &[u32]) -> BTreeMap<u32, Vec<(u32, u32)>> {
        let actions = || kept.iter().map(|&i| self.problem.actions[i as usize]);
        let any = actions().any(|action| matches!(action, Action::Refused(_)));
        let seen: FxHashSet<u32> = actions()
            .filter_map(|action| match action {
                Action::Read(value) | Action::Cas(value, _) => Some(value),
                _ => None,
            })
            .collect();
        let kept: FxHashSet<u32> = kept.iter().copied().collect();
        let mut dropped: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (i, action) in (0u32..).zip(&self.problem.actions) {
            if let Some(value) = action.makes()
                && (any || seen.contains(&value))
                && !kept.contains(&i)
            {
                dropped
                    .entry(value)
                    .or_default()
                    .push((self.line.call[i as usize], self.line.ret[i as usize]));
            }
        }
        dropped
    }
}
