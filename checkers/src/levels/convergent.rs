//! Causal convergence: one order of all writes for everybody, that keeps causes before effects.
//!
//! The causal order is that of the sessions, and that what was seen comes before who saw it. Every observation returns the
//! last of the writes to its key that causally precede it, by one order of all writes which all sessions share. So a write
//! that causally precedes an observation comes before the one that was seen, and there is such an order exactly if these
//! and the causal order have no cycle. The real-time form wants the order to agree with real time as well.

use super::{
    calls::{NEVER, Problem},
    clocks::{Base, Clocks, Writes},
    forced::{Contradiction, Deduced, Edge, Given, Graph, Why},
    meter::Meter,
    sources::Sources,
};
use crate::Limit;

/// How many bytes the numbers of one group of sessions take, unless a single session takes more.
const GROUP: usize = 64 << 20;
/// How many sessions a group has at least.
const GROUP_MIN: usize = 8;

/// Causal order and real time. Nodes from the number of calls on are the times at which calls ended.
struct Timed<'a> {
    base: Base<'a>,
    ends: Vec<(u64, u32)>,
    /// The distinct times, each with its first place in `ends`.
    times: Vec<(u64, usize)>,
}

impl<'a> Timed<'a> {
    fn new(problem: &'a Problem, sources: &'a Sources) -> Self {
        let happened = (0u32..).zip(&problem.calls).filter(|(call, _)| sources.happened[*call as usize]);
        let mut ends: Vec<(u64, u32)> = happened
            .filter(|(_, call)| call.ended != NEVER)
            .map(|(number, call)| (call.ended, number))
            .collect();
        ends.sort_unstable();
        let mut times: Vec<(u64, usize)> = Vec::new();
        for (place, &(end, _)) in ends.iter().enumerate() {
            if times.last().is_none_or(|&(time, _)| time != end) {
                times.push((end, place));
            }
        }
        Self { base: Base { problem, sources }, ends, times }
    }

    fn calls(&self) -> usize {
        self.base.problem.calls.len()
    }
}

impl Given for Timed<'_> {
    fn ending_at(&self, node: u32, edges: &mut Vec<Edge>) {
        let calls = self.calls() as u32;
        let mut after = |from: u32| edges.push(Edge { to: node, from, why: Why::Realtime, round: 0 });
        if node < calls {
            let began = self.base.problem.calls[node as usize].began;
            let earlier = self.times.partition_point(|&(time, _)| time < began) as u32;
            if earlier > 0 {
                after(calls + earlier - 1);
            }
            return self.base.ending_at(node, edges);
        }
        let time = (node - calls) as usize;
        if time > 0 {
            after(node - 1);
        }
        let end = self.times.get(time + 1).map_or(self.ends.len(), |&(_, place)| place);
        self.ends[self.times[time].1..end].iter().for_each(|&(_, call)| after(call));
    }
}

/// Looks for a contradiction.
pub(super) fn judge(
    problem: &Problem,
    sources: &Sources,
    real_time: bool,
    meter: &mut Meter,
) -> Result<Option<Contradiction>, Limit> {
    let size = problem.calls.len();
    let base = Base { problem, sources };
    let nothing = Deduced::new(size);
    let causal = Graph { given: &base, deduced: &nothing };
    let happened = || (0..size as u32).filter(|&call| sources.happened[call as usize]);
    let order = match causal.sort(size, happened(), meter)? {
        Ok(order) => order,
        Err(stuck) => {
            let cycle = causal.shortest(&stuck, meter)?;
            let calls = causal.grounds(&cycle, meter)?;
            return Ok(Some(Contradiction { cycle, calls, session: None }));
        }
    };
    let writes = Writes::new(problem, sources);
    let sessions = problem.sessions.len();
    let group = (GROUP / 4 / size.max(1)).max(GROUP_MIN).min(sessions.max(1));
    let mut edges = Vec::new();
    for first in (0..sessions).step_by(group) {
        let range = first as u32..sessions.min(first + group) as u32;
        meter.hold((size * group * 4 + edges.len() * 20) as u64)?;
        let clocks = Clocks::new(&causal, problem, &order, range, meter)?;
        if let Some(back) = writes.before_first_reads(problem, sources, &clocks, meter)? {
            let mut cycle = causal.path(back.to, back.from, u32::MAX, meter)?;
            cycle.push(back);
            let calls = causal.grounds(&cycle, meter)?;
            return Ok(Some(Contradiction { cycle, calls, session: None }));
        }
        edges.extend(writes.older(problem, sources, &clocks, 1, meter)?);
    }
    meter.hold((size * 16 + edges.len() * 40) as u64)?;
    let cycle = if real_time {
        let timed = Timed::new(problem, sources);
        let nodes = size + timed.times.len();
        conflict(&timed, nodes, edges, happened(), meter)?
    } else {
        conflict(&base, size, edges, happened(), meter)?
    };
    let Some(cycle) = cycle else { return Ok(None) };
    let cycle = without_times(&cycle, size as u32);
    let calls = causal.grounds(&cycle, meter)?;
    Ok(Some(Contradiction { cycle, calls, session: None }))
}

fn conflict<G: Given>(
    given: &G,
    nodes: usize,
    edges: Vec<Edge>,
    roots: impl Iterator<Item = u32>,
    meter: &mut Meter,
) -> Result<Option<Vec<Edge>>, Limit> {
    let mut deduced = Deduced::new(nodes);
    deduced.add(edges);
    let graph = Graph { given, deduced: &deduced };
    Ok(match graph.sort(nodes, roots, meter)? {
        Ok(_) => None,
        Err(stuck) => Some(graph.shortest(&stuck, meter)?),
    })
}

/// The cycle with one edge from call to call for each way through times.
fn without_times(cycle: &[Edge], calls: u32) -> Vec<Edge> {
    let start = cycle.iter().position(|edge| edge.from < calls).unwrap_or(0);
    let mut short: Vec<Edge> = Vec::with_capacity(cycle.len());
    for edge in cycle[start..].iter().chain(&cycle[..start]) {
        match short.last_mut() {
            Some(last) if last.to >= calls => last.to = edge.to,
            _ => short.push(*edge),
        }
    }
    short
}
