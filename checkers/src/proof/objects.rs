//! Witnesses that a sequential object has no linearization.

use std::collections::{BTreeMap, BTreeSet};

use history::{
    History, OpIndex, Operation, Set, Value, Vocabulary,
    vocabulary::set::{Call, Return},
};

use super::{
    Said,
    events::{Event, has_order, may_have_happened, named},
    refuted,
};
use crate::{
    DataType,
    collections::{Collection, Meaning},
    datatypes::{Answered, SetState},
    linearizability::objects,
};

/// What is said where a writer of histories was wrong about that.
const STRANGE: Said = Said::Silent("some answers do not belong to their calls");

fn belongs<V: Answered>(operation: &Operation<V>) -> bool {
    operation.outcome.ok().is_none_or(|returned| V::belongs(&operation.call, returned))
}

/// Whether the witness alone proves that its object has no order: every order of its operations is tried, while every
/// other call that changes something may have happened once while it was under way, or never.
pub fn verify_object_witness<D: DataType>(history: &History<D::Vocabulary>, witness: &[OpIndex]) -> Said
where
    D::Vocabulary: Answered,
{
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let (objects, first) = (objects(history), witness[0].0 as usize);
    let same = |operation: &&Operation<D::Vocabulary>| objects[operation.index.0 as usize] == objects[first];
    if !chosen.iter().all(same) {
        return Said::Rejected;
    }
    if !history.operations.iter().filter(same).all(belongs) {
        return STRANGE;
    }
    let ends = chosen.iter().map(|operation| operation.deadline());
    let last = ends.max_by_key(|end| end.map_or(u64::MAX, |end| end.0)).flatten();
    let others = history.operations.iter().filter(same).filter(|operation| {
        !witness.contains(&operation.index)
            && may_have_happened(operation)
            && !<D::Vocabulary as Vocabulary>::is_read(&operation.call)
            && last.is_none_or(|last| operation.began <= last)
    });
    let mut events: Vec<Event<'_, D::Vocabulary>> = others.map(|other| Event::new(other, false)).collect();
    let happened = chosen.into_iter().filter(|operation| may_have_happened(operation));
    events.extend(happened.map(|operation| Event::new(operation, true)));
    refuted(has_order(D::initial(&history.header.initial), &events))
}

/// The same for a collection. All calls about the elements of the witness must be in it; then the calls about other elements
/// can be left out whatever the discipline, for what is left of an order of all calls is an order of the rest. A removal
/// of unknown result may have taken one of the elements, or something else.
pub fn verify_collection_witness<D: DataType>(history: &History<D::Vocabulary>, witness: &[OpIndex]) -> Said
where
    D::Vocabulary: Collection + Answered,
{
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let meaning = |operation| meaning::<D::Vocabulary>(operation);
    let element = |operation| match meaning(operation) {
        Some(Meaning::Put(element) | Meaning::Took(element)) => Some(element),
        _ => None,
    };
    let key = D::Vocabulary::key(&chosen[0].call);
    let elements: BTreeSet<&Value> = chosen.iter().filter_map(|operation| element(operation)).collect();
    let all = || {
        let of_key = |operation: &&Operation<D::Vocabulary>| D::Vocabulary::key(&operation.call) == key;
        history.operations.iter().filter(of_key).filter(|operation| may_have_happened(operation))
    };
    let whole = all().all(|operation| {
        witness.contains(&operation.index)
            || element(operation).is_none_or(|element| !elements.contains(element))
    });
    let listed = chosen.iter().any(|operation| matches!(meaning(operation), Some(Meaning::Saw(_))));
    if !whole || listed || all().any(|operation| meaning(operation).is_none()) {
        return verify_object_witness::<D>(history, witness);
    }
    if chosen.iter().any(|operation| D::Vocabulary::key(&operation.call) != key) {
        return Said::Rejected;
    }
    let unknown = all().filter(|operation| {
        meaning(operation) == Some(Meaning::TookAny) && !witness.contains(&operation.index)
    });
    let mut events: Vec<Event<'_, D::Vocabulary>> = unknown.map(|other| Event::new(other, false)).collect();
    let happened = chosen.iter().filter(|operation| may_have_happened(operation));
    events.extend(happened.map(|operation| Event::new(operation, true)));
    refuted(has_order(D::initial(&history.header.initial), &events))
}

fn meaning<V: Collection>(operation: &Operation<V>) -> Option<Meaning<'_>> {
    V::meaning(&operation.call, operation.outcome.ok())
}

/// The same for a set, of which every element goes its own way: of what was read only the elements count that the witness
/// is about. Those are the ones that its calls name, and those that nobody can have added.
pub fn verify_set_witness(history: &History<Set>, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let key = chosen[0].call.key();
    let all = || {
        history
            .operations
            .iter()
            .filter(|operation| operation.call.key() == key && may_have_happened(operation))
    };
    if chosen.iter().any(|operation| operation.call.key() != key) {
        return Said::Rejected;
    }
    if !all().all(belongs) {
        return STRANGE;
    }
    let listed = |operation: &Operation<Set>| match operation.outcome.ok() {
        Some(Return::Elements(listed)) => listed.to_vec(),
        _ => Vec::new(),
    };
    let twice = |operation: &&Operation<Set>| {
        let mut counts: BTreeMap<Value, usize> = BTreeMap::new();
        listed(operation).into_iter().for_each(|element| *counts.entry(element).or_default() += 1);
        counts.values().any(|&count| count > 1)
    };
    if chosen.iter().any(twice) {
        return Said::Accepted;
    }
    // An addition that changed nothing found the element there, and is no reason why it is.
    let adds = all().filter(|operation| {
        let added = operation.outcome.ok() != Some(&Return::Changed(false));
        matches!(operation.call, Call::Add(..)) && added
    });
    let added: BTreeSet<&Value> = adds.filter_map(|operation| element(&operation.call)).collect();
    let read = chosen.iter().flat_map(|operation| listed(operation));
    let mut about: BTreeSet<Value> = read.filter(|element| !added.contains(element)).collect();
    about.extend(chosen.iter().filter_map(|operation| element(&operation.call)).cloned());
    let event = |operation, must| {
        let mut event = Event::new(operation, must);
        if let Some(Return::Elements(listed)) = &mut event.answer {
            *listed = listed.iter().filter(|element| about.contains(element)).cloned().collect();
        }
        event
    };
    let others = all().filter(|operation| {
        let changes = matches!(operation.call, Call::Add(..) | Call::Remove(..));
        let about = element(&operation.call).is_some_and(|element| about.contains(element));
        !witness.contains(&operation.index) && changes && about
    });
    let mut events: Vec<Event<'_, Set>> = others.map(|other| event(other, false)).collect();
    let happened = chosen.iter().filter(|operation| may_have_happened(operation));
    events.extend(happened.map(|operation| event(operation, true)));
    match refuted(has_order(SetState::initial(&history.header.initial), &events)) {
        // Perhaps it takes all elements together.
        Said::Rejected => verify_object_witness::<SetState>(history, witness),
        said => said,
    }
}

fn element(call: &Call) -> Option<&Value> {
    match call {
        Call::Add(_, element) | Call::Remove(_, element) | Call::Contains(_, element) => Some(element),
        Call::Read(_) => None,
    }
}
