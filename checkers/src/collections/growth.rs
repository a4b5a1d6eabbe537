//! Reads of sets from which nothing is ever removed.
//!
//! Of two reads one lists all that the other lists, and comes behind it or lists the same. So the reads fall into *layers*
//! of equal lists, and an element comes in between the last layer that does not list it and the first that does. What
//! remains are rules "this before that", together with real time. Calls that obey such rules have an order if and only if
//! each meets its end when all happen as early as the rules allow; a call that does not is late because of a chain of
//! calls each of which had to come before the next, from one that began after it had ended.

use super::{
    elements::NONE,
    membership::Fate,
    sets::{SetAction, SetContradiction, Sorted},
};

/// An order of the calls, or those that contradict each other.
pub(super) fn decide(sorted: &Sorted<'_>, fates: &[Fate]) -> Result<Vec<u32>, SetContradiction> {
    let mut plan = Plan::new(sorted);
    let layers = layers(sorted)?;
    let mut seen = vec![false; sorted.elements() as usize];
    // The read of the last layer that happens last.
    let mut latest = NONE;
    for layer in &layers {
        let mut newest = latest;
        for &element in sorted.list(layer[0]) {
            if !std::mem::replace(&mut seen[element as usize], true) {
                newest = plan.add(element, fates, latest, newest)?;
            }
        }
        // What follows must follow a read of this layer, not what the read itself waited for.
        latest = NONE;
        for &read in layer {
            let read = plan.happen(read, [newest])?;
            latest = plan.later(latest, read);
        }
    }
    for element in (0..sorted.elements()).filter(|&element| !seen[element as usize]) {
        plan.add(element, fates, latest, NONE)?;
    }
    Ok(plan.finish())
}

/// The reads in layers, the smallest list first.
fn layers(sorted: &Sorted<'_>) -> Result<Vec<Vec<u32>>, SetContradiction> {
    let mut reads = sorted.reads.clone();
    reads.sort_by_key(|&read| sorted.list(read).len());
    let mut layers: Vec<Vec<u32>> = Vec::new();
    for read in reads {
        let Some(layer) = layers.last_mut() else {
            layers.push(vec![read]);
            continue;
        };
        let before = layer[0];
        if let Some(missing) = first_missing(sorted.list(before), sorted.list(read)) {
            let also = first_missing(sorted.list(read), sorted.list(before)).unwrap_or(missing);
            let adds = [missing, also].into_iter().flat_map(|element| sorted.about(element)).copied();
            let adds =
                adds.filter(|&call| matches!(sorted.input.calls[call as usize].action, SetAction::Add(..)));
            return Err(contradiction(adds.chain([before, read]).collect(), vec![missing, also]));
        }
        if sorted.list(before).len() == sorted.list(read).len() {
            layer.push(read);
        } else {
            layers.push(vec![read]);
        }
    }
    Ok(layers)
}

/// The first of some numbers that is not among others, both in ascending order.
fn first_missing(some: &[u32], others: &[u32]) -> Option<u32> {
    let mut others = others.iter().peekable();
    some.iter().copied().find(|one| {
        while others.next_if(|&other| other < one).is_some() {}
        others.peek() != Some(&one)
    })
}

fn contradiction(mut calls: Vec<u32>, mut elements: Vec<u32>) -> SetContradiction {
    calls.sort_unstable();
    calls.dedup();
    elements.sort_unstable();
    elements.dedup();
    SetContradiction { calls, elements }
}

/// When everything happens, at the earliest.
struct Plan<'a> {
    sorted: &'a Sorted<'a>,
    /// The slot of each call.
    at: Vec<u32>,
    /// The call that made it wait until then.
    because: Vec<u32>,
    /// All calls so far, each behind what it must follow.
    order: Vec<u32>,
}

impl<'a> Plan<'a> {
    fn new(sorted: &'a Sorted<'a>) -> Self {
        let count = sorted.input.calls.len();
        Self { sorted, at: vec![0; count], because: vec![NONE; count], order: Vec::with_capacity(count) }
    }

    /// The later of two calls.
    fn later(&self, one: u32, other: u32) -> u32 {
        if one == NONE || (other != NONE && self.at[other as usize] > self.at[one as usize]) {
            other
        } else {
            one
        }
    }

    /// Lets a call happen behind these others.
    fn happen<const N: usize>(&mut self, call: u32, others: [u32; N]) -> Result<u32, SetContradiction> {
        let (start, end) = self.sorted.spans[call as usize];
        let last = others.into_iter().fold(NONE, |last, other| self.later(last, other));
        let waits = last != NONE && self.at[last as usize] > start;
        self.at[call as usize] = if waits { self.at[last as usize] } else { start };
        self.because[call as usize] = if waits { last } else { NONE };
        if self.at[call as usize] >= end {
            return Err(self.chain(call));
        }
        self.order.push(call);
        Ok(call)
    }

    /// Lets an element come in behind a call and after all that saw it out; what saw it inside alone follows. Returns the
    /// later of its addition and another call.
    fn add(
        &mut self,
        element: u32,
        fates: &[Fate],
        behind: u32,
        other: u32,
    ) -> Result<u32, SetContradiction> {
        let about = self.sorted.about(element);
        let mut last_out = NONE;
        let calls = &self.sorted.input.calls;
        for &call in
            about.iter().filter(|&&call| matches!(calls[call as usize].action, SetAction::Saw(_, false)))
        {
            let at = self.happen(call, [])?;
            last_out = self.later(last_out, at);
        }
        let Some((_, add)) = fates[element as usize].added else { return Ok(other) };
        let add = self.happen(add, [behind, last_out])?;
        for &call in
            about.iter().filter(|&&call| matches!(calls[call as usize].action, SetAction::Saw(_, true)))
        {
            self.happen(call, [add])?;
        }
        Ok(self.later(other, add))
    }

    /// Why a call is late: the calls that had to come before it, of many reads in a row the first and the last, with the
    /// elements that tell.
    fn chain(&self, late: u32) -> SetContradiction {
        let mut calls = Vec::new();
        let mut next = late;
        while next != NONE {
            calls.push(next);
            next = self.because[next as usize];
        }
        let is_read = |call: u32| matches!(self.sorted.input.calls[call as usize].action, SetAction::Read(_));
        let first = calls.iter().position(|&call| is_read(call));
        let last = calls.iter().rposition(|&call| is_read(call));
        let mut elements = Vec::new();
        if let (Some(first), Some(last)) = (first, last) {
            // From the later read to the earlier.
            let (later, earlier) = (calls[first], calls[last]);
            calls.drain(first + 1..last.max(first + 1));
            elements.extend(first_missing(self.sorted.list(later), self.sorted.list(earlier)));
        }
        elements.extend(calls.iter().filter_map(
            |&call| match self.sorted.input.calls[call as usize].action {
                SetAction::Add(element, _) | SetAction::Remove(element, _) | SetAction::Saw(element, _) => {
                    Some(element)
                }
                SetAction::Read(_) => None,
            },
        ));
        let adds = elements.iter().flat_map(|&element| self.sorted.about(element)).copied();
        let is_add =
            |call: &u32| matches!(self.sorted.input.calls[*call as usize].action, SetAction::Add(..));
        let adds: Vec<u32> = adds.filter(is_add).collect();
        contradiction(calls.into_iter().chain(adds).collect(), elements)
    }

    fn finish(mut self) -> Vec<u32> {
        self.order.sort_by_key(|&call| self.at[call as usize]);
        self.order
    }
}
