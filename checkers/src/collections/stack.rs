//! Stacks.
//!
//! An order of the calls explains a stack when no two elements *cross*: `a` in, `b` in, `a` out, `b` out.
//!
//! **Passing.** An element with `take_from < put_by` can pass through in one slot, whatever is inside. It disturbs nobody
//! and is set aside. So is one with `put_by == take_from`: it goes in at the very end of the slot before and comes out at
//! the very beginning of that one. All others are certainly inside in the slots `put_by..take_from`.
//!
//! **Cuts.** At a slot that no element covers, an order can be changed until nothing is inside: of the elements inside
//! there, each can come out before the slot or go in behind it. Let some come out before it, from the top to the bottom,
//! and the others go in behind it, from the bottom to the top. What was put in or taken out in between in the old order
//! is not disturbed, because all that happens is that some elements are inside for a shorter time. So the elements fall into *runs*:
//! the maximal ranges `low..high` of covered slots, judged one by one, where all goes in in slot `low - 1` at the
//! earliest and comes out in slot `high` at the latest.
//!
//! **Bottoms.** In a run there is never nothing inside, so one element is at the bottom all the time: it can go in in slot
//! `low - 1` (`put_from < low`) and come out in slot `high` (`high < take_by`). If no element can, there is no order. If one
//! can, it may as well be the bottom: in any order, let it go in first of all and come out last, and no two elements cross
//! that did not. What remains is a smaller run, which may fall apart into runs again.
//!
//! Runs and bottoms are found with three trees; every element is a bottom once, every slot is uncovered once.
//!
//! **Unknown removals.** If no order is found when the first unknown removal may serve every kept element, there is none.
//! Otherwise kept elements are given to unknown removals and what comes out is an order if it is one; for which,
//! see [`super::supply`]. Where that fails, the monitor does not decide.

use super::{
    Contradiction, Flaw, Judgement, cuts,
    elements::{Element, Problem},
    order::{self, Leaving, Placed, by_slot},
    room::{CLOSED, Room},
    supply,
};

/// Judges a stack.
pub(super) fn decide(problem: &Problem) -> Result<Judgement, Contradiction> {
    let kept = problem.kept();
    let empties = cuts::serve(problem, &kept)?;
    if kept.is_empty() || problem.anys.is_empty() {
        let placed = nest(problem, &problem.elements)?;
        return Ok(Judgement::Valid(order::lay_out(problem, &placed, Leaving::Reversed, &empties)));
    }
    supply::decide(problem, &kept, &empties)
}

/// Nests these elements; the bottoms come before what is above them.
pub(super) fn nest(problem: &Problem, elements: &[Element]) -> Result<Vec<Placed>, Contradiction> {
    let mut placed = Vec::with_capacity(elements.len());
    let mut covering: Vec<&Element> = Vec::new();
    let mut crossing: Vec<Placed> = Vec::new();
    for element in elements {
        let place =
            |put_at, take_at| Placed { put_at, take_at, insert: element.insert, remove: element.remove };
        match element.put_by.cmp(&element.take_from) {
            std::cmp::Ordering::Less => covering.push(element),
            std::cmp::Ordering::Equal => crossing.push(place(element.put_by - 1, element.put_by)),
            std::cmp::Ordering::Greater => placed.push(place(element.take_from, element.take_from)),
        }
    }
    let order = by_slot(covering.len() as u32, problem.slots + 1, |number| covering[number as usize].put_by);
    let covering: Vec<&Element> = order.into_iter().map(|number| covering[number as usize]).collect();
    Runs::new(problem.slots, &covering).nest(&mut placed)?;
    placed.append(&mut crossing);
    Ok(placed)
}

/// The elements that cover slots, and what is known about them while runs are taken apart.
struct Runs<'a> {
    /// By the first slot they cover.
    elements: &'a [&'a Element],
    /// The place of the first element that covers no slot before this one.
    first: Vec<u32>,
    /// By how many elements each slot is covered.
    cover: Room,
    /// Of those that are not bottoms and were not found to begin before their run, when they can go in; its
    /// negative is kept, and raised out of reach when they are found.
    late: Extremes,
    /// Of those that were found to, when they must be out.
    ready: Extremes,
    slots: u32,
}

impl<'a> Runs<'a> {
    fn new(slots: u32, elements: &'a [&'a Element]) -> Self {
        let mut change = vec![0i64; slots as usize + 1];
        let mut first = vec![0u32; slots as usize + 2];
        for element in elements {
            change[element.put_by as usize] += 1;
            change[element.take_from as usize] -= 1;
            first[element.put_by as usize + 1] += 1;
        }
        for slot in 0..slots as usize {
            change[slot + 1] += change[slot];
        }
        for slot in 0..=slots as usize {
            first[slot + 1] += first[slot];
        }
        Self {
            elements,
            first,
            cover: Room::new(change.into_iter()),
            late: Extremes::new(elements.iter().map(|element| u32::MAX - element.put_from)),
            ready: Extremes::new(elements.iter().map(|_| 0)),
            slots,
        }
    }

    fn nest(mut self, placed: &mut Vec<Placed>) -> Result<(), Contradiction> {
        let mut ranges = vec![(0, self.slots + 1)];
        while let Some((begin, end)) = ranges.pop() {
            let mut low = begin;
            while low < end {
                let high = self.cover.first_open(low).unwrap_or(end).min(end);
                if high < end {
                    self.cover.add(high..high + 1, CLOSED);
                }
                if low < high {
                    placed.push(self.bottom(low, high)?);
                    ranges.push((low, high));
                }
                low = high + 1;
            }
        }
        Ok(())
    }

    /// Takes a bottom out of a run.
    fn bottom(&mut self, low: u32, high: u32) -> Result<Placed, Contradiction> {
        let members = self.first[low as usize] as usize..self.first[high as usize] as usize;
        while let Some((place, value)) = self.late.largest(members.clone())
            && u32::MAX - value < low
        {
            self.late.set(place, 0);
            self.ready.set(place, self.elements[place].take_by);
        }
        let best = self.ready.largest(members.clone()).filter(|&(_, take_by)| high < take_by);
        let Some((place, _)) = best else { return Err(self.stuck(members, low, high)) };
        let element = self.elements[place];
        self.ready.set(place, 0);
        self.cover.add(element.put_by..element.take_from, -1);
        Ok(Placed { put_at: low - 1, take_at: high, insert: element.insert, remove: element.remove })
    }

    /// A run without a bottom: as few elements as cover it.
    fn stuck(&self, members: std::ops::Range<usize>, low: u32, high: u32) -> Contradiction {
        let mut calls = Vec::new();
        let mut left =
            members.filter(|&place| self.late.get(place) > 0 || self.ready.get(place) > 0).peekable();
        let (mut slot, mut best) = (low, None::<&Element>);
        while slot < high {
            while let Some(place) = left.next_if(|&place| self.elements[place].put_by <= slot) {
                let element = self.elements[place];
                if best.is_none_or(|best| best.take_from < element.take_from) {
                    best = Some(element);
                }
            }
            let Some(best) = best.filter(|best| best.take_from > slot) else { break };
            calls.extend([best.insert, best.remove]);
            slot = best.take_from;
        }
        Contradiction::new(Flaw::OutOfOrder, calls)
    }
}

/// Numbers in a tree that finds the largest of a range, the first of equal ones.
struct Extremes {
    leaves: usize,
    largest: Vec<u32>,
}

impl Extremes {
    fn new(values: impl ExactSizeIterator<Item = u32>) -> Self {
        let leaves = values.len().next_power_of_two();
        let mut largest = vec![0; 2 * leaves];
        for (place, value) in values.enumerate() {
            largest[leaves + place] = value;
        }
        for node in (1..leaves).rev() {
            largest[node] = largest[2 * node].max(largest[2 * node + 1]);
        }
        Self { leaves, largest }
    }

    fn get(&self, place: usize) -> u32 {
        self.largest[self.leaves + place]
    }

    fn set(&mut self, place: usize, value: u32) {
        let mut node = self.leaves + place;
        self.largest[node] = value;
        while node > 1 {
            node /= 2;
            let larger = self.largest[2 * node].max(self.largest[2 * node + 1]);
            if self.largest[node] == larger {
                break;
            }
            self.largest[node] = larger;
        }
    }

    /// The largest value that is not zero, and its place.
    fn largest(&self, range: std::ops::Range<usize>) -> Option<(usize, u32)> {
        let (mut low, mut high) = (self.leaves + range.start, self.leaves + range.end);
        let (mut best, mut value) = (0, 0);
        while low < high {
            for node in [(low & 1 == 1).then_some(low), (high & 1 == 1).then(|| high - 1)] {
                if let Some(node) = node
                    && self.largest[node] > value
                {
                    (best, value) = (node, self.largest[node]);
                }
            }
            low = low.div_ceil(2);
            high /= 2;
        }
        if value == 0 {
            return None;
        }
        while best < self.leaves {
            best *= 2;
            if self.largest[best] != value {
                best += 1;
            }
        }
        Some((best - self.leaves, value))
    }
}
