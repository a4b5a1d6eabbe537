//! Stacks with elements that nobody is known to have taken and removals of unknown result.

use super::{
    Contradiction, Judgement,
    elements::{Element, NONE, Problem},
    order::{Placed, by_slot},
    stack::nest,
};

/// The most slots of an insertion that are looked at.
const SLOTS_MAX: u32 = 256;

/// Judges a stack by what any supply of removals could do, and by what the given supply does in one order.
pub(super) fn decide(problem: &Problem, kept: &[u32], empties: &[u32]) -> Result<Judgement, Contradiction> {
    let Some(first) = problem.anys.first() else {
        return Ok(Judgement::Undecided("there is no removal of unknown result to serve the kept elements"));
    };
    let served = |element: &Element| match element.is_removed() {
        true => *element,
        false => Element {
            remove: first.call,
            take_from: first.start.max(element.put_from),
            take_by: problem.slots,
            ..*element
        },
    };
    let relaxed: Vec<Element> = problem.elements.iter().map(served).collect();
    nest(problem, &relaxed).map_err(|found| {
        let anys = problem.anys.iter().map(|any| any.call);
        Contradiction::new(found.flaw, found.calls.into_iter().chain(anys))
    })?;
    let known: Vec<Element> =
        problem.elements.iter().filter(|element| element.is_removed()).copied().collect();
    let placed = nest(problem, &known)?;
    let order = Pile::new(problem, &placed, empties).lay_out(kept);
    Ok(order.map_or(
        Judgement::Undecided(
            "several removals of unknown result may each have taken one of several elements",
        ),
        Judgement::Valid,
    ))
}

/// What is on the stack while the known elements go in and out as they were placed. Kept elements go in where they must be
/// out again as late as can be; they come out, by the oldest unknown removal, when something below them is due.
struct Pile<'a> {
    problem: &'a Problem,
    placed: &'a [Placed],
    puts: Vec<u32>,
    empties: Vec<(u32, u32)>,
    /// By which call each entry comes out; [`NONE`] for a kept one.
    pile: Vec<u32>,
    /// The heights of the known entries, and when they come out; the next is the last.
    due: Vec<(usize, u32)>,
    order: Vec<u32>,
    anys: usize,
}

impl<'a> Pile<'a> {
    fn new(problem: &'a Problem, placed: &'a [Placed], empties: &[u32]) -> Self {
        let puts = by_slot(placed.len() as u32, problem.slots + 2, |number| placed[number as usize].put_at);
        let mut empties: Vec<(u32, u32)> =
            empties.iter().copied().zip(problem.empties.iter().map(|empty| empty.call)).collect();
        empties.sort_unstable();
        Self { problem, placed, puts, empties, pile: Vec::new(), due: Vec::new(), order: Vec::new(), anys: 0 }
    }

    fn lay_out(mut self, kept: &[u32]) -> Option<Vec<u32>> {
        let slots = self.slots_of(kept);
        let mut kept: Vec<(u32, u32)> =
            slots.into_iter().zip(kept.iter().map(|&k| self.problem.elements[k as usize].insert)).collect();
        kept.sort_unstable();
        let mut kept = kept.into_iter().peekable();
        let mut empties = std::mem::take(&mut self.empties).into_iter().peekable();
        let mut puts = std::mem::take(&mut self.puts).into_iter().peekable();
        for slot in 0..self.problem.slots {
            while let Some((height, _)) = self.due.pop_if(|&mut (_, at)| at == slot) {
                self.take_down(height, slot)?;
            }
            while let Some((_, call)) = empties.next_if(|&(at, _)| at == slot) {
                self.take_down(0, slot)?;
                self.order.push(call);
            }
            while let Some((_, insert)) = kept.next_if(|&(at, _)| at == slot) {
                self.order.push(insert);
                self.pile.push(NONE);
            }
            while let Some(number) = puts.next_if(|&number| self.placed[number as usize].put_at == slot) {
                let one = self.placed[number as usize];
                self.order.push(one.insert);
                if one.take_at == slot {
                    self.order.push(one.remove);
                } else {
                    self.due.push((self.pile.len(), one.take_at));
                    self.pile.push(one.remove);
                }
            }
        }
        Some(self.order)
    }

    /// Takes everything down to this height.
    fn take_down(&mut self, height: usize, slot: u32) -> Option<()> {
        while self.pile.len() > height {
            let mut call = self.pile.pop()?;
            if call == NONE {
                let any = self.problem.anys.get(self.anys).filter(|any| any.start <= slot)?;
                self.anys += 1;
                call = any.call;
            }
            self.order.push(call);
        }
        Some(())
    }

    /// For each kept element the slot of its insertion from which on it may stay longest.
    fn slots_of(&self, kept: &[u32]) -> Vec<u32> {
        let slots = self.problem.slots as usize;
        // By which slot something must be out again that goes in in this one.
        let mut limit = vec![NONE; slots];
        let mut inside: Vec<u32> = Vec::new();
        let mut puts = self.puts.iter().map(|&number| self.placed[number as usize]).peekable();
        for slot in 0..slots as u32 {
            while inside.last().is_some_and(|&take_at| take_at <= slot) {
                inside.pop();
            }
            limit[slot as usize] = inside.last().copied().unwrap_or(NONE);
            while let Some(one) = puts.next_if(|one| one.put_at == slot) {
                inside.push(one.take_at);
            }
        }
        let mut next = NONE;
        let mut empties = self.empties.iter().rev().map(|&(slot, _)| slot).peekable();
        for slot in (0..slots as u32).rev() {
            while let Some(empty) = empties.next_if(|&empty| empty > slot) {
                next = empty;
            }
            limit[slot as usize] = limit[slot as usize].min(next);
        }
        let best = |&number: &u32| {
            let element = &self.problem.elements[number as usize];
            let end = element.put_by.min(element.put_from.saturating_add(SLOTS_MAX));
            (element.put_from..end).max_by_key(|&slot| limit[slot as usize]).unwrap_or(element.put_from)
        };
        kept.iter().map(best).collect()
    }
}
