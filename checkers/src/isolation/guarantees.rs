//! What each session can rely on: the four session guarantees.
//!
//! Every session `s` is given an order of its own over all writers of values. Of the writers of a key that must be visible
//! to a read, the read shows the last one by that order. What must be visible is
//!
//! - for *read your writes*: what the session wrote before;
//! - for *monotonic reads*: whose values the session read before, in the same transaction too;
//! - for *monotonic writes*: whose values the transaction read up to then, and what their sessions wrote before; the order
//!   keeps the order of every session's writes;
//! - for *writes follow reads*: whose values the transaction read up to then, and what their sessions had read before they
//!   wrote; the order puts it first.

use super::{
    causality::writers_by_chain,
    graph::{Edge, Why, older},
    meter::Meter,
    problem::{INITIAL, NONE, Problem, Read},
    views::sessions,
};
use crate::Limit;

/// What reading your writes demands.
pub(super) fn read_your_writes(problem: &Problem, meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
    let mut edges = Vec::new();
    let sessions = sessions(problem);
    // Only its own writes must be visible to a session, so only reads of these can contradict each other. Of each key: the own
    // write that was read last, and the own writes since.
    let mut own: Vec<Seen> = vec![Seen::default(); problem.keys.len()];
    let mut touched: Vec<u32> = Vec::new();
    for session in 0..problem.sessions {
        for &t in sessions.of(session).iter().filter(|&&t| !problem.pending[t as usize]) {
            for &Read { key, from } in problem.reads(t) {
                let state = &mut own[key as usize];
                let latest = state.since.last().copied().or(state.top);
                if from == INITIAL {
                    if let Some((writer, _)) = latest {
                        edges.push(Edge::new(writer, t, Why::Session, NONE, NONE));
                        edges.push(older(writer, INITIAL, key, t));
                    }
                } else if problem.session[from as usize] == session {
                    meter.spend(1 + state.since.len() as u64)?;
                    let before = state.since.iter().chain(&state.top).filter(|&&(writer, _)| writer != from);
                    edges.extend(before.map(|&(writer, _)| older(writer, from, key, t)));
                    // What it has yet to write itself is not visible to it.
                    if from < t && !problem.pending[from as usize] {
                        state.since.clear();
                        state.top = Some((from, t));
                    }
                }
            }
            for &key in problem.writes(t) {
                own[key as usize].since.push((t, t));
                touched.push(key);
            }
        }
        touched.drain(..).for_each(|key| own[key as usize] = Seen::default());
    }
    Ok(edges)
}

/// The writers of a key whose values a session has seen: the one it read last, and those that it saw since by other keys, each
/// with who saw it.
#[derive(Clone, Default)]
struct Seen {
    top: Option<(u32, u32)>,
    since: Vec<(u32, u32)>,
}

/// What monotonic reads demand.
pub(super) fn monotonic_reads(problem: &Problem, meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
    let mut edges = Vec::new();
    let sessions = sessions(problem);
    let mut seen: Vec<Seen> = vec![Seen::default(); problem.keys.len()];
    let mut touched: Vec<u32> = Vec::new();
    let mut met: Vec<u32> = vec![NONE; problem.len()];
    for session in 0..problem.sessions {
        for &t in sessions.of(session) {
            for &Read { key, from } in problem.reads(t) {
                touched.push(key);
                let state = &mut seen[key as usize];
                meter.spend(1 + state.since.len() as u64)?;
                // A transaction's own writes come after its own reads.
                let before: Vec<(u32, u32)> = state.since.drain(..).chain(state.top).collect();
                // Nothing is remembered through one that has yet to read itself: what it writes does not bind it then.
                let ahead = from != INITIAL && from > t && problem.session[from as usize] == session;
                let kept = |&&(writer, _): &&(u32, u32)| writer != from && (ahead || writer == t);
                state.since.extend(before.iter().filter(kept));
                for (writer, reader) in
                    before.into_iter().filter(|&(writer, _)| writer != from && writer != t)
                {
                    if from == INITIAL {
                        edges.push(Edge::new(writer, reader, Why::Read, key, reader));
                        if reader != t {
                            edges.push(Edge::new(reader, t, Why::Session, NONE, NONE));
                        }
                    }
                    edges.push(older(writer, from, key, t));
                }
                if from == INITIAL {
                    continue;
                }
                if ahead {
                    state.top = None;
                    state.since.push((from, t));
                } else {
                    state.top = Some((from, t));
                }
                if met[from as usize] == session {
                    continue;
                }
                met[from as usize] = session;
                for &other in problem.writes(from).iter().filter(|&&other| other != key) {
                    seen[other as usize].since.push((from, t));
                    touched.push(other);
                }
                meter.spend(problem.writes(from).len() as u64)?;
            }
        }
        touched.drain(..).for_each(|key| seen[key as usize] = Seen::default());
    }
    Ok(edges)
}

/// What monotonic writes demand, beyond the order of every session.
pub(super) fn monotonic_writes(problem: &Problem, meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
    let mut edges = Vec::new();
    let writers = writers_by_chain(problem);
    // For each chain, the transaction at hand, how much of the chain is visible to it, and through whom.
    let mut clock: Vec<(u32, u32, u32)> = vec![(NONE, 0, NONE); problem.chains as usize];
    for t in problem.transactions() {
        for &Read { key, from } in problem.reads(t) {
            let mut source = Some(from).filter(|&from| from != INITIAL);
            while let Some(member) = source {
                let entry = &mut clock[problem.chain[member as usize] as usize];
                let place = problem.place[member as usize] + 1;
                if entry.0 == t && entry.1 >= place {
                    break;
                }
                *entry = (t, place, from);
                // A chain may have branched off another one.
                source = problem.head_of(member).and_then(|head| problem.previous(head));
                meter.spend(1)?;
            }
            let mut rest = writers.of(key);
            while let Some(&writer) = rest.first() {
                let chain = problem.chain[writer as usize];
                let end = rest.partition_point(|&other| problem.chain[other as usize] == chain);
                let (owner, limit, through) = clock[chain as usize];
                meter.spend(1)?;
                if owner == t {
                    let mut visible =
                        rest[..end].partition_point(|&other| problem.place[other as usize] < limit);
                    // A transaction's own writes come after its own reads.
                    visible -= usize::from(visible > 0 && rest[visible - 1] == t);
                    if let Some(&latest) = visible.checked_sub(1).map(|last| &rest[last])
                        && latest != from
                    {
                        if from == INITIAL {
                            edges.push(Edge::new(through, t, Why::Read, key, t));
                        }
                        edges.push(older(latest, from, key, t));
                    }
                }
                rest = &rest[end..];
            }
        }
    }
    Ok(edges)
}
