//! One element of a set: when it came in, and when it went out.
//!
//! Let the element be added by at most one call and removed by at most one. It is then in from some slot `x` to some slot
//! `y`, or from `x` on, or never. In the first case `x` is at the latest `last`: before the addition, the removal and
//! every observation of it inside have ended; and `y` is at the earliest `first`: when all of them have begun.
//! Within these bounds `x = last` and `y = first` are best, for they leave most room to what saw it out, which must begin
//! by `x` or end behind `y`. If `first <= last`, in and out in one slot does for everything. In the second case
//! only `x` matters, and what saw it out must begin by then; so must a removal that found nothing to do. In the third
//! nothing may have seen it inside. An unknown addition or removal may also never have happened.

use super::sets::{SetAction, Sorted};

/// When an element is inside, and by which calls; the slots in which its first and last call take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    /// The slot and call of its addition, if it took effect.
    pub added: Option<(u32, u32)>,
    /// The slot and call of its removal, if that took it out.
    pub removed: Option<(u32, u32)>,
}

impl Fate {
    /// Never inside.
    pub fn never() -> Self {
        Self { added: None, removed: None }
    }
}

/// What is known about one element.
#[derive(Default)]
struct Facts {
    add: Option<u32>,
    remove: Option<u32>,
    /// Of those that saw it inside: which ended first, which began last.
    in_ends: Option<u32>,
    in_begins: Option<u32>,
    /// Of those that saw it out: which began last.
    out_begins: Option<u32>,
    /// Those that saw it out.
    outs: Vec<u32>,
}

impl Facts {
    /// The facts about an element; `None` if it was added or removed more than once.
    fn new(sorted: &Sorted<'_>, element: u32) -> Option<Self> {
        let mut facts = Self::default();
        for &call in sorted.about(element) {
            match sorted.input.calls[call as usize].action {
                SetAction::Add(..) if facts.add.replace(call).is_some() => return None,
                SetAction::Remove(..) if facts.remove.replace(call).is_some() => return None,
                SetAction::Add(..) | SetAction::Remove(..) => {}
                SetAction::Saw(_, false) => {
                    facts.out_begins = Some(call);
                    facts.outs.push(call);
                }
                SetAction::Saw(_, true) | SetAction::Read(_) => {
                    let end = |call: u32| sorted.spans[call as usize].1;
                    facts.in_begins = Some(call);
                    facts.in_ends = facts.in_ends.filter(|&other| end(other) <= end(call)).or(Some(call));
                }
            }
        }
        Some(facts)
    }

    fn all(&self) -> Vec<u32> {
        let mut calls: Vec<u32> =
            [self.add, self.remove, self.in_ends, self.in_begins].into_iter().flatten().collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }
}

/// The fate of an element that explains all that is said about it alone, reads that do not list it included; `None` if it
/// was added or removed more than once; the calls that contradict each other if there is none.
pub(super) fn fate(sorted: &Sorted<'_>, element: u32) -> Result<Option<Fate>, Vec<u32>> {
    let Some(facts) = Facts::new(sorted, element) else { return Ok(None) };
    let mut against = facts.all();
    for scenario in [stays, comes_and_goes, never] {
        match scenario(sorted, element, &facts) {
            Ok(fate) => return Ok(Some(fate)),
            Err(call) => against.extend(call),
        }
    }
    against.sort_unstable();
    against.dedup();
    Err(against)
}

/// The fate if it holds, or what speaks against it besides the additions, removals and extreme observations.
type Scenario = Result<Fate, Option<u32>>;

fn span(sorted: &Sorted<'_>, call: Option<u32>) -> Option<(u32, u32)> {
    call.map(|call| sorted.spans[call as usize])
}

/// It comes in and stays; a removal found nothing to do, or never happened.
fn stays(sorted: &Sorted<'_>, element: u32, facts: &Facts) -> Scenario {
    let Some(add) = facts.add else { return Err(None) };
    let (start, end) = sorted.spans[add as usize];
    let last = end.min(span(sorted, facts.in_ends).map_or(u32::MAX, |(_, end)| end)) - 1;
    let mut idle = None;
    if let Some(remove) = facts.remove {
        let call = &sorted.input.calls[remove as usize];
        if matches!(call.action, SetAction::Remove(_, true)) {
            return Err(None);
        }
        idle = Some(remove).filter(|_| !call.optional);
    }
    if last < start || span(sorted, idle).is_some_and(|(start, _)| start > last) {
        return Err(None);
    }
    if let Some(out) = facts.out_begins.filter(|&out| sorted.spans[out as usize].0 > last) {
        return Err(Some(out));
    }
    match unlisting(sorted, element, last, u32::MAX) {
        Some(read) => Err(Some(read)),
        None => Ok(Fate { added: Some((last, add)), removed: None }),
    }
}

/// It comes in and goes out.
fn comes_and_goes(sorted: &Sorted<'_>, element: u32, facts: &Facts) -> Scenario {
    let (Some(add), Some(remove)) = (facts.add, facts.remove) else { return Err(None) };
    let (add_span, remove_span) = (sorted.spans[add as usize], sorted.spans[remove as usize]);
    let in_end = span(sorted, facts.in_ends).map_or(u32::MAX, |(_, end)| end);
    let in_begin = span(sorted, facts.in_begins).map_or(0, |(start, _)| start);
    let first = add_span.0.max(remove_span.0).max(in_begin);
    let last = (add_span.1.min(remove_span.1).min(in_end) - 1).min(first);
    if last < add_span.0 || first >= remove_span.1 {
        return Err(None);
    }
    let misplaced = |&&out: &&u32| {
        let (start, end) = sorted.spans[out as usize];
        start > last && end <= first
    };
    if let Some(&out) = facts.outs.iter().find(misplaced) {
        return Err(Some(out));
    }
    match unlisting(sorted, element, last, first) {
        Some(read) => Err(Some(read)),
        None => Ok(Fate { added: Some((last, add)), removed: Some((first, remove)) }),
    }
}

/// It never comes in.
fn never(sorted: &Sorted<'_>, _: u32, facts: &Facts) -> Scenario {
    let certain = |call: u32| !sorted.input.calls[call as usize].optional;
    let took = |call: u32| matches!(sorted.input.calls[call as usize].action, SetAction::Remove(_, true));
    if facts.add.is_some_and(certain) || facts.in_ends.is_some() || facts.remove.is_some_and(took) {
        return Err(None);
    }
    Ok(Fate::never())
}

/// A read that began behind the one slot, ended by the other, and does not list the element.
fn unlisting(sorted: &Sorted<'_>, element: u32, behind: u32, by: u32) -> Option<u32> {
    if by != u32::MAX && by <= behind {
        return None;
    }
    let begin = sorted.reads.partition_point(|&read| sorted.spans[read as usize].0 <= behind);
    // Both are in the order in which the reads began; what lists the element is passed over.
    let mut listing = sorted.about(element).iter().copied().peekable();
    for &read in &sorted.reads[begin..] {
        let (start, end) = sorted.spans[read as usize];
        if start >= by {
            break;
        }
        while listing.next_if(|&call| sorted.spans[call as usize].0 < start).is_some() {}
        if listing.peek() != Some(&read) && end <= by {
            return Some(read);
        }
    }
    None
}

/// An order of all calls, for a set without reads: every element's calls by their slots and, within a slot, those that
/// saw it out, its addition, those that saw it inside, its removal, those that saw it out again.
pub(super) fn order(sorted: &Sorted<'_>, fates: &[Fate]) -> Vec<u32> {
    let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(sorted.input.calls.len());
    for (element, fate) in (0u32..).zip(fates) {
        for &number in sorted.about(element) {
            let call = &sorted.input.calls[number as usize];
            let start = sorted.spans[number as usize].0;
            let (added, removed) = (fate.added.map(|(slot, _)| slot), fate.removed.map(|(slot, _)| slot));
            let before = added.is_none_or(|added| start <= added);
            let (slot, phase) = match call.action {
                SetAction::Add(..) => (added.unwrap_or(start), 1),
                SetAction::Remove(..) if removed.is_some() => (removed.unwrap_or(start), 3),
                SetAction::Saw(_, true) | SetAction::Read(_) => (start.max(added.unwrap_or(start)), 2),
                SetAction::Remove(..) | SetAction::Saw(_, false) if before => (start, 0),
                SetAction::Remove(..) | SetAction::Saw(_, false) => (start.max(removed.unwrap_or(start)), 4),
            };
            let took_place = match call.action {
                SetAction::Add(..) => added.is_some(),
                SetAction::Remove(..) => removed.is_some() || !call.optional,
                SetAction::Saw(..) | SetAction::Read(_) => true,
            };
            if took_place {
                keyed.push((u64::from(slot) << 3 | phase, number));
            }
        }
    }
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, number)| number).collect()
}
