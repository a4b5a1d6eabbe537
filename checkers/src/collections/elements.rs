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
        let line = Line::new(calls.len(), |number| (calls[number].began, calls[number].deadline));
        let slots = line.slots;
        let mut removals = removals(calls);
        let mut problem = Self { slots, elements: Vec::new(), empties: Vec::new(), anys: Vec::new() };
        let mut pending: Vec<(u32, u32)> = Vec::new();
        for start in 0..slots {
            let number = line.at(start);
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
                        put_by: line.end(start),
                        take_from: slots,
                        take_by: slots + 1,
                    });
                }
                Action::Remove(value) => pending.push((start, value)),
                Action::Empty if call.optional => {}
                Action::Empty => problem.empties.push(Empty { call: number, start, end: line.end(start) }),
                Action::RemoveAny => problem.anys.push(Any { call: number, start }),
            }
        }
        for (start, value) in pending {
            let removal = &removals[value as usize];
            let call = line.at(start);
            if removal.element == NONE {
                return Err(Judgement::Invalid(Contradiction::new(Flaw::FromNowhere, [call])));
            }
            let element = &mut problem.elements[removal.element as usize];
            let calls = [element.insert, removal.call, call];
            if removal.call != call {
                return Err(Judgement::Invalid(Contradiction::new(Flaw::Twice, calls)));
            }
            element.remove = call;
            element.take_by = line.end(start);
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

/// Calls in the order in which they began, which numbers the slots.
pub(super) struct Line<F> {
    pub slots: u32,
    /// The call of each slot, where it is not the one of the same number.
    order: Option<Vec<u32>>,
    times: F,
}

impl<F: Fn(usize) -> (u64, Option<u64>)> Line<F> {
    /// The line of so many calls, with the times at which each began and must have ended.
    pub fn new(count: usize, times: F) -> Self {
        let slots = u32::try_from(count).expect("histories have fewer operations than a u32 can number");
        let order: Option<Vec<u32>> = (!(0..count).is_sorted_by_key(|number| times(number).0)).then(|| {
            let mut order: Vec<(u64, u32)> = (0..slots).map(|call| (times(call as usize).0, call)).collect();
            order.sort_unstable();
            order.into_iter().map(|(_, call)| call).collect()
        });
        Self { slots, order, times }
    }

    /// The call that began with this slot.
    pub fn at(&self, slot: u32) -> u32 {
        self.order.as_ref().map_or(slot, |order| order[slot as usize])
    }

    /// How many calls had begun when the one of this slot had to have ended.
    ///
    /// Calls are short, so the search begins with small strides.
    pub fn end(&self, start: u32) -> u32 {
        let began = |slot: u32| (self.times)(self.at(slot) as usize).0;
        let Some(deadline) = (self.times)(self.at(start) as usize).1 else { return self.slots };
        let (mut low, mut stride) = (start, 1);
        while low + stride < self.slots && began(low + stride) <= deadline {
            low += stride;
            stride *= 2;
        }
        let mut high = (low + stride).min(self.slots);
        // The call of `low` had begun, the one of `high` had not.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if began(middle) <= deadline {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}
