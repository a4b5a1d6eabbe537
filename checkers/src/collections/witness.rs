//! From many calls that contradict each other to few.
//!
//! An element is left out with all its calls, or not at all: what remains of an order of all calls then is an order of the
//! remaining calls, whatever the discipline. An answer "empty" is only an observation. Removals of unknown result
//! stay as long as an element is left that nobody is known to have taken.

use rustc_hash::FxHashMap;

use super::{Action, Call, Contradiction, Discipline, Flaw, Judgement, decide};

/// A contradiction among the same calls of which no element and no observation can be left out.
pub(super) fn shrink(discipline: Discipline, calls: &[Call], found: Contradiction) -> Contradiction {
    if matches!(found.flaw, Flaw::FromNowhere | Flaw::BeforeInsertion | Flaw::Twice) {
        return found;
    }
    let mut attempt = Attempt { discipline, calls, anys: anys(calls), found: None };
    let groups = groups(calls, &found);
    let all: Vec<usize> = (0..groups.len()).collect();
    if !attempt.contradicts(&groups, &[], &all) {
        return found;
    }
    // The smallest first part that contradicts itself, and again from its end: what is wrong is mostly in one place.
    let mut part = first_part(&mut attempt, &groups, all);
    part.reverse();
    part = first_part(&mut attempt, &groups, part);
    let kept = explain(&mut attempt, &groups, &[], false, &part);
    if attempt.contradicts(&groups, &[], &kept)
        && let Some(small) = attempt.found
    {
        return small;
    }
    found
}

/// The calls of each element, and each answer "empty", in the order of the first call.
fn groups(calls: &[Call], found: &Contradiction) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut of: FxHashMap<u32, usize> = FxHashMap::default();
    for &number in &found.calls {
        match calls[number as usize].action {
            Action::Insert(value) | Action::Remove(value) => {
                let group = *of.entry(value).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[group].push(number);
            }
            Action::Empty => groups.push(vec![number]),
            Action::RemoveAny => {}
        }
    }
    groups
}

fn anys(calls: &[Call]) -> Vec<u32> {
    (0u32..).zip(calls).filter(|(_, call)| call.action == Action::RemoveAny).map(|(i, _)| i).collect()
}

/// The shortest beginning that contradicts itself. More never contradicts itself less.
fn first_part(attempt: &mut Attempt<'_>, groups: &[Vec<u32>], mut all: Vec<usize>) -> Vec<usize> {
    let mut size = 8;
    while size < all.len() && !attempt.contradicts(groups, &[], &all[..size]) {
        size *= 4;
    }
    let (mut low, mut high) = (if size == 8 { 0 } else { size / 4 }, size.min(all.len()));
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if attempt.contradicts(groups, &[], &all[..middle]) {
            high = middle;
        } else {
            low = middle;
        }
    }
    all.truncate(high);
    all
}

/// A smallest part of `part` that contradicts itself together with `fixed`, by halves; `grown` says whether `fixed` has
/// grown since it was last tried. The depth is logarithmic.
fn explain(
    attempt: &mut Attempt<'_>,
    groups: &[Vec<u32>],
    fixed: &[usize],
    grown: bool,
    part: &[usize],
) -> Vec<usize> {
    if grown && attempt.contradicts(groups, fixed, &[]) {
        return Vec::new();
    }
    if part.len() <= 1 {
        return part.to_vec();
    }
    let (one, other) = part.split_at(part.len() / 2);
    let with_one: Vec<usize> = fixed.iter().chain(one).copied().collect();
    let mut needed = explain(attempt, groups, &with_one, true, other);
    let with_needed: Vec<usize> = fixed.iter().chain(&needed).copied().collect();
    let more = explain(attempt, groups, &with_needed, !needed.is_empty(), one);
    needed.extend(more);
    needed
}

struct Attempt<'a> {
    discipline: Discipline,
    calls: &'a [Call],
    anys: Vec<u32>,
    /// The last contradiction, in the numbers of all calls, with all that was tried.
    found: Option<Contradiction>,
}

impl Attempt<'_> {
    fn contradicts(&mut self, groups: &[Vec<u32>], fixed: &[usize], part: &[usize]) -> bool {
        let chosen = || fixed.iter().chain(part).flat_map(|&group| &groups[group]).copied();
        let kept = |group: usize| matches!(*groups[group], [one] if self.calls[one as usize].action != Action::Empty);
        let mut numbers: Vec<u32> = chosen().collect();
        if fixed.iter().chain(part).any(|&group| kept(group)) {
            // What began after all the others had ended can follow them.
            let ends = chosen().map(|number| self.calls[number as usize]).filter(|call| !call.optional);
            let last = ends.map(|call| call.deadline).max_by_key(|end| end.unwrap_or(u64::MAX)).flatten();
            numbers.extend(
                self.anys
                    .iter()
                    .copied()
                    .filter(|&number| last.is_none_or(|last| self.calls[number as usize].began <= last)),
            );
        }
        numbers.sort_unstable();
        let calls = renumbered(self.calls, &numbers);
        let Judgement::Invalid(found) = decide(self.discipline, &calls) else { return false };
        self.found = Some(Contradiction { flaw: found.flaw, calls: numbers });
        true
    }
}

/// These calls, with the elements numbered without gaps and in the same order.
fn renumbered(calls: &[Call], numbers: &[u32]) -> Vec<Call> {
    let mut values: Vec<u32> = numbers
        .iter()
        .filter_map(|&number| match calls[number as usize].action {
            Action::Insert(value) | Action::Remove(value) => Some(value),
            Action::Empty | Action::RemoveAny => None,
        })
        .collect();
    values.sort_unstable();
    values.dedup();
    let rank = |value: u32| values.partition_point(|&other| other < value) as u32;
    let renumber = |&number: &u32| {
        let call = calls[number as usize];
        let action = match call.action {
            Action::Insert(value) => Action::Insert(rank(value)),
            Action::Remove(value) => Action::Remove(rank(value)),
            action => action,
        };
        Call { action, ..call }
    };
    numbers.iter().map(renumber).collect()
}
