//! The transactions of a witness alone, against the definition of a level.

use std::collections::BTreeSet;

use history::{
    History, Key, OpIndex, Operation, Outcome, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

use super::keeps_level;
use crate::{
    isolation::levels,
    lattice::Model,
    proof::{Said, TOO_MANY, events::named},
};

/// Whether the transactions of a witness, by themselves, break a level that one of these promises implies.
pub fn verify_level_witness(history: &History<RwRegister>, models: &str, witness: &[OpIndex]) -> Said {
    if named(history, witness).is_none() {
        return Said::Rejected;
    }
    let part = alone(history, witness);
    let asked: Vec<Model> = models.split(',').filter_map(|name| Model::named(near(name)).ok()).collect();
    let implied = levels().filter(|level| {
        let level = Model::named(level.name());
        level.is_ok_and(|level| asked.iter().any(|model| model.implies(level)))
    });
    let kept: Vec<Option<bool>> = implied.map(|level| keeps_level(&part, level)).collect();
    match kept.contains(&Some(false)) {
        true => Said::Accepted,
        false if kept.contains(&None) => TOO_MANY,
        false => Said::Rejected,
    }
}

/// The level that a promise is where no transaction contradicts itself.
fn near(name: &str) -> &str {
    match name {
        "repeatable-read" | "1SR" | "view-serializable" => "serializable",
        "session-serializable" => "strong-session-serializable",
        "consistent-view" => "parallel-snapshot-isolation",
        name => name,
    }
}

/// The transactions of a witness alone: who is not in it perhaps never happened, and a read of what is not known to have
/// been written by one of them was perhaps not made.
fn alone(history: &History<RwRegister>, witness: &[OpIndex]) -> History<RwRegister> {
    let initial = &history.header.initial;
    let mut chosen = witness.to_vec();
    chosen.sort_unstable();
    let writers = |key: &Key, value: &Value| {
        let writes = |operation: &&Operation<RwRegister>| {
            let step = |step: &Step| matches!(step, Step::Write(one, other) if one == key && other == value);
            operation.call.iter().any(step)
        };
        let all = history.operations.iter().filter(writes).map(|operation| operation.index);
        all.collect::<BTreeSet<OpIndex>>()
    };
    let mut operations: Vec<_> =
        chosen.iter().map(|index| history.operations[index.0 as usize].clone()).collect();
    for (place, operation) in operations.iter_mut().enumerate() {
        operation.index = OpIndex(place as u32);
        let Outcome::Ok(answers) = &mut operation.outcome else { continue };
        for answer in answers {
            let Answer::Read(key, seen) = answer else { continue };
            let is_known = seen.as_ref().is_some_and(|value| {
                let writers = writers(key, value);
                match value == initial {
                    true => writers.is_empty(),
                    false => writers.len() == 1 && writers.iter().all(|writer| chosen.contains(writer)),
                }
            });
            if !is_known {
                *seen = None;
            }
        }
    }
    History { header: history.header.clone(), operations, faults: Vec::new(), damage: None }
}
