//! Looks for a sequential order: every session by its own order, all answers right.
//!
//! A position is how far each session is, and the state of each key. From a position, whatever cannot hurt is done at
//! once: observations that fit, and writes over a version that nobody wants by one that nobody
//! wants. Then one of the first writes of the sessions comes next. One that would destroy a version which somebody must
//! still see and nobody makes again is not tried. Positions that failed are remembered, by all that they are.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::{
    Limit,
    levels::{
        calls::{Action, Problem},
        forced::Deduced,
        meter::Meter,
        sources::{INITIAL, Sources},
    },
};

/// What the search found.
#[derive(Debug)]
pub(super) enum Found {
    /// An order. Optional calls that are not in it never happened.
    Order(Vec<u32>),
    /// There is none.
    Nothing,
    /// It was ended by a limit, after so many calls in the longest order that it tried.
    Stopped(Limit, u32),
}

/// About how many bytes a call takes in the search, besides the positions that failed.
const BYTES_PER_CALL: u64 = 100;

/// A version that nobody wants is as good as any other such.
const UNWANTED: u32 = u32::MAX;

struct Frame {
    mark: usize,
    candidates: SmallVec<[u32; 8]>,
    next: usize,
}

struct Search<'a> {
    problem: &'a Problem,
    needs: &'a Deduced,
    must: &'a [bool],
    /// Of each session, how many calls are done.
    heads: Vec<u32>,
    /// Of each key, its version.
    state: Vec<u32>,
    /// Of each version: how many may still want to see it, how many must, and how many may still make it.
    wanted: Vec<u32>,
    due: Vec<u32>,
    makers: Vec<u32>,
    /// Of each key, how many refused calls are left.
    refusals: Vec<u32>,
    left: usize,
    rank: Vec<u64>,
    observers: Vec<Vec<u32>>,
    trail: Vec<(u32, u32)>,
    failed: FxHashSet<Box<[u32]>>,
}

/// Searches, while every order keeps what was deduced.
pub(super) fn search(problem: &Problem, sources: &Sources, needs: &Deduced, meter: &mut Meter) -> Found {
    if let Err(limit) = meter.hold(problem.calls.len() as u64 * BYTES_PER_CALL) {
        return Found::Stopped(limit, 0);
    }
    let mut search = Search::new(problem, sources, needs);
    let mut longest = 0;
    match search.run(meter, &mut longest) {
        Ok(true) => Found::Order(search.trail.iter().map(|&(call, _)| call).collect()),
        Ok(false) => Found::Nothing,
        Err(limit) => Found::Stopped(limit, longest),
    }
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, sources: &'a Sources, needs: &'a Deduced) -> Self {
        let versions = problem.versions.len();
        let mut search = Self {
            problem,
            needs,
            must: &sources.happened,
            heads: vec![0; problem.sessions.len()],
            state: problem.initial.clone(),
            wanted: vec![0; versions],
            due: vec![0; versions],
            makers: vec![0; versions],
            refusals: vec![0; problem.keys.len()],
            left: 0,
            rank: problem.calls.iter().map(|call| call.ended).collect(),
            observers: vec![Vec::new(); versions],
            trail: Vec::with_capacity(problem.calls.len()),
            failed: FxHashSet::default(),
        };
        for (number, call) in problem.calls.iter().enumerate() {
            let must = search.must[number];
            search.left += usize::from(must);
            if let Some(seen) = call.action.sees() {
                search.wanted[seen as usize] += 1;
                search.due[seen as usize] += u32::from(must);
                search.observers[seen as usize].push(number as u32);
            }
            if let Some(made) = call.action.makes() {
                search.makers[made as usize] += 1;
            }
            search.refusals[call.key as usize] += u32::from(matches!(call.action, Action::Refused(_)));
            let source = sources.of[number];
            if (source as usize) < problem.calls.len() && source != INITIAL {
                let rank = &mut search.rank[source as usize];
                *rank = call.ended.min(*rank);
            }
        }
        search
    }

    fn run(&mut self, meter: &mut Meter, longest: &mut u32) -> Result<bool, Limit> {
        let mut frames: Vec<Frame> = Vec::new();
        let mut touched: Vec<u32> = (0..self.heads.len() as u32).collect();
        loop {
            self.settle(&mut touched, meter)?;
            *longest = (*longest).max(self.trail.len() as u32);
            if self.left == 0 {
                return Ok(true);
            }
            let known = !self.failed.is_empty() && self.failed.contains(&self.position());
            let candidates = if known { SmallVec::new() } else { self.candidates(meter)? };
            frames.push(Frame { mark: self.trail.len(), candidates, next: 0 });
            loop {
                let Some(frame) = frames.last_mut() else { return Ok(false) };
                self.undo(frame.mark);
                if let Some(&call) = self_next(frame) {
                    self.perform(call, &mut touched);
                    break;
                }
                let worth = frame.candidates.len() > 1;
                frames.pop();
                if worth {
                    let position = self.position();
                    let bytes = (position.len() as u64 * 4 + 48) * (self.failed.len() as u64 + 1);
                    meter.hold(bytes + self.problem.calls.len() as u64 * BYTES_PER_CALL)?;
                    self.failed.insert(position);
                }
            }
        }
    }

    /// Does what cannot hurt, until there is nothing of that kind.
    fn settle(&mut self, touched: &mut Vec<u32>, meter: &mut Meter) -> Result<(), Limit> {
        loop {
            while let Some(session) = touched.pop() {
                while let Some(call) = self.head(session).filter(|&call| self.is_harmless(call)) {
                    meter.spend(1)?;
                    self.perform(call, touched);
                }
            }
            meter.spend(self.heads.len() as u64 / 8)?;
            for session in 0..self.heads.len() as u32 {
                if self.head(session).is_some_and(|call| self.is_harmless(call)) {
                    touched.push(session);
                }
            }
            if touched.is_empty() {
                return Ok(());
            }
        }
    }

    fn head(&self, session: u32) -> Option<u32> {
        self.problem.sessions[session as usize].get(self.heads[session as usize] as usize).copied()
    }

    fn is_ready(&self, call: u32) -> bool {
        self.needs.ending_at(call).iter().all(|edge| {
            let earlier = &self.problem.calls[edge.from as usize];
            self.heads[earlier.session as usize] > earlier.place
        })
    }

    fn is_unwanted(&self, version: u32) -> bool {
        self.wanted[version as usize] == 0
    }

    fn is_harmless(&self, number: u32) -> bool {
        let call = &self.problem.calls[number as usize];
        let state = self.state[call.key as usize];
        let fits = match call.action {
            Action::Write(to) => {
                self.is_unwanted(to) && self.is_unwanted(state) && self.refusals[call.key as usize] == 0
            }
            action => action.apply(state) == Some(state),
        };
        fits && self.must[number as usize] && self.is_ready(number)
    }

    /// The writes that may come next, the likeliest first.
    fn candidates(&self, meter: &mut Meter) -> Result<SmallVec<[u32; 8]>, Limit> {
        meter.spend(1 + self.heads.len() as u64 / 8)?;
        let mut found = SmallVec::new();
        for session in 0..self.heads.len() as u32 {
            let Some(number) = self.head(session) else { continue };
            let call = &self.problem.calls[number as usize];
            let state = self.state[call.key as usize];
            let Some(to) = call.action.apply(state).filter(|_| call.action.makes().is_some()) else {
                continue;
            };
            let sees = u32::from(call.action.sees() == Some(state) && self.must[number as usize]);
            let destroys = to != state && self.due[state as usize] > sees && self.makers[state as usize] == 0;
            let unseen = self.is_unwanted(to) && self.refusals[call.key as usize] == 0;
            let useless = !self.must[number as usize] && (unseen || to == state);
            if !destroys && !useless && self.is_ready(number) {
                found.push(number);
            }
        }
        found.sort_by_key(|&call| (self.rank[call as usize], call));
        Ok(found)
    }

    fn perform(&mut self, number: u32, touched: &mut Vec<u32>) {
        let call = &self.problem.calls[number as usize];
        let state = self.state[call.key as usize];
        let after = call.action.apply(state).expect("only what fits is performed");
        self.trail.push((number, state));
        self.count(number, false);
        touched.push(call.session);
        if after == state {
            return;
        }
        self.state[call.key as usize] = after;
        let observers = &self.observers[after as usize];
        if self.refusals[call.key as usize] > 0 || observers.len() > self.heads.len() {
            touched.extend(0..self.heads.len() as u32);
        } else {
            touched.extend(observers.iter().map(|&call| self.problem.calls[call as usize].session));
        }
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            let (call, state) = self.trail.pop().expect("the trail is longer than the mark");
            self.state[self.problem.calls[call as usize].key as usize] = state;
            self.count(call, true);
        }
    }

    /// Keeps the counts when a call is done or undone.
    fn count(&mut self, number: u32, undone: bool) {
        let call = &self.problem.calls[number as usize];
        let must = self.must[number as usize];
        let change = |count: &mut u32| *count = if undone { *count + 1 } else { *count - 1 };
        if let Some(seen) = call.action.sees() {
            change(&mut self.wanted[seen as usize]);
            if must {
                change(&mut self.due[seen as usize]);
            }
        }
        if let Some(made) = call.action.makes() {
            change(&mut self.makers[made as usize]);
        }
        if let Action::Refused(_) = call.action {
            change(&mut self.refusals[call.key as usize]);
        }
        if must {
            self.left = if undone { self.left + 1 } else { self.left - 1 };
        }
        let head = &mut self.heads[call.session as usize];
        *head = if undone { *head - 1 } else { *head + 1 };
    }

    /// All that the future depends on.
    fn position(&self) -> Box<[u32]> {
        let states = self.state.iter().zip(&self.refusals).map(|(&version, &refusals)| {
            if refusals == 0 && self.is_unwanted(version) { UNWANTED } else { version }
        });
        self.heads.iter().copied().chain(states).collect()
    }
}

fn self_next(frame: &mut Frame) -> Option<&u32> {
    let call = frame.candidates.get(frame.next);
    frame.next += 1;
    call
}
