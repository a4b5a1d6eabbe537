//! From a part that has no order to the few operations that prove it.
//!
//! Nothing that is dropped may invent a contradiction: an observation that is dropped is gone, and a write that is
//! dropped may have happened at any time, any number of times, or never.

use rustc_hash::FxHashSet;

use super::{
    decision::Decision,
    register::{Action, Problem},
    timeline::{Span, Timeline},
};
use crate::Budget;

/// The most attempts one witness may take, and the most steps of one attempt.
const ATTEMPTS: usize = 600;
const STEPS: u64 = 20_000;

/// The operations of a minimal proof, in the order of the problem. All of the prefix if nothing could be dropped.
pub(crate) fn shrink(problem: &Problem, line: &Timeline, reached: u32, budget: &Budget) -> Vec<u32> {
    let due = line.returns[reached as usize];
    let now = line.ret[due as usize];
    let prefix: Vec<u32> =
        line.calls.iter().copied().filter(|&action| line.call[action as usize] < now).collect();
    let mut attempt = Attempt { problem, budget, left: ATTEMPTS };
    let mut kept = prefix.clone();
    let wanted = match problem.actions[due as usize] {
        Action::Read(value) | Action::Cas(value, _) | Action::Refused(value) => Some(value),
        Action::Write(_) => None,
    };
    let mut size = 8;
    while size < prefix.len() {
        let recent = &prefix[prefix.len() - size..];
        let older = prefix[..prefix.len() - size].iter().copied();
        let related =
            older.filter(|&action| wanted.is_some() && problem.actions[action as usize].makes() == wanted);
        let candidate: Vec<u32> = related.chain(recent.iter().copied()).collect();
        if attempt.proves(&candidate) {
            kept = candidate;
            break;
        }
        size *= 2;
    }
    let mut chunk = kept.len() / 2;
    while chunk > 0 && attempt.left > 0 {
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
    kept.sort_unstable();
    kept
}

struct Attempt<'a> {
    problem: &'a Problem,
    budget: &'a Budget,
    left: usize,
}

impl Attempt<'_> {
    /// Whether these alone have no order. An undecided attempt proves nothing.
    fn proves(&mut self, kept: &[u32]) -> bool {
        if self.left == 0 || kept.is_empty() || self.budget.is_expired() {
            return false;
        }
        self.left -= 1;
        let sub = restrict(self.problem, kept);
        let budget = Budget::new(STEPS.min(self.budget.steps_max), self.budget.memory_max);
        matches!(sub.decide(&budget), Decision::Invalid { .. })
    }
}

/// The problem of these operations alone. A value that a dropped operation may have written can be there before each
/// observation, so there are as many unknown writes of it as could be of use.
fn restrict(problem: &Problem, kept: &[u32]) -> Problem {
    let set: FxHashSet<u32> = kept.iter().copied().collect();
    let mut anytime: Vec<u32> = (0u32..)
        .zip(&problem.actions)
        .filter(|(i, _)| !set.contains(i))
        .filter_map(|(_, action)| action.makes())
        .collect();
    anytime.sort_unstable();
    anytime.dedup();
    let is_anytime = |value: u32| anytime.binary_search(&value).is_ok();
    // An observation of a value that may be there at any time says nothing.
    let says = |action: &Action| !matches!(action, Action::Read(value) if is_anytime(*value));
    let mut sub = Problem { values: problem.values, ..Problem::default() };
    for &i in kept.iter().filter(|&&i| says(&problem.actions[i as usize])) {
        sub.actions.push(problem.actions[i as usize]);
        sub.spans.push(problem.spans[i as usize]);
    }
    let refusals = sub.actions.iter().filter(|action| matches!(action, Action::Refused(_))).count();
    let swaps: Vec<u32> = sub
        .actions
        .iter()
        .filter_map(|action| if let Action::Cas(from, _) = action { Some(*from) } else { None })
        .collect();
    for &value in &anytime {
        let uses = refusals + swaps.iter().filter(|&&from| from == value).count();
        for _ in 0..uses {
            sub.actions.push(Action::Write(value));
            sub.spans.push(Span { began: 0, deadline: None, optional: true });
        }
    }
    sub
}
