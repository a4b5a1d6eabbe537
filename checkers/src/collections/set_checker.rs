//! Verdicts about histories of sets.

use std::{collections::BTreeMap, marker::PhantomData};

use history::{
    History, Key, OpIndex, Operation, Outcome, Set, Value,
    vocabulary::set::{Call, Return},
};

use super::{
    checker::{Loan, anomaly, by_engine, limited, together},
    reading::{Numbers, by_key},
    set_sentences,
    sets::{SetAction, SetCall, SetCalls, SetJudgement, judge_set},
};
use crate::{Budget, Checker, DataType, Validity, Verdict, parallel, subject};

/// Judges sets, each key by itself and in parallel: by the monitor where elements are added and removed at most once,
/// otherwise by the general engine with the data type `D`, element by element where nobody read them all.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MonitoredSet<D> {
    /// How many keys without an order are described; all are counted.
    pub anomalies_max: usize,
    data_type: PhantomData<D>,
}

impl<D> Default for MonitoredSet<D> {
    fn default() -> Self {
        Self { anomalies_max: 16, data_type: PhantomData }
    }
}

impl<D: DataType<Vocabulary = Set>> Checker<Set> for MonitoredSet<D> {
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<Set>, budget: &Budget) -> Verdict {
        let parts = by_key(history, Call::key);
        let judged = parallel::map(parts, |(key, operations)| {
            check_part::<D>(history, &SetPart::new(history, key, operations), budget)
        });
        together(history, judged, self.anomalies_max)
    }
}

/// The operations on one set.
pub(super) struct SetPart<'a> {
    pub key: &'a Key,
    /// The places of its operations in the history, failed ones too.
    pub operations: Vec<u32>,
    pub input: SetCalls,
    /// For each call its operation's place in the history.
    pub origin: Vec<u32>,
    /// The elements by number.
    pub elements: Vec<&'a Value>,
    /// Reads that list an element more than once, and which.
    repeated: Vec<(u32, &'a Value)>,
    malformed: usize,
}

/// What an operation did, its elements not numbered yet.
enum Did<'a> {
    Add(&'a Value, bool),
    Remove(&'a Value, bool),
    Saw(&'a Value, bool),
    Read(&'a [Value]),
}

/// What an operation did and whether that is certain; `None` if nothing follows from it.
fn did<'a>(operation: &'a Operation<Set>, malformed: &mut usize) -> Option<(Did<'a>, bool)> {
    let unknown = || match &operation.call {
        Call::Add(_, element) => Some((Did::Add(element, false), false)),
        Call::Remove(_, element) => Some((Did::Remove(element, false), false)),
        Call::Contains(..) | Call::Read(_) => None,
    };
    let known = |did| Some((did, true));
    match (&operation.call, &operation.outcome) {
        (_, Outcome::Fail(_)) => None,
        (_, Outcome::Unknown(_)) => unknown(),
        (Call::Add(_, element), Outcome::Ok(Return::Added)) => known(Did::Add(element, false)),
        (Call::Add(_, element), Outcome::Ok(Return::Changed(true))) => known(Did::Add(element, true)),
        (Call::Add(_, element), Outcome::Ok(Return::Changed(false))) => known(Did::Saw(element, true)),
        (Call::Remove(_, element), Outcome::Ok(Return::Removed)) => known(Did::Remove(element, false)),
        (Call::Remove(_, element), Outcome::Ok(Return::Changed(true))) => known(Did::Remove(element, true)),
        (Call::Remove(_, element), Outcome::Ok(Return::Changed(false))) => known(Did::Saw(element, false)),
        (Call::Contains(_, element), Outcome::Ok(Return::Contains(was_in))) => {
            known(Did::Saw(element, *was_in))
        }
        (Call::Read(_), Outcome::Ok(Return::Elements(elements))) => known(Did::Read(elements)),
        (_, Outcome::Ok(_)) => {
            *malformed += 1;
            unknown()
        }
    }
}

impl<'a> SetPart<'a> {
    fn new(history: &'a History<Set>, key: &'a Key, operations: Vec<u32>) -> Self {
        let mut malformed = 0;
        let all: Vec<(u32, Did<'a>, bool)> = operations
            .iter()
            .filter_map(|&place| {
                let (did, is_known) = did(&history.operations[place as usize], &mut malformed)?;
                Some((place, did, is_known))
            })
            .collect();
        let touched = all.iter().flat_map(|(_, did, _)| match did {
            Did::Add(element, _) | Did::Remove(element, _) | Did::Saw(element, _) => {
                std::slice::from_ref(*element)
            }
            Did::Read(elements) => elements,
        });
        let numbers = Numbers::new(touched.clone(), false);
        let mut elements: Vec<&Value> = Vec::new();
        for element in touched {
            let number = numbers.of(element) as usize;
            elements.resize(elements.len().max(number + 1), element);
            elements[number] = element;
        }
        let mut part = Self {
            key,
            input: SetCalls::default(),
            origin: Vec::with_capacity(all.len()),
            elements,
            repeated: Vec::new(),
            malformed,
            operations: Vec::new(),
        };
        for (place, did, is_known) in all {
            let operation = &history.operations[place as usize];
            let action = match did {
                Did::Add(element, new) => SetAction::Add(numbers.of(element), new),
                Did::Remove(element, old) => SetAction::Remove(numbers.of(element), old),
                Did::Saw(element, was_in) => SetAction::Saw(numbers.of(element), was_in),
                Did::Read(listed) => SetAction::Read(part.list(place, listed, &numbers)),
            };
            let deadline = if is_known { operation.deadline().map(|time| time.0) } else { None };
            part.input.calls.push(SetCall {
                action,
                began: operation.began.0,
                deadline,
                optional: !is_known,
            });
            part.origin.push(place);
        }
        part.operations = operations;
        part
    }

    /// Takes down what a read listed.
    fn list(&mut self, place: u32, listed: &[Value], numbers: &Numbers<'_>) -> u32 {
        let mut list: Vec<u32> = listed.iter().map(|element| numbers.of(element)).collect();
        list.sort_unstable();
        if let Some(twice) = list.windows(2).find(|pair| pair[0] == pair[1]) {
            self.repeated.push((place, self.elements[twice[0] as usize]));
            list.dedup();
        }
        self.input.lists.push(list);
        (self.input.lists.len() - 1) as u32
    }

    fn size(&self) -> usize {
        self.input.calls.len() + self.input.lists.iter().map(Vec::len).sum::<usize>()
    }
}

fn check_part<D: DataType<Vocabulary = Set>>(
    history: &History<Set>,
    part: &SetPart<'_>,
    budget: &Budget,
) -> Verdict {
    let key = part.key;
    let mut verdict = match Loan::of(budget, part.size()) {
        Err(limit) => limited(key, limit),
        Ok(loan) => {
            let judgement = judge_set(&part.input);
            drop(loan);
            conclude::<D>(history, part, judgement, budget)
        }
    };
    for &(place, element) in &part.repeated {
        let read = &history.operations[place as usize];
        let sentence = format!(
            "the read of {} by {} at {} listed {element} more than once",
            subject::named(key, "the set"),
            read.process,
            read.began
        );
        verdict.validity = Validity::Invalid;
        verdict.anomalies.push(anomaly("duplicated-element", sentence, key, vec![read.index]));
    }
    if part.malformed > 0 {
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.notes.push(format!(
            "{}: {} answers do not belong to their calls and were judged as unknown outcomes",
            subject::part(key),
            part.malformed
        ));
    }
    verdict
}

fn conclude<D: DataType<Vocabulary = Set>>(
    history: &History<Set>,
    part: &SetPart<'_>,
    judgement: SetJudgement,
    budget: &Budget,
) -> Verdict {
    let key = part.key;
    let why = match judgement {
        SetJudgement::Valid(order) => {
            let order = order.into_iter().map(|call| OpIndex(part.origin[call as usize])).collect();
            return Verdict { certificate: Some(order), ..Verdict::default() };
        }
        SetJudgement::Invalid(found) => {
            return Verdict {
                validity: Validity::Invalid,
                anomalies: vec![set_sentences::anomaly(history, part, &found)],
                ..Verdict::default()
            };
        }
        SetJudgement::Ambiguous(elements) if part.input.lists.is_empty() => {
            return by_element::<D>(history, part, &elements, budget);
        }
        SetJudgement::Ambiguous(elements) => {
            format!("{} was added or removed more than once", part.elements[elements[0] as usize])
        }
        SetJudgement::Undecided(why) => why.into(),
    };
    let mut verdict = by_engine::<D>(history, &part.operations, &subject::part(key), budget);
    verdict.notes.insert(0, format!("{} was judged by the general engine: {why}", subject::part(key)));
    verdict
}

/// Judges these elements one by one with the general engine; all others are in order.
fn by_element<D: DataType<Vocabulary = Set>>(
    history: &History<Set>,
    part: &SetPart<'_>,
    elements: &[u32],
    budget: &Budget,
) -> Verdict {
    let mut groups: BTreeMap<u32, Vec<u32>> = elements.iter().map(|&element| (element, Vec::new())).collect();
    for (call, &place) in part.input.calls.iter().zip(&part.origin) {
        if let SetAction::Add(element, _) | SetAction::Remove(element, _) | SetAction::Saw(element, _) =
            call.action
            && let Some(group) = groups.get_mut(&element)
        {
            group.push(place);
        }
    }
    let groups: Vec<(u32, Vec<u32>)> = groups.into_iter().collect();
    let judge = |(element, group): &(u32, Vec<u32>)| {
        let name = format!("{} in {}", part.elements[*element as usize], subject::part(part.key));
        by_engine::<D>(history, group, &name, budget)
    };
    let judged = parallel::map(&groups, judge);
    let mut verdict = Verdict::default();
    for one in judged {
        verdict.validity = verdict.validity.max(one.validity);
        verdict.anomalies.extend(one.anomalies);
        verdict.notes.extend(one.notes);
        for limit in one.limits {
            if !verdict.limits.contains(&limit) {
                verdict.limits.push(limit);
            }
        }
    }
    verdict.notes.push(format!(
        "{}: elements that were added or removed more than once were judged one by one by the general engine",
        subject::part(part.key)
    ));
    verdict
}
