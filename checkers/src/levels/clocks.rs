//! What precedes each call, as one number per session, and what two rules deduce from it.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    calls::{NONE, Problem},
    forced::{Edge, Given, Graph, Why},
    meter::Meter,
    sources::{INITIAL, Sources},
};
use crate::Limit;

/// The most edges from reads of the initial versions.
const FIRST_MAX: usize = 4 << 20;

/// Session order, and what was seen.
#[derive(Debug)]
pub(crate) struct Base<'a> {
    /// The calls.
    pub problem: &'a Problem,
    /// What they saw.
    pub sources: &'a Sources,
}

impl Given for Base<'_> {
    fn ending_at(&self, call: u32, edges: &mut Vec<Edge>) {
        let (before, source) = (self.problem.before(call), self.sources.of[call as usize]);
        if before != NONE {
            edges.push(Edge { to: call, from: before, why: Why::Session, round: 0 });
        }
        if source != NONE && source != INITIAL {
            edges.push(Edge { to: call, from: source, why: Why::Reads, round: 0 });
        }
    }
}

/// Of each call and session, how many calls of the session come before it, itself included.
pub(crate) struct Clocks {
    first: u32,
    width: usize,
    counts: Vec<u32>,
}

impl Clocks {
    /// Those of a range of sessions; the order keeps all edges of the graph.
    pub fn new<G: Given>(
        graph: &Graph<G>,
        problem: &Problem,
        order: &[u32],
        sessions: Range<u32>,
        meter: &mut Meter,
    ) -> Result<Self, Limit> {
        let (first, width) = (sessions.start, sessions.len());
        let mut clocks = Self { first, width, counts: vec![0; width * problem.calls.len()] };
        let mut edges = Vec::new();
        for &node in order {
            edges.clear();
            graph.given.ending_at(node, &mut edges);
            let deduced = graph.deduced.ending_at(node);
            meter.spend(1 + (deduced.len() as u64) / 4)?;
            let own = node as usize * width;
            for edge in edges.iter().chain(deduced) {
                let other = edge.from as usize * width;
                for session in 0..width {
                    let count = clocks.counts[other + session];
                    let mine = &mut clocks.counts[own + session];
                    *mine = count.max(*mine);
                }
            }
            let call = &problem.calls[node as usize];
            if sessions.contains(&call.session) {
                clocks.counts[own + (call.session - first) as usize] = call.place + 1;
            }
        }
        Ok(clocks)
    }

    /// How many calls of the session come before this one, itself included.
    pub fn of(&self, call: u32, session: u32) -> u32 {
        self.counts[call as usize * self.width + (session - self.first) as usize]
    }
}

impl Clocks {
    /// Those of these sessions, which are in order, that these numbers are about.
    fn covered<'a>(&self, sessions: &'a [(u32, Vec<u32>)]) -> &'a [(u32, Vec<u32>)] {
        let from = sessions.partition_point(|(session, _)| *session < self.first);
        let end = self.first + self.width as u32;
        let to = sessions.partition_point(|(session, _)| *session < end);
        &sessions[from..to]
    }
}

/// Of each key, the writes of each session.
pub(crate) struct Writes {
    by_key: Vec<Vec<(u32, Vec<u32>)>>,
    /// Of each call, the last observers of what it made in each session.
    readers: Vec<(u32, u32)>,
}

impl Writes {
    /// Those that happened.
    pub fn new(problem: &Problem, sources: &Sources) -> Self {
        let mut by_key: Vec<Vec<(u32, Vec<u32>)>> = vec![Vec::new(); problem.keys.len()];
        let mut places: FxHashMap<(u32, u32), usize> = FxHashMap::default();
        let mut last: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        for (number, call) in (0u32..).zip(&problem.calls) {
            if !sources.happened[number as usize] {
                continue;
            }
            if call.action.makes().is_some() {
                let sessions = &mut by_key[call.key as usize];
                let place = *places.entry((call.key, call.session)).or_insert_with(|| {
                    sessions.push((call.session, Vec::new()));
                    sessions.len() - 1
                });
                sessions[place].1.push(number);
            }
            let source = sources.of[number as usize];
            if source != NONE && source != INITIAL {
                last.insert((source, call.session), number);
            }
        }
        by_key.iter_mut().for_each(|sessions| sessions.sort_unstable_by_key(|(session, _)| *session));
        let mut readers: Vec<(u32, u32)> =
            last.into_iter().map(|((source, _), reader)| (source, reader)).collect();
        readers.sort_unstable();
        Self { by_key, readers }
    }

    /// Whoever saw the initial version comes before the first write of every session.
    pub fn after_first_reads(&self, problem: &Problem, sources: &Sources) -> Vec<Edge> {
        let mut last: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        for (number, call) in (0u32..).zip(&problem.calls) {
            if sources.happened[number as usize] && sources.of[number as usize] == INITIAL {
                last.insert((call.key, call.session), number);
            }
        }
        let count: usize = last.keys().map(|&(key, _)| self.by_key[key as usize].len()).sum();
        if count > FIRST_MAX {
            return Vec::new();
        }
        let mut edges = Vec::with_capacity(count);
        for ((key, _), reader) in last {
            for (_, writes) in &self.by_key[key as usize] {
                let first = writes.iter().copied().find(|&write| write != reader);
                let why = Why::Replaced { writer: NONE };
                edges.extend(first.map(|first| Edge { to: first, from: reader, why, round: 0 }));
            }
        }
        edges
    }

    /// The first rule: a write that comes before a reader comes before the write that was seen.
    pub fn older(
        &self,
        problem: &Problem,
        sources: &Sources,
        clocks: &Clocks,
        round: u32,
        meter: &mut Meter,
    ) -> Result<Vec<Edge>, Limit> {
        let mut edges = Vec::new();
        for (reader, &written) in (0u32..).zip(&sources.of) {
            if written == NONE || written == INITIAL || !sources.happened[reader as usize] {
                continue;
            }
            let call = &problem.calls[reader as usize];
            let sessions = clocks.covered(&self.by_key[call.key as usize]);
            meter.spend(1 + sessions.len() as u64 / 4)?;
            for (session, writes) in sessions {
                let Some(older) = last_before(problem, clocks, reader, *session, writes) else { continue };
                if older != written && clocks.of(written, *session) <= problem.calls[older as usize].place {
                    edges.push(Edge { to: written, from: older, why: Why::Older { reader }, round });
                }
            }
        }
        Ok(edges)
    }

    /// A write that comes before a reader of the initial version, as an edge back from the reader.
    pub fn before_first_reads(
        &self,
        problem: &Problem,
        sources: &Sources,
        clocks: &Clocks,
        meter: &mut Meter,
    ) -> Result<Option<Edge>, Limit> {
        for (reader, &written) in (0u32..).zip(&sources.of) {
            if written != INITIAL || !sources.happened[reader as usize] {
                continue;
            }
            let key = problem.calls[reader as usize].key as usize;
            let sessions = clocks.covered(&self.by_key[key]);
            meter.spend(1 + sessions.len() as u64 / 4)?;
            for (session, writes) in sessions {
                if let Some(older) = last_before(problem, clocks, reader, *session, writes) {
                    let why = Why::Replaced { writer: NONE };
                    return Ok(Some(Edge { to: older, from: reader, why, round: 1 }));
                }
            }
        }
        Ok(None)
    }

    /// The second rule: a write that comes after one that was seen comes after its readers.
    pub fn replaced(
        &self,
        problem: &Problem,
        clocks: &Clocks,
        round: u32,
        meter: &mut Meter,
    ) -> Result<Vec<Edge>, Limit> {
        let mut edges = Vec::new();
        for &(written, reader) in &self.readers {
            let (write, call) = (&problem.calls[written as usize], &problem.calls[reader as usize]);
            let sessions = &self.by_key[write.key as usize];
            meter.spend(1 + sessions.len() as u64 / 4)?;
            for (_, writes) in sessions {
                let before = writes.partition_point(|&later| clocks.of(later, write.session) <= write.place);
                let newer =
                    writes[before..].iter().copied().find(|&later| later != written && later != reader);
                if let Some(newer) = newer
                    && clocks.of(newer, call.session) <= call.place
                {
                    let why = Why::Replaced { writer: written };
                    edges.push(Edge { to: newer, from: reader, why, round });
                }
            }
        }
        Ok(edges)
    }
}

/// The last of the writes of a session that comes before a call.
fn last_before(problem: &Problem, clocks: &Clocks, call: u32, session: u32, writes: &[u32]) -> Option<u32> {
    let at = &problem.calls[call as usize];
    let until = if session == at.session { at.place } else { clocks.of(call, session) };
    let upto = writes.partition_point(|&write| problem.calls[write as usize].place < until);
    upto.checked_sub(1).map(|last| writes[last])
}
