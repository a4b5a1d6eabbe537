//! Linearizability of sets: add, remove, ask for one element, read all.
//!
//! Without reads of everything a set is as many objects as it has elements, each either in or out, and linearizability
//! may be judged for each by itself: see [`super::membership`], which needs every element to be added and removed at most
//! once. With reads, what is wrong with one element alone is wrong altogether; if nothing is ever removed, the
//! reads order themselves and [`super::growth`] decides the rest. The general engine judges what is left.

use super::{
    elements::Line,
    growth,
    membership::{self, Fate},
};

/// What a call did to a set. Elements are small numbers, best without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetAction {
    /// Made sure that this element is in; `true` if it certainly was not in before.
    Add(u32, bool),
    /// Made sure that this element is out; `true` if it certainly was in before.
    Remove(u32, bool),
    /// Saw this element in (`true`) or out.
    Saw(u32, bool),
    /// Saw just the elements of this list.
    Read(u32),
}

/// One call on a set. Failed ones are left out beforehand, and observations with unknown results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SetCall {
    /// What it did.
    pub action: SetAction,
    /// When it began.
    pub began: u64,
    /// By when it must have taken effect; `None` is never. Calls that end and begin at one time are concurrent.
    pub deadline: Option<u64>,
    /// Whether it may never have taken effect: its outcome is unknown.
    pub optional: bool,
}

/// Calls on one set that was empty at first, and what its reads listed, each without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetCalls {
    /// The calls.
    pub calls: Vec<SetCall>,
    /// The lists of elements, in ascending order.
    pub lists: Vec<Vec<u32>>,
}

/// What the monitor says about calls on a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetJudgement {
    /// This order explains every answer. Optional calls that are not in it never happened.
    Valid(Vec<u32>),
    /// No order does, and these few calls prove it by what they say about these elements.
    Invalid(SetContradiction),
    /// These elements are added or removed more than once; all other elements by themselves are in order.
    Ambiguous(Vec<u32>),
    /// The monitor cannot decide it, for this reason.
    Undecided(&'static str),
}

/// Calls on a set that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetContradiction {
    /// The calls, in ascending order, with every call that may have added or removed one of the elements.
    pub calls: Vec<u32>,
    /// The elements that they contradict each other about.
    pub elements: Vec<u32>,
}

/// The calls of a set with their slots, and the calls about each element.
pub(super) struct Sorted<'a> {
    pub input: &'a SetCalls,
    /// The slots in which each call may take effect: from the first to before the second.
    pub spans: Vec<(u32, u32)>,
    /// For each element the range of its calls in `about`.
    first: Vec<u32>,
    /// The calls about each element, reads that list it among them, in the order in which they began.
    about: Vec<u32>,
    /// The reads, in the order in which they began.
    pub reads: Vec<u32>,
}

impl<'a> Sorted<'a> {
    pub fn new(input: &'a SetCalls) -> Self {
        let calls = &input.calls;
        let line = Line::new(calls.len(), |number| (calls[number].began, calls[number].deadline));
        let order: Vec<u32> = (0..line.slots).map(|slot| line.at(slot)).collect();
        let mut spans = vec![(0, 0); calls.len()];
        for start in 0..line.slots {
            spans[line.at(start) as usize] = (start, line.end(start));
        }
        let touched = |call: u32| -> &[u32] {
            match &calls[call as usize].action {
                SetAction::Read(list) => &input.lists[*list as usize],
                SetAction::Add(element, _) | SetAction::Remove(element, _) | SetAction::Saw(element, _) => {
                    std::slice::from_ref(element)
                }
            }
        };
        let elements =
            order.iter().filter_map(|&call| touched(call).iter().max()).max().map_or(0, |&most| most + 1);
        let mut first = vec![0u32; elements as usize + 2];
        for &call in &order {
            for &element in touched(call) {
                first[element as usize + 2] += 1;
            }
        }
        for element in 1..first.len() {
            first[element] += first[element - 1];
        }
        let mut about = vec![0; first.last().copied().unwrap_or(0) as usize];
        for &call in &order {
            for &element in touched(call) {
                let place = &mut first[element as usize + 1];
                about[*place as usize] = call;
                *place += 1;
            }
        }
        let is_read = |call: &u32| matches!(calls[*call as usize].action, SetAction::Read(_));
        let reads = order.iter().copied().filter(is_read).collect();
        Self { input, spans, first, about, reads }
    }

    /// How many elements there are.
    pub fn elements(&self) -> u32 {
        (self.first.len() - 2) as u32
    }

    /// What a read listed.
    pub fn list(&self, read: u32) -> &'a [u32] {
        match self.input.calls[read as usize].action {
            SetAction::Read(list) => &self.input.lists[list as usize],
            _ => &[],
        }
    }

    /// The calls about an element.
    pub fn about(&self, element: u32) -> &[u32] {
        &self.about[self.first[element as usize] as usize..self.first[element as usize + 1] as usize]
    }
}

/// Judges calls on a set that was empty at first.
pub fn judge_set(input: &SetCalls) -> SetJudgement {
    match decide(input) {
        SetJudgement::Valid(order) if !replay_set(input, &order) => {
            SetJudgement::Undecided("the order that was found does not explain every answer")
        }
        SetJudgement::Invalid(found) => SetJudgement::Invalid(shrink(input, found)),
        judgement => judgement,
    }
}

fn decide(input: &SetCalls) -> SetJudgement {
    let sorted = Sorted::new(input);
    let mut fates = Vec::with_capacity(sorted.elements() as usize);
    let mut ambiguous = Vec::new();
    for element in 0..sorted.elements() {
        match membership::fate(&sorted, element) {
            Ok(Some(fate)) => fates.push(fate),
            Ok(None) => {
                ambiguous.push(element);
                fates.push(Fate::never());
            }
            Err(calls) => return SetJudgement::Invalid(SetContradiction { calls, elements: vec![element] }),
        }
    }
    if !ambiguous.is_empty() {
        return SetJudgement::Ambiguous(ambiguous);
    }
    if sorted.reads.is_empty() {
        return SetJudgement::Valid(membership::order(&sorted, &fates));
    }
    let removes = |call: &SetCall| matches!(call.action, SetAction::Remove(..));
    if input.calls.iter().any(removes) {
        return SetJudgement::Undecided("elements were removed while somebody read them all");
    }
    match growth::decide(&sorted, &fates) {
        Ok(order) => SetJudgement::Valid(order),
        Err(found) => SetJudgement::Invalid(found),
    }
}

/// The same contradiction with as few calls and elements as it needs. What is left out of the elements is left out of what
/// reads listed, too; of the other elements every call that may have added or removed them stays.
fn shrink(input: &SetCalls, found: SetContradiction) -> SetContradiction {
    let contradicts = |calls: &[u32], elements: &[u32]| {
        matches!(decide(&projected(input, calls, elements)), SetJudgement::Invalid(_))
    };
    let SetContradiction { mut calls, mut elements } = found;
    if calls.len() > SHRUNK_MAX || !contradicts(&calls, &elements) {
        return SetContradiction { calls, elements };
    }
    for element in elements.clone() {
        let fewer: Vec<u32> = elements.iter().copied().filter(|&other| other != element).collect();
        if contradicts(&calls, &fewer) {
            elements = fewer;
        }
    }
    let about = |call: u32, elements: &[u32]| match input.calls[call as usize].action {
        SetAction::Read(_) => true,
        SetAction::Add(element, _) | SetAction::Remove(element, _) | SetAction::Saw(element, _) => {
            elements.contains(&element)
        }
    };
    calls.retain(|&call| about(call, &elements));
    for call in calls.clone() {
        let observes = matches!(input.calls[call as usize].action, SetAction::Read(_) | SetAction::Saw(..));
        let fewer: Vec<u32> = calls.iter().copied().filter(|&other| other != call).collect();
        if observes && contradicts(&fewer, &elements) {
            calls = fewer;
        }
    }
    calls.sort_unstable();
    SetContradiction { calls, elements }
}

/// The most calls that are tried to be left out of a contradiction.
const SHRUNK_MAX: usize = 256;

/// These calls as far as they are about these elements, which are numbered anew.
pub(super) fn projected(input: &SetCalls, calls: &[u32], elements: &[u32]) -> SetCalls {
    let mut kept = elements.to_vec();
    kept.sort_unstable();
    let number = |element: u32| kept.binary_search(&element).ok().map(|place| place as u32);
    let mut part = SetCalls::default();
    for &call in calls {
        let call = input.calls[call as usize];
        let action = match call.action {
            SetAction::Add(element, new) => number(element).map(|element| SetAction::Add(element, new)),
            SetAction::Remove(element, old) => number(element).map(|element| SetAction::Remove(element, old)),
            SetAction::Saw(element, was_in) => number(element).map(|element| SetAction::Saw(element, was_in)),
            SetAction::Read(list) => {
                part.lists.push(input.lists[list as usize].iter().filter_map(|&e| number(e)).collect());
                Some(SetAction::Read(part.lists.len() as u32 - 1))
            }
        };
        part.calls.extend(action.map(|action| SetCall { action, ..call }));
    }
    part
}

/// Whether the order keeps real time, holds every call that certainly happened, none twice, and explains every answer.
pub fn replay_set(input: &SetCalls, order: &[u32]) -> bool {
    let mut placed = vec![false; input.calls.len()];
    let mut inside: Vec<bool> = Vec::new();
    let (mut count, mut latest) = (0usize, 0);
    for &number in order {
        let Some(call) = input.calls.get(number as usize) else { return false };
        let twice = std::mem::replace(&mut placed[number as usize], true);
        latest = latest.max(call.began);
        let late = call.deadline.is_some_and(|deadline| deadline.max(call.began) < latest);
        let is_in = |element: u32| inside.get(element as usize).copied().unwrap_or(false);
        let explained = match call.action {
            SetAction::Add(element, new) => !(new && is_in(element)),
            SetAction::Remove(element, old) => !old || is_in(element),
            SetAction::Saw(element, was_in) => is_in(element) == was_in,
            SetAction::Read(list) => {
                let list = &input.lists[list as usize];
                list.len() == count && list.iter().all(|&element| is_in(element))
            }
        };
        if twice || late || !explained {
            return false;
        }
        if let SetAction::Add(element, _) | SetAction::Remove(element, _) = call.action {
            let becomes = matches!(call.action, SetAction::Add(..));
            if inside.len() <= element as usize {
                inside.resize(element as usize + 1, false);
            }
            match (std::mem::replace(&mut inside[element as usize], becomes), becomes) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                _ => {}
            }
        }
    }
    input.calls.iter().zip(placed).all(|(call, placed)| placed || call.optional)
}
