//! Read your writes: a session never reads a value that is older than what it wrote itself.

use rustc_hash::FxHashMap;

use super::{
    calls::{NONE, Problem},
    forced::{Contradiction, Edge, Why},
    sources::{INITIAL, Sources},
};

/// Looks for an observation that missed the last write of its own session.
pub(super) fn judge(problem: &Problem, sources: &Sources) -> Option<Contradiction> {
    let mut last: FxHashMap<u32, u32> = FxHashMap::default();
    for (number, session) in (0u32..).zip(&problem.sessions) {
        last.clear();
        for &call in session.iter().filter(|&&call| sources.happened[call as usize]) {
            let at = &problem.calls[call as usize];
            let source = sources.of[call as usize];
            if let (Some(&own), true) = (last.get(&at.key), source != NONE) {
                let missed = source == INITIAL || {
                    let source = &problem.calls[source as usize];
                    source.session == number && source.place < problem.calls[own as usize].place
                };
                if missed {
                    let writer = if source == INITIAL { NONE } else { source };
                    let there = Edge { to: call, from: own, why: Why::Session, round: 0 };
                    let back = Edge { to: own, from: call, why: Why::Replaced { writer }, round: 1 };
                    let mut calls = vec![own, call];
                    calls.extend((writer != NONE).then_some(writer));
                    calls.sort_unstable();
                    return Some(Contradiction { cycle: vec![there, back], calls, session: Some(number) });
                }
            }
            if at.action.makes().is_some() {
                last.insert(at.key, call);
            }
        }
    }
    None
}
