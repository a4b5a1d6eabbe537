//! The general engine: any data type, any history, depth first and breadth first in turns.
//!
//! Nothing takes effect before a return demands it. A position is how many returns were passed, the state, which of
//! the operations under way may still take effect (*ready*) and which need not any more (*settled*): a few words,
//! however long the history is. An operation that can happen here without a change is settled at once, since it may
//! have happened at this moment; it stays ready, since it may just as well happen later and change something. What
//! shares no key with the return that is due, not even by way of others, waits. Unknown operations of one class are
//! interchangeable, so they are counted, and the one called first is used first.
//!
//! Where a data type says what its calls do to what others observe, answers that are still to come are heard in
//! advance: see [`foresight`].
//!
//! Depth first finds an order fast where there is one. Breadth first holds one layer at a time, drops every position
//! that can do nothing that another could not, and so shows sooner that there is none. They take turns with growing
//! allowances, counted in steps.

mod foresight;
mod layout;
mod machine;

use std::hash::Hash;

use rustc_hash::FxHashSet;

use super::{
    decision::{Decision, Meter, table_bytes},
    timeline::NEVER,
    window::Window,
};
use crate::{Budget, Limit};

use foresight::Foresight;
use layout::{Layout, meet};
pub(crate) use layout::{Task, Touched};
use machine::Machine;
pub(crate) use machine::Steps;

/// How far, in which state, with which unknown operations used, what is ready and what is settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Position<W> {
    layer: u32,
    state: u32,
    bag: u32,
    /// Whether the operation that is due must take effect for real, though it is settled.
    bound: bool,
    ready: W,
    settled: W,
}

/// What took effect on the way to a position: from which entry of the trail, what, before which return, leading where.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    from: u32,
    operation: u32,
    layer: u32,
    state: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    DepthFirst,
    BreadthFirst,
}

/// The largest group of positions in which each is compared with each.
const COMPARED: usize = 256;

/// Decides a task about an object that the operations step on.
pub(crate) fn decide<S: Clone + Eq + Hash + std::fmt::Debug>(
    task: &Task,
    initial: &S,
    step: impl Steps<S>,
    budget: &Budget,
) -> Decision {
    decide_by(task, Machine::new(initial, step), budget)
}

fn decide_by(task: &Task, mut machine: Machine<'_>, budget: &Budget) -> Decision {
    let layout = Layout::new(task);
    let foresight = Foresight::new(&layout, &mut *machine.states);
    match layout.words {
        1 => Search::<[u64; 1]>::new(&layout, machine, foresight).decide(budget),
        2 => Search::<[u64; 2]>::new(&layout, machine, foresight).decide(budget),
        3 | 4 => Search::<[u64; 4]>::new(&layout, machine, foresight).decide(budget),
        _ => Search::<Vec<u64>>::new(&layout, machine, foresight).decide(budget),
    }
}

struct Search<'a, W> {
    layout: &'a Layout<'a>,
    machine: Machine<'a>,
    foresight: Foresight,
    trail: Vec<Footprint>,
    /// Positions that a return was not passed from, and where their trails end.
    children: Vec<(Position<W>, u32)>,
    /// How many returns are to be passed.
    goal: u32,
    /// Behind how many returns the latest observer is passed for whose sake a position was given up.
    foreseen: u32,
}

impl<'a, W: Window> Search<'a, W> {
    fn new(layout: &'a Layout<'a>, machine: Machine<'a>, foresight: Foresight) -> Self {
        Self {
            layout,
            foresight,
            machine,
            trail: Vec::new(),
            children: Vec::new(),
            goal: u32::try_from(layout.layers()).expect("fewer returns than operations"),
            foreseen: 0,
        }
    }

    /// Decides the whole. Where there is no order and positions were given up for the sake of an observer further on, the
    /// first return that cannot be passed lies between what was reached and that observer, and is looked for: an order
    /// that passes fewer returns gives nothing up for the sake of those beyond.
    fn decide(mut self, budget: &Budget) -> Decision {
        let mut spent = 0;
        let decision = self.take_turns(budget, &mut spent);
        let Decision::Invalid { reached: mut first } = decision else { return decision };
        let mut last = self.foreseen.max(first);
        while first < last {
            let middle = first + (last - first) / 2;
            self.goal = middle + 1;
            match self.take_turns(budget, &mut spent) {
                Decision::Valid(_) => first = middle + 1,
                Decision::Invalid { reached } => {
                    first = first.max(reached);
                    last = middle;
                }
                Decision::Unknown { .. } => break,
            }
        }
        Decision::Invalid { reached: last }
    }

    fn take_turns(&mut self, budget: &Budget, spent: &mut u64) -> Decision {
        let mut allowance = 4096 + 16 * self.layout.slot.len() as u64;
        let mut furthest = 0;
        let mut limit = Limit::Steps(budget.steps_max);
        for turn in 0.. {
            let manner = if turn % 2 == 0 { Manner::DepthFirst } else { Manner::BreadthFirst };
            let left = budget.steps_max.saturating_sub(*spent);
            if left == 0 {
                break;
            }
            let mut meter = Meter::at_most(budget, allowance.min(left));
            let decision = self.run(manner, &mut meter);
            *spent += meter.steps();
            match decision {
                Decision::Unknown { limit: hit, reached } => {
                    furthest = furthest.max(reached);
                    // Breadth first may still fit where depth first does not, but not the other way round.
                    let fatal = matches!(hit, Limit::Time)
                        || matches!((&hit, manner), (Limit::Memory(_), Manner::BreadthFirst));
                    if fatal {
                        limit = hit;
                        break;
                    }
                }
                decision => return decision,
            }
            if turn % 2 == 1 {
                allowance = allowance.saturating_mul(4);
            }
        }
        Decision::Unknown { limit, reached: furthest }
    }

    fn first(&mut self) -> Position<W> {
        let empty = W::empty(self.layout.words);
        let mut first =
            Position { layer: 0, state: 0, bag: 0, bound: false, ready: empty.clone(), settled: empty };
        self.arrive(&mut first);
        first
    }

    fn run(&mut self, manner: Manner, meter: &mut Meter<'_>) -> Decision {
        self.trail.clear();
        let first = self.first();
        let mut seen: FxHashSet<Position<W>> = FxHashSet::default();
        seen.insert(first.clone());
        let mut open = vec![(first, NEVER)];
        let mut later: Vec<(Position<W>, u32)> = Vec::new();
        let apart = if self.layout.words > 4 { 2 * (8 * self.layout.words + 16) } else { 0 };
        let each = size_of::<(Position<W>, u32)>();
        let kept = self.layout.bytes() + self.foresight.bytes();
        let mut reached = 0;
        loop {
            let Some((position, trail)) = open.pop() else {
                if later.is_empty() {
                    return Decision::Invalid { reached };
                }
                std::mem::swap(&mut open, &mut later);
                seen.clear();
                drop_dominated(&mut open);
                continue;
            };
            reached = reached.max(position.layer);
            if position.layer == self.goal {
                return Decision::Valid(self.replay(trail));
            }
            let held = (open.capacity() + later.capacity()) * each
                + (seen.len() + open.len() + later.len()) * apart
                + self.trail.capacity() * size_of::<Footprint>();
            let table = table_bytes(seen.len(), seen.capacity(), size_of::<Position<W>>());
            if let Err(limit) = meter.hold(held as u64 + table + self.machine.bytes() + kept) {
                return Decision::Unknown { limit, reached };
            }
            self.expand(&position, trail);
            let mut children = std::mem::take(&mut self.children);
            for (child, trail) in children.drain(..).rev() {
                if !seen.contains(&child) {
                    seen.insert(child.clone());
                    if manner == Manner::BreadthFirst && child.layer > position.layer {
                        later.push((child, trail));
                    } else {
                        open.push((child, trail));
                    }
                }
            }
            self.children = children;
        }
    }

    /// Finds what can follow, the most promising first.
    fn expand(&mut self, position: &Position<W>, trail: u32) {
        let layout = self.layout;
        let layer = position.layer;
        let due = layout.due(layer);
        let slot = layout.slot[due as usize];
        let settled = position.settled.has(slot);
        if settled && !position.bound {
            let mut after = position.clone();
            self.pass(&mut after);
            self.children.push((after, trail));
            if !position.ready.has(slot) || layout.task.observes[due as usize] {
                return;
            }
        }
        self.happen(position, due, trail);
        let begin = self.children.len();
        for &other in layout.under_way(layer) {
            if other != due
                && position.ready.has(layout.slot[other as usize])
                && layout.can_matter(other, layer)
            {
                self.happen(position, other, trail);
            }
        }
        for (number, kind) in layout.kinds(layer) {
            let used = self.machine.used(position.bag, number);
            if used < layout.called(kind, layer) && layout.can_matter(kind.members[used], layer) {
                self.happen(position, kind.members[used], trail);
            }
        }
        for (child, _) in &mut self.children[begin..] {
            child.bound = settled;
        }
        // What settles the operation that is due comes first.
        self.children[begin..].sort_by_key(|(child, _)| !child.settled.has(slot));
    }

    /// The operation takes effect in each way in which it changes the state.
    fn happen(&mut self, position: &Position<W>, operation: u32, trail: u32) {
        let layout = self.layout;
        let class = layout.task.classes[operation as usize];
        for state in self.machine.changes(position.state, class, operation) {
            let mut after = position.clone();
            self.take_effect(&mut after, operation, state);
            if operation == layout.due(position.layer) {
                self.pass(&mut after);
            }
            if let Some(failing) =
                self.foresight.failing(&after, operation, self.goal, layout, &*self.machine.states)
            {
                self.foreseen = self.foreseen.max(failing);
                continue;
            }
            let number = u32::try_from(self.trail.len()).expect("fewer footprints than memory has bytes");
            self.trail.push(Footprint { from: trail, operation, layer: position.layer, state });
            self.children.push((after, number));
        }
    }

    fn take_effect(&mut self, position: &mut Position<W>, operation: u32, state: u32) {
        let layout = self.layout;
        let slot = layout.slot[operation as usize];
        if slot == NEVER {
            position.bag = self.machine.use_one(position.bag, layout.kind[operation as usize]);
        } else {
            position.ready.remove(slot);
            position.settled.add(slot);
        }
        position.state = state;
        let touched = &layout.task.keys[operation as usize];
        for &other in layout.under_way(position.layer) {
            self.settle(position, other, |keys| meet(keys, touched));
        }
    }

    /// Settles the operation if it may happen here without a change.
    fn settle(&mut self, position: &mut Position<W>, operation: u32, noticed: impl Fn(&Touched) -> bool) {
        let task = self.layout.task;
        let slot = self.layout.slot[operation as usize];
        if !position.settled.has(slot)
            && noticed(&task.keys[operation as usize])
            && self.machine.rests(position.state, task.classes[operation as usize], operation)
        {
            position.settled.add(slot);
        }
    }

    /// Passes the return that is due, and lets time go on until the next.
    fn pass(&mut self, position: &mut Position<W>) {
        let slot = self.layout.slot[self.layout.due(position.layer) as usize];
        position.ready.remove(slot);
        position.settled.remove(slot);
        position.bound = false;
        position.layer += 1;
        self.arrive(position);
    }

    fn arrive(&mut self, position: &mut Position<W>) {
        let layout = self.layout;
        if position.layer as usize == layout.layers() {
            return;
        }
        for &operation in layout.fresh(position.layer) {
            let slot = layout.slot[operation as usize];
            position.ready.add(slot);
            if layout.task.waived[operation as usize] {
                position.settled.add(slot);
            }
            self.settle(position, operation, |_| true);
        }
    }

    /// The whole order: what took effect for real, and between them what was settled, as soon as it was.
    fn replay(&mut self, mut trail: u32) -> Vec<u32> {
        let layout = self.layout;
        if (self.goal as usize) < layout.layers() {
            // Only whether there is one was asked.
            return Vec::new();
        }
        let mut real = Vec::new();
        while trail != NEVER {
            let step = self.trail[trail as usize];
            real.push(step);
            trail = step.from;
        }
        real.reverse();
        let taken: FxHashSet<u32> = real.iter().map(|step| step.operation).collect();
        let mut order = Vec::with_capacity(layout.slot.len());
        let mut position = self.first();
        let mut told = W::empty(layout.words);
        let mut steps = real.into_iter().peekable();
        while (position.layer as usize) < layout.layers() {
            self.tell(&position, &mut told, &taken, &mut order);
            if let Some(step) = steps.next_if(|step| step.layer == position.layer) {
                order.push(step.operation);
                self.take_effect(&mut position, step.operation, step.state);
            } else {
                let slot = layout.slot[layout.due(position.layer) as usize];
                self.pass(&mut position);
                told.remove(slot);
            }
        }
        order
    }

    /// Adds what was settled since the last time and never takes effect for real.
    fn tell(&self, position: &Position<W>, told: &mut W, taken: &FxHashSet<u32>, order: &mut Vec<u32>) {
        for &operation in self.layout.under_way(position.layer) {
            let slot = self.layout.slot[operation as usize];
            if position.settled.has(slot) && !told.has(slot) {
                told.add(slot);
                if !taken.contains(&operation) && !self.layout.task.waived[operation as usize] {
                    order.push(operation);
                }
            }
        }
    }
}

/// Drops every position that can do nothing that another could not: same state, less ready and less settled. It takes few
/// bytes for each, since it is done where memory is short.
fn drop_dominated<W: Window>(open: &mut Vec<(Position<W>, u32)>) {
    let group = |i: u32| (open[i as usize].0.state, open[i as usize].0.bag);
    let mut order: Vec<u32> = (0..open.len() as u32).collect();
    order.sort_unstable_by_key(|&i| (group(i), i));
    let beats = |one: u32, other: u32| {
        let (one, other) = (&open[one as usize].0, &open[other as usize].0);
        one.settled.holds(&other.settled) && one.ready.holds(&other.ready)
    };
    let mut dropped = vec![false; open.len()];
    let mut kept: Vec<u32> = Vec::with_capacity(COMPARED);
    for alike in order.chunk_by(|&one, &other| group(one) == group(other)) {
        kept.clear();
        for &i in alike {
            if kept.len() == COMPARED {
                break;
            }
            if kept.iter().any(|&other| beats(other, i)) {
                dropped[i as usize] = true;
            } else {
                kept.retain(|&other| {
                    dropped[other as usize] = beats(i, other);
                    !dropped[other as usize]
                });
                kept.push(i);
            }
        }
    }
    let mut dropped = dropped.into_iter();
    open.retain(|_| !dropped.next().expect("one for each"));
}
