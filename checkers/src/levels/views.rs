//! Promises about what each session sees: one order of the writes per session in which all its answers are right.
//!
//! The *view* of a session is an order of all writes and of the session's own observations, in which every observation
//! returns the last write before it to its key. What a promise says, is which orders every view must keep; different
//! sessions may still see different orders.
//!
//! A view exists exactly if no contradiction follows from one rule: what precedes an observation and writes its key,
//! precedes the write that it saw. For the observations of a session are one after the other: all that must precede the
//! first, then the first, then what must precede the second and is not yet there, and so on, is a view, if within all that
//! precedes an observation the write that it saw is the last to its key. So the engine puts everything into such an order,
//! adds what the rule says where the order is wrong, and starts again, until the order is right or a cycle is found.

use crate::{
    Limit,
    levels::{
        calls::{Action, NONE, Problem},
        forced::{Contradiction, Deduced, Edge, Given, Graph, Why},
        meter::Meter,
        sources::{INITIAL, Sources},
    },
};

/// Which orders every view keeps, besides that of the session's own observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// None.
    MonotonicReads,
    /// That of the writes of each session.
    MonotonicWrites,
    /// What a session had seen comes before what it wrote then.
    WritesFollowReads,
    /// That of each session, as far as it is in the view: all of the own, the writes of others.
    Pram,
    /// Causal order: that of all sessions, and that what was seen comes before who saw it.
    Causal,
}

/// The given order of one view.
struct Base<'a> {
    problem: &'a Problem,
    sources: &'a Sources,
    neighbours: &'a Neighbours,
    view: View,
    session: u32,
}

/// Of each call, the last write and the last observation before it in its session.
#[derive(Debug)]
pub(super) struct Neighbours {
    write: Vec<u32>,
    observation: Vec<u32>,
}

impl Neighbours {
    /// Those of a problem.
    pub fn new(problem: &Problem, sources: &Sources) -> Self {
        let size = problem.calls.len();
        let mut found = Self { write: vec![NONE; size], observation: vec![NONE; size] };
        for session in &problem.sessions {
            let (mut write, mut observation) = (NONE, NONE);
            for &call in session {
                found.write[call as usize] = write;
                found.observation[call as usize] = observation;
                if problem.calls[call as usize].action.makes().is_some() {
                    write = call;
                }
                if sources.of[call as usize] != NONE {
                    observation = call;
                }
            }
        }
        found
    }
}

impl Base<'_> {
    fn size(&self) -> u32 {
        self.problem.calls.len() as u32
    }

    fn session_edge(&self, from: u32, to: u32, edges: &mut Vec<Edge>) {
        if from != NONE {
            edges.push(Edge { to, from, why: Why::Session, round: 0 });
        }
    }

    fn source_edge(&self, call: u32, to: u32, edges: &mut Vec<Edge>) {
        let from = self.sources.of[call as usize];
        if from != NONE && from != INITIAL {
            edges.push(Edge { to, from, why: Why::Reads, round: 0 });
        }
    }

    /// What a session had seen by a call, where only that is kept: nodes from the number of calls on.
    fn had_seen(&self, call: u32) -> u32 {
        if call == NONE { NONE } else { call + self.size() }
    }
}

impl Given for Base<'_> {
    fn ending_at(&self, node: u32, edges: &mut Vec<Edge>) {
        let call = node % self.size();
        let (write, observation) =
            (self.neighbours.write[call as usize], self.neighbours.observation[call as usize]);
        if node >= self.size() {
            self.source_edge(call, node, edges);
            self.session_edge(self.had_seen(observation), node, edges);
            return;
        }
        let at = &self.problem.calls[call as usize];
        let own = at.session == self.session;
        let writes = at.action.makes().is_some();
        let observes = self.sources.of[call as usize] != NONE;
        match self.view {
            View::Causal => {
                self.session_edge(self.problem.before(call), node, edges);
                self.source_edge(call, node, edges);
            }
            View::Pram if own => {
                self.session_edge(self.problem.before(call), node, edges);
                self.source_edge(call, node, edges);
            }
            View::Pram => self.session_edge(write, node, edges),
            _ => {
                if own && observes {
                    self.source_edge(call, node, edges);
                    self.session_edge(observation, node, edges);
                }
                if writes && self.view == View::MonotonicWrites {
                    self.session_edge(write, node, edges);
                }
                if writes && self.view == View::WritesFollowReads {
                    self.session_edge(self.had_seen(observation), node, edges);
                    // A compare-and-set saw something itself before it wrote.
                    if observes && !own {
                        self.source_edge(call, node, edges);
                    }
                }
            }
        }
    }
}

/// What the views of all sessions of one problem share.
pub(super) struct Views<'a> {
    /// The calls.
    pub problem: &'a Problem,
    /// What they saw.
    pub sources: &'a Sources,
    /// Their neighbours.
    pub neighbours: &'a Neighbours,
    /// The promise.
    pub view: View,
}

impl Views<'_> {
    /// Looks for a contradiction in the view of a session.
    pub fn judge(&self, session: u32, meter: &mut Meter) -> Result<Option<Contradiction>, Limit> {
        let (problem, sources) = (self.problem, self.sources);
        let neighbours = self.neighbours;
        let base = Base { problem, sources, neighbours, view: self.view, session };
        let observations: Vec<u32> = problem.sessions[session as usize]
            .iter()
            .copied()
            .filter(|&call| sources.happened[call as usize] && sources.of[call as usize] != NONE)
            .collect();
        if observations.is_empty() {
            return Ok(None);
        }
        let nodes = problem.calls.len() * if self.view == View::WritesFollowReads { 2 } else { 1 };
        meter.hold(nodes as u64 * 9 + problem.keys.len() as u64 * 32)?;
        let mut deduced = Deduced::new(nodes);
        for round in 1.. {
            let graph = Graph { given: &base, deduced: &deduced };
            let mut sweep = Sweep::new(&graph, problem, sources, nodes, round);
            for &observation in &observations {
                if let Some(cycle) = sweep.include(observation, meter)? {
                    let cycle = graph.shortest(&cycle, meter)?;
                    return Ok(Some(grounds(&graph, cycle, problem, meter)?));
                }
                if let Some(older) = sweep.observe(observation) {
                    let mut cycle = graph.path(older, observation, u32::MAX, meter)?;
                    let why = Why::Replaced { writer: NONE };
                    cycle.push(Edge { to: older, from: observation, why, round });
                    return Ok(Some(grounds(&graph, cycle, problem, meter)?));
                }
            }
            if !sweep.wrong {
                return Ok(None);
            }
            let more = sweep.edges;
            meter.hold(nodes as u64 * 9 + (deduced.all().len() + more.len()) as u64 * 48)?;
            deduced.add(more);
        }
        Ok(None)
    }
}

/// The calls that a cycle rests on. Nodes from the number of calls on are what a session had seen by then.
fn grounds(
    graph: &Graph<Base>,
    cycle: Vec<Edge>,
    problem: &Problem,
    meter: &mut Meter,
) -> Result<Contradiction, Limit> {
    let size = problem.calls.len() as u32;
    let mut calls: Vec<u32> = graph.grounds(&cycle, meter)?.into_iter().map(|node| node % size).collect();
    calls.sort_unstable();
    calls.dedup();
    Ok(Contradiction { cycle, calls, session: Some(graph.given.session) })
}

/// One attempt to put everything into an order.
struct Sweep<'a> {
    graph: &'a Graph<'a, Base<'a>>,
    problem: &'a Problem,
    sources: &'a Sources,
    round: u32,
    /// 0: not reached, 1: under way, 2: in the order.
    colour: Vec<u8>,
    place: Vec<u32>,
    placed: u32,
    /// Of each key, the writes that came since the last observation of it, and what that saw.
    fresh: Vec<Vec<u32>>,
    last: Vec<u32>,
    stack: Vec<(u32, u32)>,
    edges: Vec<Edge>,
    wrong: bool,
}

impl<'a> Sweep<'a> {
    fn new(
        graph: &'a Graph<'a, Base<'a>>,
        problem: &'a Problem,
        sources: &'a Sources,
        nodes: usize,
        round: u32,
    ) -> Self {
        Self {
            graph,
            problem,
            sources,
            round,
            colour: vec![0; nodes],
            place: vec![0; nodes],
            placed: 0,
            fresh: vec![Vec::new(); problem.keys.len()],
            last: vec![INITIAL; problem.keys.len()],
            stack: Vec::new(),
            edges: Vec::new(),
            wrong: false,
        }
    }

    /// Puts a node into the order, after all that must precede it. The nodes of a cycle, each after its predecessor, if
    /// there is one.
    fn include(&mut self, start: u32, meter: &mut Meter) -> Result<Option<Vec<u32>>, Limit> {
        if self.colour[start as usize] == 2 {
            return Ok(None);
        }
        self.colour[start as usize] = 1;
        self.stack.push((start, 0));
        let mut given = Vec::new();
        while let Some(&(node, next)) = self.stack.last() {
            given.clear();
            self.graph.given.ending_at(node, &mut given);
            let own = given.len() as u32;
            let deduced = self.graph.deduced.ending_at(node);
            let edge = if next < own { given.get(next as usize) } else { deduced.get((next - own) as usize) };
            self.stack.last_mut().expect("it was just looked at").1 += 1;
            meter.spend(1)?;
            let Some(from) = edge.map(|edge| edge.from) else {
                self.stack.pop();
                self.settle(node);
                continue;
            };
            match self.colour[from as usize] {
                0 => {
                    self.colour[from as usize] = 1;
                    self.stack.push((from, 0));
                }
                1 => {
                    let begin = self.stack.iter().position(|&(open, _)| open == from).unwrap_or(0);
                    return Ok(Some(self.stack[begin..].iter().map(|&(open, _)| open).collect()));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn settle(&mut self, node: u32) {
        self.colour[node as usize] = 2;
        self.placed += 1;
        self.place[node as usize] = self.placed;
        if let Some(call) = self.problem.calls.get(node as usize)
            && call.action.makes().is_some()
        {
            self.fresh[call.key as usize].push(node);
        }
    }

    /// Applies the rule to an observation that is in the order. A write that precedes it, although it saw the initial
    /// value, is a contradiction.
    fn observe(&mut self, observation: u32) -> Option<u32> {
        let key = self.problem.calls[observation as usize].key as usize;
        let source = self.sources.of[observation as usize];
        let last = std::mem::replace(&mut self.last[key], source);
        let mut fresh = std::mem::take(&mut self.fresh[key]);
        let own_write = matches!(self.problem.calls[observation as usize].action, Action::Cas(..));
        fresh.extend((last != INITIAL).then_some(last));
        for &older in fresh.iter().filter(|&&older| older != source && older != observation) {
            if source == INITIAL {
                return Some(older);
            }
            let why = Why::Older { reader: observation };
            self.edges.push(Edge { to: source, from: older, why, round: self.round });
            self.wrong |= self.place[older as usize] > self.place[source as usize];
        }
        fresh.clear();
        if own_write {
            fresh.push(observation);
        }
        self.fresh[key] = fresh;
        None
    }
}
