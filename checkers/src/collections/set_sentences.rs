//! What is wrong with a set, in words.

use history::{History, OpIndex, Operation, Set};

use super::{
    checker,
    set_checker::SetPart,
    sets::{SetAction, SetContradiction},
};
use crate::{Anomaly, subject};

/// The most operations that a sentence tells of.
const TOLD_MAX: usize = 6;

/// The anomaly that a contradiction is.
pub(super) fn anomaly(history: &History<Set>, part: &SetPart<'_>, found: &SetContradiction) -> Anomaly {
    let case = Case { history, part, found };
    let told = if let [element] = found.elements[..] { case.of_one(element) } else { None };
    let (kind, sentence) = told.unwrap_or_else(|| ("nonlinearizable", case.of_several()));
    let mut witness: Vec<OpIndex> = found.calls.iter().map(|&call| case.operation(call).index).collect();
    witness.sort_unstable();
    checker::anomaly(kind, sentence, part.key, witness)
}

struct Case<'a> {
    history: &'a History<Set>,
    part: &'a SetPart<'a>,
    found: &'a SetContradiction,
}

impl<'a> Case<'a> {
    fn operation(&self, call: u32) -> &'a Operation<Set> {
        &self.history.operations[self.part.origin[call as usize] as usize]
    }

    fn action(&self, call: u32) -> SetAction {
        self.part.input.calls[call as usize].action
    }

    /// Whether a call shows an element inside; `None` if it shows nothing of it.
    fn shows(&self, call: u32, element: u32) -> Option<bool> {
        match self.action(call) {
            SetAction::Saw(shown, was_in) => (shown == element).then_some(was_in),
            SetAction::Read(list) => {
                Some(self.part.input.lists[list as usize].binary_search(&element).is_ok())
            }
            SetAction::Remove(removed, true) => (removed == element).then_some(true),
            SetAction::Add(added, true) => (added == element).then_some(false),
            SetAction::Add(..) | SetAction::Remove(..) => None,
        }
    }

    /// The set in words.
    fn object(&self) -> String {
        subject::named(self.part.key, "the set")
    }

    /// What is wrong with one element that nobody removed; `None` if it was removed, too.
    fn of_one(&self, element: u32) -> Option<(&'static str, String)> {
        let (name, key) = (self.part.elements[element as usize], self.object());
        let calls = &self.found.calls;
        let add = calls.iter().copied().find(|&call| matches!(self.action(call), SetAction::Add(..)));
        let remove = calls.iter().any(|&call| matches!(self.action(call), SetAction::Remove(_, false)));
        let inside = calls.iter().copied().find(|&call| self.shows(call, element) == Some(true));
        let outside =
            calls.iter().copied().find(|&call| self.shows(call, element) == Some(false) && Some(call) != add);
        match (add, inside, outside) {
            (None, Some(inside), _) => Some((
                "unexpected-element",
                format!("{} showed {name} in {key}, but nobody ever added it", self.tell(inside)),
            )),
            (Some(add), Some(inside), None) if !remove => Some((
                "unexpected-element",
                format!(
                    "{} showed {name} in {key} before it began to be added by {} at {}",
                    self.tell(inside),
                    self.operation(add).process,
                    self.operation(add).began
                ),
            )),
            (Some(add), inside, Some(outside))
                if !remove && calls.iter().all(|&call| !self.removes(call)) =>
            {
                let since = match inside {
                    Some(inside) => format!("was shown by {}", self.tell(inside)),
                    None => format!("was added by {}", self.tell(add)),
                };
                let (kind, so) = if self.comes_back(element, outside) {
                    ("stale-element", "though a later one showed it again")
                } else {
                    ("lost-element", "and nobody saw it later")
                };
                Some((
                    kind,
                    format!("{name} in {key} {since}, but {} did not find it, {so}", self.tell(outside)),
                ))
            }
            _ => None,
        }
    }

    fn removes(&self, call: u32) -> bool {
        matches!(self.action(call), SetAction::Remove(..))
    }

    /// Whether something that may come after the call shows the element.
    fn comes_back(&self, element: u32, outside: u32) -> bool {
        let began = self.part.input.calls[outside as usize].began;
        (0u32..).zip(&self.part.input.calls).any(|(number, call)| {
            let later = call.deadline.is_none_or(|deadline| deadline >= began);
            later
                && matches!(call.action, SetAction::Saw(..) | SetAction::Read(_))
                && self.shows(number, element) == Some(true)
        })
    }

    fn of_several(&self) -> String {
        let names: Vec<String> = self
            .found
            .elements
            .iter()
            .map(|&element| self.part.elements[element as usize].to_string())
            .collect();
        let told: Vec<String> = self.found.calls.iter().take(TOLD_MAX).map(|&call| self.told(call)).collect();
        let more = self.found.calls.len().saturating_sub(TOLD_MAX);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!(
            "no order of {} explains this about {}: {}{more}",
            self.object(),
            names.join(" and "),
            told.join("; ")
        )
    }

    /// What a call did or saw of the elements in question.
    fn told(&self, call: u32) -> String {
        let element = |element: u32| self.part.elements[element as usize];
        match self.action(call) {
            SetAction::Add(added, _) => format!("{} added {}", self.tell(call), element(added)),
            SetAction::Remove(removed, _) => format!("{} removed {}", self.tell(call), element(removed)),
            SetAction::Saw(seen, was_in) => {
                format!(
                    "{} found {} {}",
                    self.tell(call),
                    element(seen),
                    if was_in { "inside" } else { "missing" }
                )
            }
            SetAction::Read(_) => {
                let shown: Vec<String> = self
                    .found
                    .elements
                    .iter()
                    .filter(|&&one| self.shows(call, one) == Some(true))
                    .map(|&one| element(one).to_string())
                    .collect();
                let shown = if shown.is_empty() {
                    "none of them".into()
                } else {
                    format!("only {}", shown.join(" and "))
                };
                format!("{} listed {shown}", self.tell(call))
            }
        }
    }

    fn tell(&self, call: u32) -> String {
        let operation = self.operation(call);
        match operation.deadline() {
            Some(end) => format!("{} from {} to {end}", operation.process, operation.began),
            None => format!("{} from {} on", operation.process, operation.began),
        }
    }
}
