//! Priority queues: the element with the smallest number comes out first.
//!
//! Let a slot be *open* to an element when no smaller one is certainly inside. Elements are placed from the smallest
//! to the largest. Its removal needs a slot of its window that is open to it; it comes out in the first such slot `y`, and
//! goes in as late as it can. In every order of the calls it is inside in the slots `put_by..y`, for it cannot come out
//! in a slot that is not open: these slots are closed to all larger ones. So what is found closed is closed in
//! every order. And if every removal finds a slot, all of them fit: within a slot those that went in earlier come out
//! first, the smallest first; then elements pass through; then those go in that stay. No smaller element is inside
//! when one comes out, for one that stays over the slot closes it. The answers "empty" need a slot that is closed by none.
//!
//! **Unknown removals.** A slot can only be open if the smaller elements that nobody is known to have taken out and that
//! are certainly in by then are not more than the unknown removals that had begun. With this as the rule for open slots
//! all that is found wrong is wrong. But the removals may be needed in several slots by different elements. So where all
//! finds a slot, each kept element is due at the first slot that was chosen for a larger element (or for "empty")
//! and in which it would certainly be inside; it is taken there. If the unknown removals suffice for these dues in
//! the order of dues, this is an order; if they do not, other slots might have served, and the monitor does not decide.

use super::{
    Contradiction, Flaw, Judgement,
    elements::{NONE, Problem},
    order::{self, Leaving, Placed, by_slot},
    room::{CLOSED, Room},
};

/// Judges a priority queue.
pub(super) fn decide(problem: &Problem) -> Result<Judgement, Contradiction> {
    let kept = problem.kept();
    let elements = &problem.elements;
    let values = elements.iter().map(|element| element.value).max().unwrap_or(0) + 2;
    let ascending = by_slot(elements.len() as u32, values, |number| elements[number as usize].value);
    let rivalry = !kept.is_empty() && !problem.anys.is_empty();
    let mut room = Room::new(supply(problem, rivalry).into_iter());
    // When each element comes out.
    let mut taken = vec![problem.slots; elements.len()];
    for &number in &ascending {
        let element = &elements[number as usize];
        if element.is_removed() {
            let open = room.first_open(element.take_from).filter(|&slot| slot < element.take_by);
            let Some(open) = open else {
                let wanted = Closed { below: element.value, slots: element.take_from..element.take_by };
                let calls = [element.insert, element.remove];
                return Err(closed(problem, &kept, &taken, Flaw::OutOfOrder, &calls, wanted));
            };
            taken[number as usize] = open;
            room.add(element.put_by.min(open)..open, CLOSED);
        } else {
            room.add(element.put_by..problem.slots, if rivalry { 1 } else { CLOSED });
        }
    }
    let empties = open_to_all(problem, &room, &kept, &taken)?;
    let mut placed: Vec<Placed> = elements
        .iter()
        .zip(&taken)
        .map(|(element, &take_at)| Placed {
            put_at: take_at.min(element.put_by - 1),
            take_at,
            insert: element.insert,
            remove: element.remove,
        })
        .collect();
    if rivalry && !serve(problem, &ascending, &taken, &empties, &mut placed) {
        return Ok(Judgement::Undecided(
            "several removals of unknown result may each have taken one of several elements",
        ));
    }
    let placed: Vec<Placed> = ascending.iter().map(|&number| placed[number as usize]).collect();
    Ok(Judgement::Valid(order::lay_out(problem, &placed, Leaving::AsListed, &empties)))
}

/// The counters at first: how many unknown removals had begun by each slot, as debts.
fn supply(problem: &Problem, rivalry: bool) -> Vec<i64> {
    let mut supply = vec![0; problem.slots as usize + 1];
    if rivalry {
        for any in &problem.anys {
            supply[any.start as usize] -= 1;
        }
        for slot in 1..supply.len() {
            supply[slot] += supply[slot - 1];
        }
    }
    supply
}

/// A slot for each answer "empty", none of which any element closes.
fn open_to_all(
    problem: &Problem,
    room: &Room,
    kept: &[u32],
    taken: &[u32],
) -> Result<Vec<u32>, Contradiction> {
    problem
        .empties
        .iter()
        .map(|empty| {
            room.first_open(empty.start).filter(|&slot| slot < empty.end).ok_or_else(|| {
                let wanted = Closed { below: NONE, slots: empty.start..empty.end };
                closed(problem, kept, taken, Flaw::FalseEmpty, &[empty.call], wanted)
            })
        })
        .collect()
}

/// Gives the kept elements that must come out to the unknown removals; false if these do not suffice.
fn serve(
    problem: &Problem,
    ascending: &[u32],
    taken: &[u32],
    empties: &[u32],
    placed: &mut [Placed],
) -> bool {
    let mut wanted = Room::new(vec![1; problem.slots as usize + 1].into_iter());
    let want = |wanted: &mut Room, slot: u32| wanted.add(slot..slot + 1, -1);
    empties.iter().for_each(|&slot| want(&mut wanted, slot));
    let mut due: Vec<(u32, u32)> = Vec::new();
    for &number in ascending.iter().rev() {
        let element = &problem.elements[number as usize];
        if element.is_removed() {
            want(&mut wanted, taken[number as usize]);
        } else if let Some(slot) = wanted.first_open(element.put_by) {
            due.push((slot, number));
        }
    }
    due.sort_unstable();
    if due.len() > problem.anys.len() {
        return false;
    }
    due.iter().zip(&problem.anys).all(|(&(slot, number), any)| {
        let one = &mut placed[number as usize];
        (one.take_at, one.remove) = (slot, any.call);
        any.start <= slot
    })
}

/// Slots that should hold an open one, for elements of a number below `below`.
struct Closed {
    below: u32,
    slots: std::ops::Range<u32>,
}

/// Why none of these slots is open: smaller elements that close them, and smaller ones yet that keep these inside.
fn closed(
    problem: &Problem,
    kept: &[u32],
    taken: &[u32],
    flaw: Flaw,
    calls: &[u32],
    wanted: Closed,
) -> Contradiction {
    let elements = &problem.elements;
    let mut needed = vec![false; elements.len()];
    let mut open = vec![wanted];
    let mut calls = calls.to_vec();
    calls.extend(problem.anys.iter().map(|any| any.call));
    while let Some(Closed { below, slots }) = open.pop() {
        let mut slot = slots.start;
        while slot < slots.end {
            let covers = |number: usize| {
                let smaller = &elements[number];
                let inside = smaller.put_by <= slot && slot < taken[number];
                inside && smaller.value < below && smaller.is_removed()
            };
            let best = (0..elements.len()).filter(|&number| covers(number)).max_by_key(|&n| taken[n]);
            if let Some(number) = best {
                let smaller = &elements[number];
                slot = taken[number];
                if !std::mem::replace(&mut needed[number], true) {
                    calls.extend([smaller.insert, smaller.remove]);
                    open.push(Closed { below: smaller.value, slots: smaller.take_from..taken[number] });
                }
                continue;
            }
            let smaller = kept.iter().map(|&number| &elements[number as usize]);
            let smaller = smaller.filter(|kept| kept.value < below && kept.put_by <= slot);
            let count = problem.anys_by(slot) + 1;
            calls.extend(smaller.take(count).map(|kept| kept.insert));
            slot = if problem.anys_by(slots.end - 1) < count { slots.end } else { slot + 1 };
        }
    }
    Contradiction::new(flaw, calls)
}
