//! Whole orders out of slots.

use super::elements::{Element, NONE, Problem};

/// The numbers below `count`, sorted by their slots, equal ones in ascending order.
pub(super) fn by_slot(count: u32, slots: u32, slot: impl Fn(u32) -> u32) -> Vec<u32> {
    stable_by_slot(0..count, slots, slot)
}

/// These numbers, sorted by their slots, equal ones in the given order.
pub(super) fn stable_by_slot(
    numbers: impl Iterator<Item = u32> + Clone,
    slots: u32,
    slot: impl Fn(u32) -> u32,
) -> Vec<u32> {
    let mut begin = vec![0u32; slots as usize + 1];
    let mut count = 0;
    for number in numbers.clone() {
        begin[slot(number) as usize + 1] += 1;
        count += 1;
    }
    for slot in 0..slots as usize {
        begin[slot + 1] += begin[slot];
    }
    let mut sorted = vec![0; count];
    for number in numbers {
        let place = &mut begin[slot(number) as usize];
        sorted[*place as usize] = number;
        *place += 1;
    }
    sorted
}

/// Merges the insertions and removals of a queue, both in the order of its elements and as early as they can be.
#[derive(Default)]
pub(super) struct Merge {
    order: Vec<u32>,
    put_at: u32,
    take_at: u32,
    /// The removals that are not in the order yet, with their slots.
    takes: std::collections::VecDeque<(u32, u32)>,
}

impl Merge {
    /// The next element.
    pub fn push(&mut self, element: &Element) {
        self.put_at = self.put_at.max(element.put_from);
        self.take_until(self.put_at);
        self.order.push(element.insert);
        if element.is_removed() {
            self.take_at = self.take_at.max(self.put_at).max(element.take_from);
            self.takes.push_back((self.take_at, element.remove));
        }
    }

    /// An answer "empty" at this slot, behind all elements so far and before all that follow.
    pub fn cut(&mut self, slot: u32, call: u32) {
        self.take_until(NONE);
        self.order.push(call);
        self.put_at = self.put_at.max(slot);
        self.take_at = self.take_at.max(slot);
    }

    fn take_until(&mut self, slot: u32) {
        while let Some(&(at, call)) = self.takes.front()
            && at < slot
        {
            self.order.push(call);
            self.takes.pop_front();
        }
    }

    /// The order.
    pub fn finish(mut self) -> Vec<u32> {
        self.take_until(NONE);
        self.order
    }
}

/// An element of a stack, priority queue or bag, with the slots in which it goes in and comes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub put_at: u32,
    pub take_at: u32,
    pub insert: u32,
    /// [`NONE`] if it never comes out.
    pub remove: u32,
}

/// In which order elements come out that do so in one slot and went in earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// In the order in which they are listed.
    AsListed,
    /// The last listed first.
    Reversed,
}

/// The calls in their order. In each slot come first those that leave, then those that only pass through, then the
/// answers "empty", then those that stay, as listed.
pub(super) fn lay_out(problem: &Problem, placed: &[Placed], leaving: Leaving, empties: &[u32]) -> Vec<u32> {
    let (count, slots) = (placed.len() as u32, problem.slots + 2);
    let at = |number: u32| placed[number as usize];
    let puts = by_slot(count, slots, |number| at(number).put_at);
    let takes = match leaving {
        Leaving::AsListed => by_slot(count, slots, |number| at(number).take_at),
        Leaving::Reversed => stable_by_slot((0..count).rev(), slots, |number| at(number).take_at),
    };
    let served = by_slot(empties.len() as u32, slots, |number| empties[number as usize]);
    let passes = |placed: Placed| placed.put_at == placed.take_at;
    let mut order = Vec::with_capacity(2 * placed.len() + empties.len());
    let mut takes = takes.into_iter().map(at).filter(|&one| !passes(one) && one.remove != NONE).peekable();
    let mut passing = puts.iter().copied().map(at).filter(|&one| passes(one)).peekable();
    let mut served = served.into_iter().peekable();
    let mut puts = puts.iter().copied().map(at).filter(|&one| !passes(one)).peekable();
    for slot in 0..problem.slots {
        while let Some(one) = takes.next_if(|one| one.take_at == slot) {
            order.push(one.remove);
        }
        while let Some(one) = passing.next_if(|one| one.put_at == slot) {
            order.extend([one.insert, one.remove]);
        }
        while let Some(number) = served.next_if(|&number| empties[number as usize] == slot) {
            order.push(problem.empties[number as usize].call);
        }
        while let Some(one) = puts.next_if(|one| one.put_at == slot) {
            order.push(one.insert);
        }
    }
    order
}
