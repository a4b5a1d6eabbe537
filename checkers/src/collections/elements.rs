//! Calls as elements with windows of slots.

use super::{Action, Call, Contradiction, Flaw, Judgement};

/// No call, no slot.
pub(super) const NONE: u32 = u32::MAX;

/// One element: its calls, and the slots in which they take effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// Its number among the values.
    pub value: u32,
    /// The call that put it in.
    pub insert: u32,
    /// The call that took it out; [`NONE`] if nobody is known to have.
    pub remove: u32,
    /// It is put in in one of the slots `put_from..put_by`.
    pub put_from: u32,
    /// See `put_from`.
    pub put_by: u32,
    /// It is taken out in one of the slots `take_from..take_by`.
    pub take_from: u32,
    /// See `take_from`.
    pub take_by: u32,
}

impl Element {
    /// Whether somebody is known to have taken it out.
    pub fn is_removed(&self) -> bool {
        self.remove != NONE
    }
}

/// A call that found nothing, with its slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Empty {
    pub call: u32,
    pub start: u32,
    pub end: u32,
}

/// A removal whose result is not known, with its first slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Any {
    pub call: u32,
    pub start: u32,
}

/// The calls on one object, ready to be judged. Every element is put in at most once and taken out at most once.
pub(super) struct Problem {
    /// How many slots there are. What is never taken out is taken in this one, behind them all.
    pub slots: u32,
    /// The elements that were certainly put in, in the order in which their insertions began.
    pub elements: Vec<Element>,
    /// The answers "empty", in the order in which they began.
    pub empties: Vec<Empty>,
    /// The removals with unknown results, in the order in which they began.
    pub anys: Vec<Any>,
}

impl Problem {
    /// Pairs the calls up; an error where that already decides.
    pub fn new(calls: &[Call]) -> Result<Self, Judgement> {
        let sorted: Option<Vec<u32>> = (!calls.is_sorted_by_key(|call| call.began)).then(|| {
            let mut order: Vec<u32> = (0..calls.len() as u32).collect();
            order.sort_by_key(|&call| calls[call as usize].began);
            order
        });
        let at = |slot: u32| sorted.as_ref().map_or(slot, |order| order[slot as usize]);
        let slots = calls.len() as u32;
        let end = |slot: u32| {
            let deadline = calls[at(slot) as usize].deadline;
            deadline
                .map_or(slots, |deadline| end_of(slot, slots, |s| calls[at(s) as usize].began <= deadline))
        };
        let mut removals = removals(calls);
        let mut problem = Self { slots, elements: Vec::new(), empties: Vec::new(), anys: Vec::new() };
        let mut pending: Vec<(u32, u32)> = Vec::new();
        for start in 0..slots {
            let number = at(start);
            let call = &calls[number as usize];
            match call.action {
                Action::Insert(value) => {
                    let removal = &mut removals[value as usize];
                    if removal.inserted {
                        return Err(Judgement::Ambiguous(value));
                    }
                    removal.inserted = true;
                    if removal.call == NONE && call.optional {
                        continue;
                    }
                    removal.element = problem.elements.len() as u32;
                    problem.elements.push(Element {
                        value,
                        insert: number,
                        remove: NONE,
                        put_from: start,
                        put_by: end(start),
                        take_from: slots,
                        take_by: slots + 1,
                    });
                }
                Action::Remove(value) => pending.push((start, value)),
                Action::Empty if call.optional => {}
                Action::Empty => problem.empties.push(Empty { call: number, start, end: end(start) }),
                Action::RemoveAny => problem.anys.push(Any { call: number, start }),
            }
        }
        for (start, value) in pending {
            let removal = &removals[value as usize];
            let call = at(start);
            if removal.element == NONE {
                return Err(Judgement::Invalid(Contradiction::new(Flaw::FromNowhere, [call])));
            }
            let element = &mut problem.elements[removal.element as usize];
            let calls = [element.insert, removal.call, call];
            if removal.call != call {
                return Err(Judgement::Invalid(Contradiction::new(Flaw::Twice, calls)));
            }
            element.remove = call;
            element.take_by = end(start);
            element.take_from = start.max(element.put_from);
            element.put_by = element.put_by.min(element.take_by);
            if element.take_by <= element.put_from {
                return Err(Judgement::Invalid(Contradiction::new(Flaw::BeforeInsertion, [calls[0], call])));
            }
        }
        Ok(problem)
    }

    /// The elements that nobody is known to have taken out, by the end of their insertions: the order in which
    /// unknown removals serve them.
    pub fn kept(&self) -> Vec<u32> {
        let mut kept: Vec<u32> = (0u32..)
            .zip(&self.elements)
            .filter(|(_, element)| !element.is_removed())
            .map(|(number, _)| number)
            .collect();
        kept.sort_by_key(|&number| self.elements[number as usize].put_by);
        kept
    }

    /// How many unknown removals had begun by a slot.
    pub fn anys_by(&self, slot: u32) -> usize {
        self.anys.partition_point(|any| any.start <= slot)
    }
}

/// What is known about the calls of one value: its first removal, its element.
#[derive(Clone, Copy)]
struct Removal {
    call: u32,
    element: u32,
    inserted: bool,
}

fn removals(calls: &[Call]) -> Vec<Removal> {
    let mut of: Vec<Removal> = Vec::new();
    for (number, call) in (0u32..).zip(calls) {
        let (value, removes) = match call.action {
            Action::Insert(value) => (value, false),
            Action::Remove(value) => (value, true),
            Action::Empty | Action::RemoveAny => continue,
        };
        if of.len() <= value as usize {
            of.resize(value as usize + 1, Removal { call: NONE, element: NONE, inserted: false });
        }
        let removal = &mut of[value as usize];
        if removes && removal.call == NONE {
            removal.call = number;
        }
    }
    of
}

/// The first slot from which on a sorted predicate is false; it is true of `start`. Operations are short, so the
/// search begins with small strides.
fn end_of(start: u32, slots: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut stride) = (start, 1);
    while low + stride < slots && holds(low + stride) {
        low += stride;
        stride *= 2;
    }
    let mut high = (low + stride).min(slots);
    // It holds at `low` and not at `high`.
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
