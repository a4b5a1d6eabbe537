//! What is under way before each return, and what the passing of time does to a position.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Position;
use crate::{
    Budget, Limit,
    linearizability::{
        register::{Action, Problem},
        timeline::{NEVER, Timeline},
    },
};

/// The one value that stands for all values nobody can see any more.
pub(super) const JUNK: u32 = u32::MAX;

/// A problem laid out return by return.
pub(super) struct Course<'a> {
    pub problem: &'a Problem,
    pub line: &'a Timeline,
    /// How many words hold one bit for each slot.
    pub words: usize,
    slot: Vec<u32>,
    /// Of each value, the rank after which nobody can see it.
    interest: Vec<u32>,
    /// Of each unknown operation, an equal one that was called before it.
    before: Vec<u32>,
    under_way: Vec<u32>,
    /// For each return, where its part of `under_way` begins.
    begins: Vec<usize>,
    /// For each return, where those called since the return before it begin.
    fresh: Vec<usize>,
    /// Slots of unknown operations that are forgotten before a return.
    forgotten: Vec<(u32, u32)>,
    forgotten_begins: Vec<usize>,
}

/// Which values the operations under way wait for.
pub(super) struct Wishes {
    values: SmallVec<[u32; 8]>,
    state: u32,
    any_other: bool,
}

impl Wishes {
    pub fn want(&self, value: u32) -> bool {
        (self.any_other && value != self.state) || self.values.contains(&value)
    }
}

impl<'a> Course<'a> {
    pub fn new(problem: &'a Problem, line: &'a Timeline, budget: &Budget) -> Result<Self, Limit> {
        let n = problem.actions.len();
        let interest = interest(problem, line);
        let mut course = Self {
            problem,
            line,
            words: 1,
            slot: vec![NEVER; n],
            before: vec![NEVER; n],
            interest,
            under_way: Vec::new(),
            begins: Vec::with_capacity(line.returns.len() + 1),
            fresh: Vec::with_capacity(line.returns.len()),
            forgotten: Vec::new(),
            forgotten_begins: Vec::with_capacity(line.returns.len() + 1),
        };
        course.lay_out(budget)?;
        Ok(course)
    }

    /// The rank after which an unknown operation can make no difference; 0 if it never can.
    fn useful_until(&self, action: u32, last_refusal: u32) -> u32 {
        self.problem.actions[action as usize]
            .makes()
            .map_or(0, |to| self.interest[to as usize].max(last_refusal))
    }

    fn lay_out(&mut self, budget: &Budget) -> Result<(), Limit> {
        let line = self.line;
        let last_refusal = last_refusal(self.problem, line);
        let mut latest: FxHashMap<Action, u32> = FxHashMap::default();
        let mut free = std::collections::BinaryHeap::new();
        let mut expiring = std::collections::BinaryHeap::new();
        let (mut width, mut calls) = (0u32, line.calls.iter().copied().peekable());
        let mut live: Vec<u32> = Vec::new();
        for (layer, &due) in (0u32..).zip(&line.returns) {
            let now = line.ret[due as usize];
            self.forgotten_begins.push(self.forgotten.len());
            while let Some(&std::cmp::Reverse((until, action))) = expiring.peek() {
                if until
                    >= layer
                        .checked_sub(1)
                        .map_or(0, |last| line.ret[line.returns[last as usize] as usize] + 1)
                {
                    break;
                }
                expiring.pop();
                let slot = self.slot[action as usize];
                self.forgotten.push((slot, action));
                free.push(std::cmp::Reverse(slot));
                live.retain(|&o| o != action);
            }
            let old = live.len();
            while let Some(action) = calls.next_if(|&action| line.call[action as usize] < now) {
                if self.problem.spans[action as usize].optional {
                    let until = self.useful_until(action, last_refusal);
                    if until <= line.call[action as usize] {
                        continue;
                    }
                    let kind = self.kind(action);
                    self.before[action as usize] = latest.insert(kind, action).unwrap_or(NEVER);
                    expiring.push(std::cmp::Reverse((until, action)));
                }
                self.slot[action as usize] = free.pop().map_or_else(
                    || {
                        width += 1;
                        width - 1
                    },
                    |std::cmp::Reverse(slot)| slot,
                );
                live.push(action);
            }
            self.begins.push(self.under_way.len());
            self.fresh.push(self.under_way.len() + old);
            self.under_way.extend_from_slice(&live);
            if budget.is_expired() {
                return Err(Limit::Time);
            }
            live.retain(|&o| o != due);
            free.push(std::cmp::Reverse(self.slot[due as usize]));
        }
        self.begins.push(self.under_way.len());
        self.forgotten_begins.push(self.forgotten.len());
        self.words = (width as usize).div_ceil(64).max(1);
        Ok(())
    }

    /// Unknown operations of one kind are interchangeable. Writes of values that nobody ever sees are one kind.
    fn kind(&self, action: u32) -> Action {
        match self.problem.actions[action as usize] {
            Action::Write(to) if self.interest[to as usize] == 0 => Action::Write(JUNK),
            Action::Cas(from, to) if self.interest[to as usize] == 0 => Action::Cas(from, JUNK),
            other => other,
        }
    }

    /// Of each value, the rank after which nobody can see it.
    pub fn interest(&self) -> &[u32] {
        &self.interest
    }

    /// What is under way when a return is due.
    pub fn under_way(&self, layer: u32) -> &[u32] {
        &self.under_way[self.begins[layer as usize]..self.begins[layer as usize + 1]]
    }

    /// The value, or junk if nobody can see it any more.
    pub fn visible(&self, value: u32, layer: u32) -> u32 {
        let now = self.line.returns.get(layer as usize).map_or(NEVER, |&due| self.line.ret[due as usize]);
        if value == JUNK || self.interest[value as usize] < now { JUNK } else { value }
    }

    fn bit(&self, bits: &[u64], offset: usize, action: u32) -> bool {
        let slot = self.slot[action as usize] as usize;
        bits[offset + slot / 64] >> (slot % 64) & 1 == 1
    }

    fn mark(&self, bits: &mut [u64], offset: usize, action: u32) {
        let slot = self.slot[action as usize] as usize;
        bits[offset + slot / 64] |= 1 << (slot % 64);
    }

    pub fn is_done(&self, bits: &[u64], action: u32) -> bool {
        self.bit(bits, 0, action)
    }

    pub fn is_absorbed(&self, bits: &[u64], action: u32) -> bool {
        self.bit(bits, self.words, action)
    }

    /// Whether no equal unknown operation that was called before it is still unused.
    pub fn is_first_of_its_kind(&self, bits: &[u64], action: u32, layer: u32) -> bool {
        let before = self.before[action as usize];
        // Equal ones expire together, so the one before it is under way as well.
        before == NEVER || self.visible_slot(before, layer).is_none() || self.is_done(bits, before)
    }

    fn visible_slot(&self, action: u32, layer: u32) -> Option<u32> {
        self.under_way(layer).contains(&action).then(|| self.slot[action as usize])
    }

    /// What the operations under way wait for in this position.
    pub fn wishes(&self, position: &Position) -> Wishes {
        let mut wishes = Wishes { values: SmallVec::new(), state: position.state, any_other: false };
        for &action in self.under_way(position.layer) {
            if self.is_done(&position.bits, action) {
                continue;
            }
            match self.problem.actions[action as usize] {
                Action::Read(value) | Action::Cas(value, _) => wishes.values.push(value),
                Action::Refused(value) => wishes.any_other |= value == position.state,
                Action::Write(_) => {}
            }
        }
        wishes
    }

    /// An operation takes effect.
    pub fn happen(&self, position: &mut Position, action: u32) {
        self.mark(&mut position.bits, 0, action);
        let is_write = matches!(self.problem.actions[action as usize], Action::Write(_));
        if let Some(to) = self.problem.actions[action as usize].makes() {
            position.state = self.visible(to, position.layer);
        }
        let begin = self.begins[position.layer as usize];
        self.observe(position, begin, is_write);
    }

    /// Does for free what the state allows, for those under way from some place on.
    fn observe(&self, position: &mut Position, from: usize, after_write: bool) {
        let layer = position.layer;
        for &action in &self.under_way[from..self.begins[layer as usize + 1]] {
            if self.is_done(&position.bits, action) {
                continue;
            }
            match self.problem.actions[action as usize] {
                Action::Write(to) => {
                    let optional = self.problem.spans[action as usize].optional;
                    if !optional && (after_write || self.visible(to, layer) == position.state) {
                        self.mark(&mut position.bits, self.words, action);
                    }
                }
                Action::Cas(from, to) if from != to => {}
                observer => {
                    if observer.apply(position.state).is_some() {
                        self.mark(&mut position.bits, 0, action);
                    }
                }
            }
        }
    }

    /// Passes the return that is due, and lets time go on until the next.
    pub fn pass(&self, mut position: Position) -> Position {
        let slot = self.slot[self.line.returns[position.layer as usize] as usize] as usize;
        position.bits[slot / 64] &= !(1 << (slot % 64));
        position.bits[self.words + slot / 64] &= !(1 << (slot % 64));
        position.layer += 1;
        self.arrive(&mut position);
        position
    }

    /// What happens by itself between the last return and the one that is due now.
    pub fn arrive(&self, position: &mut Position) {
        let layer = position.layer as usize;
        if layer == self.line.returns.len() {
            return;
        }
        for &(slot, _) in &self.forgotten[self.forgotten_begins[layer]..self.forgotten_begins[layer + 1]] {
            position.bits[slot as usize / 64] &= !(1 << (slot % 64));
        }
        position.state = self.visible(position.state, position.layer);
        self.observe(position, self.fresh[layer], false);
        if position.state == JUNK {
            // More writes than the new ones may have become writes of junk.
            self.observe(position, self.begins[layer], false);
        }
    }
}

fn last_refusal(problem: &Problem, line: &Timeline) -> u32 {
    let refusals =
        problem.actions.iter().zip(&line.ret).filter(|(action, _)| matches!(action, Action::Refused(_)));
    refusals.map(|(_, &ret)| ret).max().unwrap_or(0)
}

/// Of each value, the last rank at which an operation can see it.
///
/// An unknown compare-and-set sees its value as long as the value it makes is seen, so ranks flow backwards along
/// these; the largest flow first and each value is settled once.
fn interest(problem: &Problem, line: &Timeline) -> Vec<u32> {
    let mut interest = vec![0u32; problem.values as usize];
    let last_refusal = last_refusal(problem, line);
    let mut sources: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (i, action) in problem.actions.iter().enumerate() {
        match *action {
            Action::Cas(from, to) if problem.spans[i].optional => {
                if from != to {
                    sources.entry(to).or_default().push(from);
                    interest[from as usize] = interest[from as usize].max(last_refusal);
                }
            }
            Action::Read(value) | Action::Cas(value, _) | Action::Refused(value) => {
                interest[value as usize] = interest[value as usize].max(line.ret[i]);
            }
            Action::Write(_) => {}
        }
    }
    let mut open: std::collections::BinaryHeap<(u32, u32)> =
        (0u32..).zip(&interest).map(|(value, &until)| (until, value)).collect();
    while let Some((until, value)) = open.pop() {
        if until < interest[value as usize] {
            continue;
        }
        for &from in sources.get(&value).into_iter().flatten() {
            if interest[from as usize] < until {
                interest[from as usize] = until;
                open.push((until, from));
            }
        }
    }
    interest
}
