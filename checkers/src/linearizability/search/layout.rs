//! What is under way before each return, for the general engine.

use std::{cmp::Reverse, collections::BinaryHeap};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::linearizability::timeline::{NEVER, Timeline};

/// The numbers of the keys that a call touches; none stands for all.
pub(crate) type Touched = SmallVec<[u32; 1]>;

/// What the general engine is asked to order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    /// When the operations were under way.
    pub line: Timeline,
    /// Operations with the same call and the same answer have the same class.
    pub classes: Vec<u32>,
    /// What they touch. Operations that share no key do not notice each other.
    pub keys: Vec<Touched>,
    /// Those that may take effect while they are under way, or never.
    pub waived: Vec<bool>,
    /// Those that can change nothing, whatever the state.
    pub observes: Vec<bool>,
}

/// Whether one may notice the other.
pub(super) fn meet(one: &Touched, other: &Touched) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|key| other.contains(key))
}

/// The unknown operations of one class, interchangeable but for when they were called.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// In the order of their calls.
    pub members: Vec<u32>,
}

/// A task laid out return by return.
pub(super) struct Layout<'a> {
    pub task: &'a Task,
    /// How many words hold one bit for each slot.
    pub words: usize,
    /// Of each operation that must return, its slot.
    pub slot: Vec<u32>,
    /// Of each other one, the number of its kind.
    pub kind: Vec<u32>,
    under_way: Vec<u32>,
    /// For each return, where its part of `under_way` begins.
    begins: Vec<usize>,
    /// For each return, where those called since the return before it begin.
    fresh: Vec<usize>,
    /// The unknown operations by class, in the order of the first call of each.
    pub kinds: Vec<Kind>,
    /// How many kinds have been called before each return.
    kinds_called: Vec<u32>,
    /// Of each return, the keys of what can matter to it; none stands for all.
    reach: Vec<Touched>,
}

impl<'a> Layout<'a> {
    pub fn new(task: &'a Task) -> Self {
        let line = &task.line;
        let mut layout = Self {
            task,
            words: 1,
            slot: vec![NEVER; task.classes.len()],
            kind: vec![NEVER; task.classes.len()],
            under_way: Vec::new(),
            begins: Vec::with_capacity(line.returns.len() + 1),
            fresh: Vec::with_capacity(line.returns.len()),
            kinds: Vec::new(),
            kinds_called: Vec::with_capacity(line.returns.len()),
            reach: Vec::with_capacity(line.returns.len()),
        };
        let mut free = BinaryHeap::new();
        let (mut width, mut calls) = (0u32, line.calls.iter().copied().peekable());
        let (mut live, mut joining): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        for &due in &line.returns {
            let old = live.len();
            while let Some(o) = calls.next_if(|&o| line.call[o as usize] < line.ret[due as usize]) {
                if task.keys[o as usize].len() != 1 {
                    joining.push(o);
                }
                if line.ret[o as usize] == NEVER {
                    let kinds = &mut layout.kinds;
                    let place = *places.entry(task.classes[o as usize]).or_insert_with(|| {
                        kinds.push(Kind { members: Vec::new() });
                        kinds.len() - 1
                    });
                    kinds[place].members.push(o);
                    layout.kind[o as usize] = u32::try_from(place).expect("fewer kinds than operations");
                    continue;
                }
                layout.slot[o as usize] = free.pop().map_or_else(
                    || {
                        width += 1;
                        width - 1
                    },
                    |Reverse(slot)| slot,
                );
                live.push(o);
            }
            layout.begins.push(layout.under_way.len());
            layout.fresh.push(layout.under_way.len() + old);
            layout.under_way.extend_from_slice(&live);
            layout.kinds_called.push(u32::try_from(layout.kinds.len()).expect("fewer kinds than operations"));
            layout.reach.push(reach(task, due, &joining));
            live.retain(|&o| o != due);
            joining.retain(|&o| o != due);
            free.push(Reverse(layout.slot[due as usize]));
        }
        layout.begins.push(layout.under_way.len());
        layout.words = (width as usize).div_ceil(64).max(1);
        layout
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> u64 {
        ((self.under_way.len() + 2 * self.slot.len()) * 4 + self.begins.len() * (20 + size_of::<Touched>()))
            as u64
    }

    /// How many returns there are.
    pub fn layers(&self) -> usize {
        self.task.line.returns.len()
    }

    /// The operation whose return is due.
    pub fn due(&self, layer: u32) -> u32 {
        self.task.line.returns[layer as usize]
    }

    /// What is under way and must return, in the order of the calls.
    pub fn under_way(&self, layer: u32) -> &[u32] {
        &self.under_way[self.begins[layer as usize]..self.begins[layer as usize + 1]]
    }

    /// Of these, what was called since the return before.
    pub fn fresh(&self, layer: u32) -> &[u32] {
        &self.under_way[self.fresh[layer as usize]..self.begins[layer as usize + 1]]
    }

    /// The kinds of unknown operations called so far, each with its number.
    pub fn kinds(&self, layer: u32) -> impl Iterator<Item = (u32, &Kind)> {
        (0u32..).zip(&self.kinds[..self.kinds_called[layer as usize] as usize])
    }

    /// How many of the kind were called before this return.
    pub fn called(&self, kind: &Kind, layer: u32) -> usize {
        let now = self.task.line.ret[self.due(layer) as usize];
        kind.members.partition_point(|&o| self.task.line.call[o as usize] < now)
    }

    /// Whether the operation can matter to the return that is due. One that shares no key with it, not even by way of
    /// others under way, might as well happen later: nothing notices.
    pub fn can_matter(&self, o: u32, layer: u32) -> bool {
        meet(&self.task.keys[o as usize], &self.reach[layer as usize])
    }
}

/// The keys of the operation, and of all that those under way join with them.
fn reach(task: &Task, due: u32, joining: &[u32]) -> Touched {
    let mut reach = task.keys[due as usize].clone();
    let mut left: Vec<u32> = joining.to_vec();
    loop {
        let before = left.len();
        left.retain(|&o| {
            let touched = &task.keys[o as usize];
            let meets = meet(touched, &reach);
            if meets && touched.is_empty() {
                reach.clear();
            } else if meets && !reach.is_empty() {
                reach.extend(touched.iter().copied());
            }
            !meets
        });
        if left.len() == before || reach.is_empty() {
            return reach;
        }
    }
}
