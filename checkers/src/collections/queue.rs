//! FIFO queues.
//!
//! **Without unknown removals.** The order in which elements go in is the order in which they come out. So there must be
//! one order of the elements that agrees with both: `a` before `b` if `a.put_by <= b.put_from`, or if
//! `a.take_by <= b.take_from`. Each of the two is an interval order. In a shortest cycle of their union the kinds of
//! edges alternate, for each kind is transitive; of `a <put b <take c <put d <take a`, the two put edges give
//! `a <put d` or `c <put b` (an interval order holds no two unrelated edges), and either makes a shorter cycle. So there
//! is an order unless two elements contradict each other: `a` was put in before `b`, and taken out after `b` or never.
//!
//! Given the order, let insertions happen in it and as early as they can, and removals likewise, each behind its
//! insertion. An operation that is late then follows, by a chain of these rules, one that began after its own end. Within
//! one kind that contradicts the order. If `x` is put in after `w` was taken out, `w.put_by <= w.take_by <= x.put_from`,
//! so `w` is before `x` in the order. A chain from an insertion to a removal and back to an insertion so leads
//! forward in the order: by `v`'s own insertion at once; by `e.put_by <= x.take_from` where `x` is not behind `w` and
//! `w.take_by <= u.put_from`, because `u.put_from < e.put_by` would give `w.take_by <= x.take_from`. So nothing is late.
//!
//! **Cuts.** If `a` lies behind a slot by choice and `b` before it, no rule puts `a` before `b`: `a`'s window
//! reaches beyond the slot, and `b`'s begins before it. So at every uncovered slot the elements can be split, and the
//! answers "empty" need only such a slot each.
//!
//! **Unknown removals.** Let `b` be taken out by a known removal and `a` be put in before it and kept. Then `a` must
//! have been taken by an unknown removal `u` with `u.start < b.take_by`; the smallest such bound is `a`'s due. Dues rise
//! with `put_by`, the needs of cuts (see [`super::cuts`]) too, and an earlier removal is never worse. So serving the kept
//! elements in the order of `put_by` with the unknown removals in the order in which they began is the best there is,
//! and if it misses a due, then more elements were due than removals had begun. An element that an unknown
//! removal took in vain disturbs nobody: its removal has no end, and all that were put in before it are taken as well.

use super::{
    Contradiction, Flaw, Judgement, cuts,
    elements::{Element, NONE, Problem},
    order::{Merge, by_slot},
};

/// Judges a queue.
pub(super) fn decide(problem: &Problem) -> Result<Judgement, Contradiction> {
    let elements = &problem.elements;
    let by_put = by_slot(elements.len() as u32, problem.slots + 2, |number| elements[number as usize].put_by);
    pairs(problem, &by_put)?;
    let kept: Vec<u32> =
        by_put.iter().copied().filter(|&number| !elements[number as usize].is_removed()).collect();
    dues(problem, &kept)?;
    let empties = cuts::serve(problem, &kept)?;
    let mut windows: Vec<Element> = elements.clone();
    for (&number, any) in kept.iter().zip(&problem.anys) {
        let element = &mut windows[number as usize];
        element.remove = any.call;
        element.take_from = any.start.max(element.put_from);
        element.take_by = problem.slots;
    }
    let Some(order) = common_order(&windows, &by_put, problem.slots) else {
        return Ok(Judgement::Undecided("no order of the elements was found where there must be one"));
    };
    Ok(Judgement::Valid(lay_out(problem, &windows, order, &empties)))
}

/// No element was put in before another and taken out after it, as far as both removals are known.
fn pairs(problem: &Problem, by_put: &[u32]) -> Result<(), Contradiction> {
    let elements = &problem.elements;
    let mut earlier = by_put.iter().map(|&number| &elements[number as usize]).peekable();
    let mut last: Option<&Element> = None;
    for element in elements {
        while let Some(before) = earlier.next_if(|before| before.put_by <= element.put_from) {
            if before.is_removed() && last.is_none_or(|last| before.take_from > last.take_from) {
                last = Some(before);
            }
        }
        if let Some(last) = last
            && element.is_removed()
            && element.take_by <= last.take_from
        {
            let calls = [last.insert, last.remove, element.insert, element.remove];
            return Err(Contradiction::new(Flaw::OutOfOrder, calls));
        }
    }
    Ok(())
}

/// Enough unknown removals began before the kept elements were due.
fn dues(problem: &Problem, kept: &[u32]) -> Result<(), Contradiction> {
    let elements = &problem.elements;
    let mut later = elements.iter().rev().peekable();
    let mut due: Option<&Element> = None;
    let mut found = None;
    for (place, &number) in kept.iter().enumerate().rev() {
        let element = &elements[number as usize];
        while let Some(behind) = later.next_if(|behind| behind.put_from >= element.put_by) {
            if behind.is_removed() && due.is_none_or(|due| behind.take_by < due.take_by) {
                due = Some(behind);
            }
        }
        if let Some(due) = due
            && problem.anys.get(place).is_none_or(|any| any.start >= due.take_by)
        {
            found = Some((place, due));
        }
    }
    let Some((place, due)) = found else { return Ok(()) };
    let kept = kept[..=place].iter().map(|&number| elements[number as usize].insert);
    let anys = problem.anys.iter().take(place).map(|any| any.call);
    Err(Contradiction::new(Flaw::Lost, kept.chain(anys).chain([due.insert, due.remove])))
}

/// An order of the elements that agrees with insertions and removals.
fn common_order(windows: &[Element], by_put: &[u32], slots: u32) -> Option<Vec<u32>> {
    let count = windows.len() as u32;
    let at = |number: u32| &windows[number as usize];
    let by_take_from = by_slot(count, slots + 2, |number| at(number).take_from);
    let by_take_by = by_slot(count, slots + 2, |number| at(number).take_by);
    let mut done = vec![false; windows.len()];
    // How many of the two orders an element is smallest in.
    let mut smallest = vec![0u8; windows.len()];
    let mut ready: Vec<u32> = Vec::new();
    let mut order = Vec::with_capacity(windows.len());
    let (mut puts, mut takes) = ((0u32..count).peekable(), by_take_from.iter().copied().peekable());
    let (mut put_ends, mut take_ends) =
        (by_put.iter().copied().peekable(), by_take_by.iter().copied().peekable());
    while order.len() < windows.len() {
        while put_ends.next_if(|&number| done[number as usize]).is_some() {}
        while take_ends.next_if(|&number| done[number as usize]).is_some() {}
        let put_end = put_ends.peek().map_or(NONE, |&number| at(number).put_by);
        let take_end = take_ends.peek().map_or(NONE, |&number| at(number).take_by);
        let mut count = |number: u32| {
            smallest[number as usize] += 1;
            if smallest[number as usize] == 2 {
                ready.push(number);
            }
        };
        while let Some(number) = puts.next_if(|&number| at(number).put_from < put_end) {
            count(number);
        }
        while let Some(number) = takes.next_if(|&number| at(number).take_from < take_end) {
            count(number);
        }
        let next = ready.pop()?;
        done[next as usize] = true;
        order.push(next);
    }
    Some(order)
}

/// The calls in their order: between two cuts insertions and removals in the order of the elements.
fn lay_out(problem: &Problem, windows: &[Element], mut order: Vec<u32>, empties: &[u32]) -> Vec<u32> {
    let mut cuts: Vec<(u32, u32)> =
        empties.iter().copied().zip(problem.empties.iter().map(|empty| empty.call)).collect();
    cuts.sort_unstable();
    if !cuts.is_empty() {
        // An element lies before the first cut that its removal does not reach beyond.
        order.sort_by_cached_key(|&number| {
            cuts.partition_point(|&(slot, _)| slot < windows[number as usize].take_from)
        });
    }
    let mut merge = Merge::default();
    let mut cuts = cuts.into_iter().peekable();
    for number in order {
        let element = &windows[number as usize];
        while let Some((slot, call)) = cuts.next_if(|&(slot, _)| slot < element.take_from) {
            merge.cut(slot, call);
        }
        merge.push(element);
    }
    for (slot, call) in cuts {
        merge.cut(slot, call);
    }
    merge.finish()
}
