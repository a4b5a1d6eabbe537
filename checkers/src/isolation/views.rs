//! The levels that look at one transaction at a time: monotonic atomic view and read atomic.
//!
//! Both infer from what a transaction saw which of two writers of a key is the older. The work is proportional to the
//! reads, times what the smaller of a reader and its writer did.

use super::{
    graph::{Edge, older},
    meter::Meter,
    problem::{INITIAL, Lists, NONE, Problem, Read},
};
use crate::Limit;

/// The transactions of each session, in their order.
pub(super) fn sessions(problem: &Problem) -> Lists {
    Lists::gather(problem.sessions as usize, || {
        problem.transactions().map(|t| (problem.session[t as usize], t))
    })
}

/// Adds what monotonic atomic view infers: a later read of the same transaction sees all that an earlier one saw of another
/// transaction.
pub(super) fn monotonic(problem: &Problem, meter: &mut Meter, edges: &mut Vec<Edge>) -> Result<(), Limit> {
    // For each key, the transaction that is looked at and from whom its nearest later read of the key read.
    let mut next: Vec<(u32, u32)> = vec![(NONE, NONE); problem.keys.len()];
    let mut later: Vec<u32> = Vec::new();
    for t in problem.transactions() {
        let reads = problem.reads(t);
        if reads.len() < 2 {
            continue;
        }
        later.clear();
        for &Read { key, from } in reads.iter().rev() {
            if from != INITIAL {
                let mut infer = |key: u32| {
                    let (owner, seen) = next[key as usize];
                    if owner == t && seen != from {
                        edges.push(older(from, seen, key, t));
                    }
                };
                let writes = problem.writes(from);
                meter.spend(writes.len().min(later.len()) as u64 + 1)?;
                if writes.len() <= later.len() {
                    writes.iter().copied().for_each(&mut infer);
                } else {
                    later.iter().copied().filter(|&key| problem.has_written(from, key)).for_each(&mut infer);
                }
            }
            if next[key as usize].0 != t {
                later.push(key);
            }
            next[key as usize] = (t, from);
        }
    }
    Ok(())
}

/// Adds what read atomic infers: a transaction sees all of each transaction that it reads from and, where sessions count, of
/// the earlier ones of its session.
pub(super) fn atomic(
    problem: &Problem,
    with_sessions: bool,
    meter: &mut Meter,
    edges: &mut Vec<Edge>,
) -> Result<(), Limit> {
    let mut seen: Vec<(u32, u32)> = vec![(NONE, NONE); problem.keys.len()];
    let mut looked_at: Vec<u32> = vec![NONE; problem.len()];
    for t in problem.transactions() {
        let reads = problem.reads(t);
        for &Read { key, from } in reads {
            let (owner, first) = seen[key as usize];
            if owner != t {
                seen[key as usize] = (t, from);
            } else if first != from {
                // One of them is visible because it was read, yet the other was read as well.
                for (visible, other) in [(first, from), (from, first)] {
                    if visible != INITIAL {
                        edges.push(older(visible, other, key, t));
                    }
                }
            }
        }
        for from in reads.iter().map(|read| read.from).filter(|&from| from != INITIAL) {
            if looked_at[from as usize] == t {
                continue;
            }
            looked_at[from as usize] = t;
            let writes = problem.writes(from);
            meter.spend(writes.len().min(reads.len()) as u64)?;
            if writes.len() <= reads.len() {
                for &key in writes {
                    let (owner, first) = seen[key as usize];
                    if owner == t && first != from {
                        edges.push(older(from, first, key, t));
                    }
                }
            } else {
                for read in reads.iter().filter(|read| read.from != from) {
                    if problem.has_written(from, read.key) {
                        edges.push(older(from, read.from, read.key, t));
                    }
                }
            }
        }
    }
    if with_sessions { own_writes(problem, edges) } else { Ok(()) }
}

/// A session sees its own last write of a key, or something newer.
fn own_writes(problem: &Problem, edges: &mut Vec<Edge>) -> Result<(), Limit> {
    let mut last: Vec<(u32, u32)> = vec![(NONE, NONE); problem.keys.len()];
    let sessions = sessions(problem);
    for session in 0..problem.sessions {
        for &t in sessions.of(session) {
            for &Read { key, from } in problem.reads(t) {
                let (owner, own) = last[key as usize];
                if owner == session && own != from {
                    edges.push(older(own, from, key, t));
                }
            }
            // Nothing of the session is certain to come after an unknown transaction.
            if !problem.pending[t as usize] {
                problem.writes(t).iter().for_each(|&key| last[key as usize] = (session, t));
            }
        }
    }
    Ok(())
}
