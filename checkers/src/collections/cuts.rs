//! Slots at which nothing need be inside, and the answers "empty" that need one.
//!
//! An element that somebody took out is certainly inside in the slots `put_by..take_from`. Of the elements that
//! nobody is known to have taken out, those with `put_by <= s` must all have been taken by slot `s` if nothing is to be
//! inside there, by as many unknown removals that began by then. For two such slots the elements of the earlier are
//! among those of the later, and so are the removals; serving the elements in the order of `put_by` with the
//! removals in the order in which they began therefore serves every slot that can be served by itself. So a slot is
//! free exactly when no element covers it and enough unknown removals had begun.

use super::{
    Contradiction, Flaw,
    elements::{NONE, Problem},
};

/// For each slot the latest free slot that is not behind it; [`NONE`] if there is none.
fn latest_free(problem: &Problem, kept: &[u32]) -> Vec<u32> {
    let mut change = vec![0i32; problem.slots as usize + 1];
    for element in problem.elements.iter().filter(|element| element.is_removed()) {
        if element.put_by < element.take_from {
            change[element.put_by as usize] += 1;
            change[element.take_from as usize] -= 1;
        }
    }
    let mut waiting = kept.iter().map(|&number| problem.elements[number as usize].put_by).peekable();
    let mut anys = problem.anys.iter().map(|any| any.start).peekable();
    let (mut inside, mut unserved, mut latest) = (0i32, 0i64, NONE);
    (0..problem.slots)
        .map(|slot| {
            inside += change[slot as usize];
            while waiting.next_if(|&put_by| put_by <= slot).is_some() {
                unserved += 1;
            }
            while anys.next_if(|&start| start <= slot).is_some() {
                unserved -= 1;
            }
            if inside == 0 && unserved <= 0 {
                latest = slot;
            }
            latest
        })
        .collect()
}

/// The slot of each answer "empty"; the contradiction if one has none.
pub(super) fn serve(problem: &Problem, kept: &[u32]) -> Result<Vec<u32>, Contradiction> {
    if problem.empties.is_empty() {
        return Ok(Vec::new());
    }
    let latest = latest_free(problem, kept);
    let mut served = Vec::with_capacity(problem.empties.len());
    for (number, empty) in problem.empties.iter().enumerate() {
        let slot = latest[empty.end as usize - 1];
        if slot == NONE || slot < empty.start {
            return Err(contradiction(problem, kept, number));
        }
        served.push(slot);
    }
    Ok(served)
}

/// The answer "empty" and elements that cover all its slots, each chosen to cover as many as it can.
fn contradiction(problem: &Problem, kept: &[u32], number: usize) -> Contradiction {
    let empty = problem.empties[number];
    let mut calls = vec![empty.call];
    let mut slot = empty.start;
    let mut kept_needed = 0;
    while slot < empty.end {
        let covers = |put_by: u32, take_from: u32| put_by <= slot && slot < take_from;
        let best = problem
            .elements
            .iter()
            .filter(|element| element.is_removed() && covers(element.put_by, element.take_from))
            .max_by_key(|element| element.take_from);
        let unserved = problem.anys_by(slot) + 1;
        let blocked = kept.get(unserved - 1).is_some_and(|&k| problem.elements[k as usize].put_by <= slot);
        match best {
            _ if blocked && problem.anys_by(empty.end - 1) < unserved => {
                kept_needed = kept_needed.max(unserved);
                slot = empty.end;
            }
            Some(element) => {
                calls.extend([element.insert, element.remove]);
                slot = element.take_from;
            }
            None => {
                kept_needed = kept_needed.max(unserved);
                slot += 1;
            }
        }
    }
    calls.extend(kept[..kept_needed.min(kept.len())].iter().map(|&k| problem.elements[k as usize].insert));
    if kept_needed > 0 {
        calls.extend(problem.anys[..problem.anys_by(empty.end - 1)].iter().map(|any| any.call));
    }
    Contradiction::new(Flaw::FalseEmpty, calls)
}
