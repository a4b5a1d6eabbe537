//! From a contradiction to the few calls that prove it.
//!
//! Nothing that is dropped may invent a contradiction: an observation that is dropped is gone, and a write that is dropped
//! may have happened at any time after it began, in a session of its own, or never.

use rustc_hash::FxHashSet;

use super::{
    calls::{Action, NONE, Problem},
    sources::Sources,
};

/// The most attempts that one witness may take.
const ATTEMPTS_MAX: usize = 600;

/// The calls that are kept, alone but for the dropped writes of what they saw.
pub(crate) fn alone(problem: &Problem, kept: &[u32]) -> Problem {
    let inside: FxHashSet<u32> = kept.iter().copied().collect();
    let mut loose: FxHashSet<u32> = FxHashSet::default();
    for &call in kept {
        let call = &problem.calls[call as usize];
        if let Some(seen) = call.action.sees() {
            loose.extend(&problem.writers[seen as usize]);
        }
        if let Action::Refused(_) = call.action {
            loose.extend(problem.makers(call.key));
        }
    }
    let mut loose: Vec<u32> = loose.into_iter().filter(|call| !inside.contains(call)).collect();
    loose.sort_unstable();
    // A dropped compare-and-set may have happened without what it saw.
    problem.only(kept, &loose)
}

/// With the calls that a proof about these rests on besides: an observer of each unknown call, for nothing else says that
/// it happened, and the unknown calls that cannot have happened although they would explain something.
pub(crate) fn grounded(problem: &Problem, sources: &Sources, calls: &[u32]) -> Vec<u32> {
    let mut observer = vec![NONE; problem.calls.len()];
    for number in (0..problem.calls.len() as u32).rev() {
        let source = sources.of[number as usize];
        if (source as usize) < observer.len() && sources.happened[number as usize] {
            observer[source as usize] = number;
        }
    }
    let mut inside: FxHashSet<u32> = calls.iter().copied().collect();
    let mut open: Vec<u32> = calls.to_vec();
    while let Some(number) = open.pop() {
        let call = &problem.calls[number as usize];
        let mut more: Vec<u32> = match call.action {
            Action::Refused(_) => problem.makers(call.key).collect(),
            action => action.sees().map_or(Vec::new(), |seen| problem.writers[seen as usize].clone()),
        };
        more.retain(|&writer| !problem.is_possible(writer));
        if call.optional && observer[number as usize] != NONE {
            more.push(observer[number as usize]);
        }
        open.extend(more.into_iter().filter(|&call| inside.insert(call)));
    }
    let mut all: Vec<u32> = inside.into_iter().collect();
    all.sort_unstable();
    all
}

/// Drops calls as long as the rest is still proven wrong. If what it starts with is not, it starts with all.
pub(crate) fn shrink(
    problem: &Problem,
    start: Vec<u32>,
    proves: &mut dyn FnMut(&Problem) -> bool,
) -> Vec<u32> {
    let (mut kept, mut attempts) = (start, 0);
    if !proves(&alone(problem, &kept)) {
        kept = (0..problem.calls.len() as u32).collect();
    }
    let mut chunk = kept.len().div_ceil(2);
    loop {
        let (mut begin, mut dropped) = (0, false);
        while begin < kept.len() {
            let end = (begin + chunk).min(kept.len());
            let candidate: Vec<u32> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
            attempts += 1;
            if attempts > ATTEMPTS_MAX {
                return kept;
            }
            if !candidate.is_empty() && proves(&alone(problem, &candidate)) {
                kept = candidate;
                dropped = true;
            } else {
                begin = end;
            }
        }
        if chunk == 1 && !dropped {
            return kept;
        }
        chunk = (chunk / 2).max(1);
    }
}
