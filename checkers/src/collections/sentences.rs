//! Contradictions in words.

use std::collections::BTreeMap;

use history::{History, OpIndex, Operation, Outcome, Value};

use super::{
    Action, Contradiction, Discipline, Flaw, checker,
    reading::{Collection, Meaning, Part},
};
use crate::{Anomaly, subject};

/// The most elements that a sentence lists.
const LISTED_MAX: usize = 6;

/// The anomaly that a contradiction is.
pub(super) fn anomaly<V: Collection>(
    history: &History<V>,
    part: &Part<'_>,
    found: &Contradiction,
) -> Anomaly {
    let case = Case::new(history, part, found);
    let (kind, sentence) = match found.flaw {
        Flaw::FromNowhere => ("element-from-nowhere", case.appeared()),
        Flaw::BeforeInsertion => ("element-from-nowhere", case.before_insertion()),
        Flaw::Twice => ("duplicate-delivery", case.twice()),
        Flaw::Lost => ("lost-element", case.lost()),
        Flaw::FalseEmpty if case.elements.values().all(|element| element.taken.is_none()) => {
            ("lost-element", case.false_empty())
        }
        Flaw::FalseEmpty => ("false-empty", case.false_empty()),
        Flaw::OutOfOrder => ("out-of-order", case.out_of_order()),
    };
    let mut witness: Vec<OpIndex> = found
        .calls
        .iter()
        .map(|&call| history.operations[part.origin[call as usize] as usize].index)
        .collect();
    witness.sort_unstable();
    checker::anomaly(kind, sentence, part.key, witness)
}

/// The element that an operation put in or took out.
pub(super) fn element<V: Collection>(history: &History<V>, place: u32) -> String {
    meaning(&history.operations[place as usize]).map_or_else(String::new, ToString::to_string)
}

fn meaning<V: Collection>(operation: &Operation<V>) -> Option<&Value> {
    match V::meaning(&operation.call, operation.outcome.ok())? {
        Meaning::Put(element) | Meaning::Took(element) => Some(element),
        _ => None,
    }
}

/// The operations about one element.
struct Story<'a, V: Collection> {
    name: String,
    rank: u32,
    put: Option<&'a Operation<V>>,
    taken: Option<&'a Operation<V>>,
    again: Option<&'a Operation<V>>,
}

/// A contradiction with its operations.
struct Case<'a, V: Collection> {
    history: &'a History<V>,
    part: &'a Part<'a>,
    /// By when they were put in.
    elements: BTreeMap<usize, Story<'a, V>>,
    empty: Option<&'a Operation<V>>,
    anys: usize,
}

impl<'a, V: Collection> Case<'a, V> {
    fn new(history: &'a History<V>, part: &'a Part<'a>, found: &Contradiction) -> Self {
        let mut case = Self { history, part, elements: BTreeMap::new(), empty: None, anys: 0 };
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        for (place, &number) in found.calls.iter().enumerate() {
            let origin = part.origin[number as usize];
            let operation = &history.operations[origin as usize];
            match part.calls[number as usize].action {
                Action::Empty => case.empty = Some(operation),
                Action::RemoveAny => case.anys += 1,
                Action::Insert(value) | Action::Remove(value) => {
                    let place = *places.entry(value).or_insert(place);
                    let story = case.elements.entry(place).or_insert_with(|| Story {
                        name: element(history, origin),
                        rank: value,
                        put: None,
                        taken: None,
                        again: None,
                    });
                    match part.calls[number as usize].action {
                        Action::Insert(_) => story.put = Some(operation),
                        _ if story.taken.is_none() => story.taken = Some(operation),
                        _ => story.again = Some(operation),
                    }
                }
            }
        }
        case
    }

    /// The collection in words.
    fn object(&self) -> String {
        subject::named(self.part.key, &format!("the {}", V::WORDS.object))
    }

    fn appeared(&self) -> String {
        let words = V::WORDS;
        let Some((story, taken)) = self.elements.values().find_map(|story| Some((story, story.taken?)))
        else {
            return String::new();
        };
        let refused = self.part.operations.iter().find_map(|&place| {
            let operation = &self.history.operations[place as usize];
            let failed = matches!(operation.outcome, Outcome::Fail(_));
            (failed && meaning(operation).is_some_and(|element| element.to_string() == story.name))
                .then_some(operation)
        });
        let why = refused.map_or_else(
            || format!("nobody ever {} it", words.put),
            |operation| {
                format!(
                    "the only call that would have {} it, by {}, had failed",
                    words.put, operation.process
                )
            },
        );
        format!(
            "the {} from {} by {} at {} returned {}, but {why}",
            words.take,
            self.object(),
            taken.process,
            taken.began,
            story.name
        )
    }

    fn before_insertion(&self) -> String {
        let words = V::WORDS;
        let Some((story, put, taken)) =
            self.elements.values().find_map(|story| Some((story, story.put?, story.taken?)))
        else {
            return String::new();
        };
        format!(
            "the {} from {} by {} returned {} {}, before it began to be {} by {} at {}",
            words.take,
            self.object(),
            taken.process,
            story.name,
            done(taken),
            words.put,
            put.process,
            put.began
        )
    }

    fn twice(&self) -> String {
        let words = V::WORDS;
        let Some((story, put, taken, again)) =
            self.elements.values().find_map(|story| Some((story, story.put?, story.taken?, story.again?)))
        else {
            return String::new();
        };
        format!(
            "{} was {} once in {}, by {}, but came out twice: to {} at {} and to {} at {}",
            story.name,
            words.put,
            self.object(),
            put.process,
            taken.process,
            taken.began,
            again.process,
            again.began
        )
    }

    fn lost(&self) -> String {
        let words = V::WORDS;
        let lost = self.elements.values().filter(|story| story.taken.is_none());
        let names = listed(lost.clone().map(|story| story.name.as_str()));
        let behind = self.elements.values().find_map(|story| Some((story, story.put?, story.taken?)));
        let (Some((story, put, taken)), Some(first)) = (behind, lost.clone().find_map(|story| story.put))
        else {
            return String::new();
        };
        let by =
            if lost.count() == 1 { format!(" by {} {}", first.process, done(first)) } else { String::new() };
        let mut sentence = format!(
            "{names} {} in {}{by}, before {} was by {} at {}; {} was {} by {} {}, but {names} never came out",
            self.were_put(),
            self.object(),
            story.name,
            put.process,
            put.began,
            story.name,
            words.taken,
            taken.process,
            done(taken)
        );
        self.add_anys(&mut sentence);
        sentence
    }

    fn false_empty(&self) -> String {
        let words = V::WORDS;
        let Some(empty) = self.empty else { return String::new() };
        let names = listed(self.elements.values().map(|story| story.name.as_str()));
        let mut sentence = format!(
            "the {} by {} at {} found {} empty",
            words.take,
            empty.process,
            empty.began,
            self.object()
        );
        match self.elements.values().collect::<Vec<_>>()[..] {
            [Story { put: Some(put), taken: Some(taken), name, .. }] => sentence.push_str(&format!(
                ", but {name} had been {} by {} {} and was {} only by {}, from {} on",
                words.put,
                put.process,
                done(put),
                words.taken,
                taken.process,
                taken.began
            )),
            [Story { put: Some(put), taken: None, name, .. }] => sentence.push_str(&format!(
                ", but {name} had been {} by {} {} and never came out",
                words.put,
                put.process,
                done(put)
            )),
            _ => sentence.push_str(&format!(
                ", but at each instant of that call at least one of {names} was certainly inside"
            )),
        }
        self.add_anys(&mut sentence);
        sentence
    }

    fn out_of_order(&self) -> String {
        let stories: Vec<&Story<'_, V>> = self.elements.values().collect();
        let pair = match (&stories[..], V::DISCIPLINE) {
            ([first, second], Discipline::Queue) => self.passed_in_line(first, second),
            ([first, second], Discipline::Stack) => self.passed_on_a_pile(first, second),
            ([one, other], Discipline::Priority) => self.passed_by_rank(one, other),
            _ => None,
        };
        let mut sentence = pair.unwrap_or_else(|| {
            let names = listed(stories.iter().map(|story| story.name.as_str()));
            let words = V::WORDS;
            let put =
                stories.iter().filter_map(|story| story.put).map(|put| put.began).min().unwrap_or_default();
            format!(
                "no order of a {} explains how {names}, {} from {put} on, came out of {}",
                words.object,
                words.put,
                self.object()
            )
        });
        self.add_anys(&mut sentence);
        sentence
    }

    fn passed_in_line(&self, first: &Story<'_, V>, second: &Story<'_, V>) -> Option<String> {
        let words = V::WORDS;
        let (first_taken, second_taken) = (first.taken?, second.taken?);
        Some(format!(
            "{} was {} in {} by {} before {} was by {} at {}, but {} was {} by {} {}, before the {} by {} at {} returned {}",
            first.name,
            words.put,
            self.object(),
            describe(first.put?),
            second.name,
            second.put?.process,
            second.put?.began,
            second.name,
            words.taken,
            second_taken.process,
            done(second_taken),
            words.take,
            first_taken.process,
            first_taken.began,
            first.name
        ))
    }

    fn passed_on_a_pile(&self, lower: &Story<'_, V>, upper: &Story<'_, V>) -> Option<String> {
        let words = V::WORDS;
        let (lower_taken, upper_put) = (lower.taken?, upper.put?);
        let still = upper.taken.map_or_else(
            || "never came out".into(),
            |taken| format!("came out only later, by {} from {} on", taken.process, taken.began),
        );
        Some(format!(
            "{} was {} on {} of {} by {}, but the {} by {} at {} returned {}, though {} was above it and {still}",
            upper.name,
            words.put,
            lower.name,
            self.object(),
            describe(upper_put),
            words.take,
            lower_taken.process,
            lower_taken.began,
            lower.name,
            upper.name
        ))
    }

    fn passed_by_rank(&self, one: &Story<'_, V>, other: &Story<'_, V>) -> Option<String> {
        let words = V::WORDS;
        // The numbers of the calls rank the elements.
        let (first, second) = if one.rank < other.rank { (one, other) } else { (other, one) };
        let (put, taken) = (first.put?, second.taken?);
        let still = first.taken.map_or_else(
            || "never came out".into(),
            |taken| format!("came out only later, by {} from {} on", taken.process, taken.began),
        );
        Some(format!(
            "the {} from {} by {} at {} returned {}, though {}, which comes before it, had been {} by {} and {still}",
            words.take,
            self.object(),
            taken.process,
            taken.began,
            second.name,
            first.name,
            words.put,
            describe(put)
        ))
    }

    fn were_put(&self) -> String {
        let lost = self.elements.values().filter(|story| story.taken.is_none()).count();
        format!("{} {}", if lost == 1 { "was" } else { "were" }, V::WORDS.put)
    }

    /// Says why removals of unknown result are no excuse.
    fn add_anys(&self, sentence: &mut String) {
        match self.anys {
            0 => {}
            1 => sentence.push_str(&format!(
                "; the one {} of unknown result that had begun by then cannot make up for it",
                V::WORDS.take
            )),
            count => sentence.push_str(&format!(
                "; the {count} calls of {} of unknown result that had begun by then cannot make up for it",
                V::WORDS.take
            )),
        }
    }
}

fn done<V: Collection>(operation: &Operation<V>) -> String {
    operation
        .deadline()
        .map_or_else(|| format!("from {} on", operation.began), |end| format!("(done at {end})"))
}

fn describe<V: Collection>(operation: &Operation<V>) -> String {
    format!("{} {}", operation.process, done(operation))
}

/// `1, 2 and 3`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names[..] {
        [] => String::new(),
        [one] => one.into(),
        [ref first @ .., last] if names.len() <= LISTED_MAX => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..LISTED_MAX].join(", "), names.len() - LISTED_MAX),
    }
}
