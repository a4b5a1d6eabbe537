//! Bags: any element may come out.
//!
//! Elements do not disturb each other at all, so only the windows and the answers "empty" matter. An element that is put
//! in as late and taken out as early as it can be is inside in no slot but those in which it certainly is, so all slots
//! that nothing covers are empty at once. Unknown removals serve kept elements as [`super::cuts`] says.

use super::{
    Contradiction, Judgement, cuts,
    elements::{Element, Problem},
    order::{self, Leaving, Placed},
};

/// Judges a bag.
pub(super) fn decide(problem: &Problem) -> Result<Judgement, Contradiction> {
    let kept = problem.kept();
    let empties = cuts::serve(problem, &kept)?;
    let mut placed: Vec<Placed> = problem.elements.iter().map(place).collect();
    for (&number, any) in kept.iter().zip(&problem.anys) {
        let element = Element {
            remove: any.call,
            take_from: any.start.max(problem.elements[number as usize].put_from),
            ..problem.elements[number as usize]
        };
        placed[number as usize] = place(&element);
    }
    Ok(Judgement::Valid(order::lay_out(problem, &placed, Leaving::AsListed, &empties)))
}

/// In as late and out as early as it can be.
fn place(element: &Element) -> Placed {
    let (insert, remove, take_at) = (element.insert, element.remove, element.take_from);
    Placed { put_at: take_at.min(element.put_by - 1), take_at, insert, remove }
}
