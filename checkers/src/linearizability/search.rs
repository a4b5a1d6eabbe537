//! The general engine: any data type, any history, by depth-first search with a memory.
//!
//! A position in the search is how many returns have been passed, the state, and which of the operations under way
//! have taken effect: a few words (see [`super::timeline`]). Each position is visited once. What is visited is kept
//! in one vector, which also holds the way back from each position, so the order found needs nothing more.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{
    decision::{Decision, Meter},
    timeline::{NEVER, Timeline},
};

/// One position: how far, in which state, with which operations done.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Position {
    returned: u32,
    state: u32,
    done: Box<[u64]>,
}

/// How a position was reached: from which, by which operation (or by passing a return).
#[derive(Clone, Copy)]
struct Step {
    from: u32,
    operation: u32,
}

/// Which slot each operation holds, and how many words a set of slots takes.
pub(crate) struct Slots {
    pub of: Vec<u32>,
    pub words: usize,
}

impl Slots {
    /// Gives each operation a slot from its call to its return; the lowest free one.
    pub fn new(line: &Timeline) -> Self {
        let mut free = std::collections::BinaryHeap::new();
        let mut of = vec![0; line.call.len()];
        let (mut width, mut next) = (0u32, 0);
        for &o in &line.calls {
            while let Some(&back) =
                line.returns.get(next).filter(|&&r| line.ret[r as usize] < line.call[o as usize])
            {
                free.push(std::cmp::Reverse(of[back as usize]));
                next += 1;
            }
            of[o as usize] = free.pop().map_or_else(
                || {
                    width += 1;
                    width - 1
                },
                |std::cmp::Reverse(slot)| slot,
            );
        }
        Self { of, words: (width as usize).div_ceil(64).max(1) }
    }
}

/// Searches for an order. `step(state, operation, next)` pushes the states that an operation may lead to.
pub(crate) fn search<S: Clone + Eq + Hash>(
    line: &Timeline,
    initial: S,
    mut step: impl FnMut(&S, u32, &mut Vec<S>),
    meter: &mut Meter<'_>,
) -> Decision {
    let slots = Slots::new(line);
    let has = |done: &[u64], o: u32| {
        let slot = slots.of[o as usize] as usize;
        done[slot / 64] >> (slot % 64) & 1 == 1
    };
    let mut states: Vec<S> = vec![initial.clone()];
    let mut numbers: FxHashMap<S, u32> = FxHashMap::default();
    numbers.insert(initial, 0);
    let mut seen: FxHashMap<Position, u32> = FxHashMap::default();
    let mut steps: Vec<Step> = vec![Step { from: NEVER, operation: NEVER }];
    let first = Position { returned: 0, state: 0, done: vec![0; slots.words].into() };
    seen.insert(first.clone(), 0);
    let mut stack = vec![(first, 0u32)];
    let mut reached = 0;
    let under_way = under_way(line);
    let mut next: Vec<S> = Vec::new();
    let mut children: Vec<(Position, u32)> = Vec::new();
    let bytes = (2 * size_of::<Position>() + slots.words * 16 + 24) as u64;
    while let Some((position, number)) = stack.pop() {
        reached = reached.max(position.returned);
        let Some(&due) = line.returns.get(position.returned as usize) else {
            return Decision::Valid(walk_back(&steps, number));
        };
        if let Err(limit) = meter.step(bytes) {
            return Decision::Unknown { limit, reached };
        }
        children.clear();
        if has(&position.done, due) {
            let mut after = position.clone();
            let slot = slots.of[due as usize] as usize;
            after.done[slot / 64] &= !(1 << (slot % 64));
            after.returned += 1;
            children.push((after, NEVER));
        } else {
            for &o in &under_way[position.returned as usize] {
                if has(&position.done, o) {
                    continue;
                }
                next.clear();
                step(&states[position.state as usize], o, &mut next);
                for state in next.drain(..) {
                    let fresh = u32::try_from(states.len()).expect("fewer states than memory has bytes");
                    let state = *numbers.entry(state).or_insert_with_key(|state| {
                        states.push(state.clone());
                        fresh
                    });
                    let mut done = position.done.clone();
                    let slot = slots.of[o as usize] as usize;
                    done[slot / 64] |= 1 << (slot % 64);
                    children.push((Position { returned: position.returned, state, done }, o));
                }
            }
        }
        for (child, operation) in children.drain(..).rev() {
            let fresh = u32::try_from(steps.len()).expect("fewer positions than memory has bytes");
            if let std::collections::hash_map::Entry::Vacant(entry) = seen.entry(child.clone()) {
                entry.insert(fresh);
                steps.push(Step { from: number, operation });
                stack.push((child, fresh));
            }
        }
    }
    Decision::Invalid { reached }
}

/// The operations under way when each return is due, the due one first.
fn under_way(line: &Timeline) -> Vec<Vec<u32>> {
    let mut live: Vec<u32> = Vec::new();
    let mut calls = line.calls.iter().peekable();
    let mut all = Vec::with_capacity(line.returns.len());
    for &due in &line.returns {
        while let Some(&&o) = calls.peek().filter(|&&&o| line.call[o as usize] < line.ret[due as usize]) {
            live.push(o);
            calls.next();
        }
        live.retain(|&o| o != due);
        all.push(std::iter::once(due).chain(live.iter().copied()).collect());
    }
    all
}

/// The operations on the way to a position, first to last.
fn walk_back(steps: &[Step], mut number: u32) -> Vec<u32> {
    let mut order = Vec::new();
    while number != NEVER {
        let step = steps[number as usize];
        if step.operation != NEVER {
            order.push(step.operation);
        }
        number = step.from;
    }
    order.reverse();
    order
}
