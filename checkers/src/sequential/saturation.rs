//! The orders that are forced in every sequential order of a history, and a contradiction among them if there is one.
//!
//! A call comes after those before it in its session, and after the call whose version it saw. If a write comes before a
//! reader of another version of its key, it comes before the writer of that version; if it comes after that writer, it
//! comes after the reader. These two rules are applied until nothing new follows. What precedes a call is kept as one
//! number per session, because the calls of a session follow each other.

use rustc_hash::FxHashMap;

use crate::{
    Limit,
    levels::{
        calls::{NONE, Problem},
        forced::{Deduced, Edge, Given, Graph, Why},
        meter::Meter,
        sources::{INITIAL, Sources},
    },
};

/// More rounds than these are not tried: the search goes on with what is known by then.
const ROUNDS_MAX: u32 = 64;
/// The most bytes that the numbers per call and session may take.
const CLOCKS_MAX: u64 = 2 << 30;
/// The most edges from reads of the initial versions.
const FIRST_MAX: usize = 4 << 20;
/// Through how many edges a short cycle is sought.
const TRIED: usize = 12;

/// What was found.
#[derive(Debug)]
pub(super) enum Saturation {
    /// Orders that every sequential order keeps.
    Open(Deduced),
    /// A contradiction, and the calls that it rests on.
    Cycle(Vec<Edge>, Vec<u32>),
}

/// Session order, and what was seen.
#[derive(Debug)]
pub(super) struct Base<'a> {
    pub problem: &'a Problem,
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

/// Deduces all it can.
pub(super) fn saturate(problem: &Problem, sources: &Sources, meter: &mut Meter) -> Result<Saturation, Limit> {
    let base = Base { problem, sources };
    let mut deduced = Deduced::new(problem.calls.len());
    let writes = Writes::new(problem, sources);
    deduced.add(writes.after_first_reads(problem, sources));
    let clock_bytes = (problem.calls.len() as u64 * problem.sessions.len() as u64).saturating_mul(4);
    for round in 1..=ROUNDS_MAX {
        let graph = Graph { given: &base, deduced: &deduced };
        let order = match sort(&graph, problem, sources, meter)? {
            Ok(order) => order,
            Err(stuck) => {
                let cycle = shortest(&graph, &stuck, meter)?;
                let grounds = graph.grounds(&cycle, meter)?;
                return Ok(Saturation::Cycle(cycle, grounds));
            }
        };
        if clock_bytes > CLOCKS_MAX || meter.hold(clock_bytes).is_err() {
            break;
        }
        let clocks = Clocks::new(&graph, problem, &order, meter)?;
        let more = writes.deduce(problem, sources, &clocks, round, meter)?;
        if more.is_empty() {
            break;
        }
        deduced.add(more);
    }
    Ok(Saturation::Open(deduced))
}

/// All that happened in an order that keeps all edges; else what is on cycles or after them.
fn sort<G: Given>(
    graph: &Graph<G>,
    problem: &Problem,
    sources: &Sources,
    meter: &mut Meter,
) -> Result<Result<Vec<u32>, Vec<bool>>, Limit> {
    let size = problem.calls.len();
    // Depth first, because it needs no list of what follows a call: white, open, done.
    let (mut colour, mut order) = (vec![0u8; size], Vec::with_capacity(size));
    let (mut stack, mut edges): (Vec<(u32, u32)>, Vec<Edge>) = (Vec::new(), Vec::new());
    for start in 0..size as u32 {
        if colour[start as usize] != 0 || !sources.happened[start as usize] {
            continue;
        }
        colour[start as usize] = 1;
        stack.push((start, 0));
        while let Some((node, next)) = stack.last_mut() {
            edges.clear();
            graph.given.ending_at(*node, &mut edges);
            let given = edges.len() as u32;
            let deduced = graph.deduced.ending_at(*node);
            let from =
                if *next < given { edges.get(*next as usize) } else { deduced.get((*next - given) as usize) }
                    .map(|edge| edge.from);
            *next += 1;
            let node = *node;
            match from {
                Some(from) if colour[from as usize] == 0 => {
                    colour[from as usize] = 1;
                    stack.push((from, 0));
                }
                Some(from) if colour[from as usize] == 1 => {
                    let mut stuck = vec![false; size];
                    let start = stack.iter().position(|&(open, _)| open == from).unwrap_or(0);
                    stack[start..].iter().for_each(|&(open, _)| stuck[open as usize] = true);
                    return Ok(Err(stuck));
                }
                Some(_) => {}
                None => {
                    colour[node as usize] = 2;
                    order.push(node);
                    stack.pop();
                }
            }
        }
        meter.spend(1)?;
    }
    Ok(Ok(order))
}

/// A short cycle near the calls of one that was found.
fn shortest(graph: &Graph<Base>, on: &[bool], meter: &mut Meter) -> Result<Vec<Edge>, Limit> {
    let inside = |edge: &&Edge| on[edge.from as usize] && on[edge.to as usize];
    let mut through: Vec<Edge> = graph.deduced.all().iter().filter(inside).copied().collect();
    let mut edges = Vec::new();
    if through.is_empty() {
        for call in (0..on.len() as u32).filter(|&call| on[call as usize]) {
            edges.clear();
            graph.given.ending_at(call, &mut edges);
            through.extend(edges.iter().filter(|edge| edge.why == Why::Reads).filter(inside));
        }
    }
    through.sort_unstable_by_key(|edge| (edge.round, edge.to, edge.from));
    through.truncate(TRIED);
    graph.cycle(&through, meter)
}

/// Of each call and session, how many calls of the session come before it, itself included.
struct Clocks {
    width: usize,
    counts: Vec<u32>,
}

impl Clocks {
    fn new(graph: &Graph<Base>, problem: &Problem, order: &[u32], meter: &mut Meter) -> Result<Self, Limit> {
        let width = problem.sessions.len();
        let mut clocks = Self { width, counts: vec![0; width * problem.calls.len()] };
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
            clocks.counts[own + call.session as usize] = call.place + 1;
        }
        Ok(clocks)
    }

    fn of(&self, call: u32, session: u32) -> u32 {
        self.counts[call as usize * self.width + session as usize]
    }
}

/// Of each key, the writes of each session.
struct Writes {
    by_key: Vec<Vec<(u32, Vec<u32>)>>,
    /// Of each call, the last observers of what it made in each session.
    readers: Vec<(u32, u32)>,
}

impl Writes {
    fn new(problem: &Problem, sources: &Sources) -> Self {
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
        let mut readers: Vec<(u32, u32)> =
            last.into_iter().map(|((source, _), reader)| (source, reader)).collect();
        readers.sort_unstable();
        Self { by_key, readers }
    }

    /// Whoever saw the initial version comes before the first write of every session.
    fn after_first_reads(&self, problem: &Problem, sources: &Sources) -> Vec<Edge> {
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

    /// One round of the two rules.
    fn deduce(
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
            let sessions = &self.by_key[call.key as usize];
            meter.spend(1 + sessions.len() as u64 / 4)?;
            for (session, writes) in sessions {
                let own = *session == call.session;
                let until = if own { call.place } else { clocks.of(reader, *session) };
                let upto = writes.partition_point(|&write| problem.calls[write as usize].place < until);
                let Some(&older) = upto.checked_sub(1).map(|last| &writes[last]) else { continue };
                if older != written && clocks.of(written, *session) <= problem.calls[older as usize].place {
                    edges.push(Edge { to: written, from: older, why: Why::Older { reader }, round });
                }
            }
        }
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
