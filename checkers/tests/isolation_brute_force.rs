//! Every level of isolation against its definition, on small histories: all orders are tried.
//!
//! The reference is what witnesses are verified by: the definitions, which share nothing with the engines but the types of
//! histories and the names of levels. It tries every fate of unknown transactions and every order of commits. `DISPROVE_BRUTE_FORCE` says how many histories are tried.

#[path = "isolation_brute_force/random.rs"]
mod random;

use std::{collections::BTreeMap, sync::Mutex};

use disprove_checkers::{
    Budget, Validity,
    isolation::{Isolation, Level, Problem, decide, levels, verify},
    proof::{Said, keeps_level, verify_level_witness, verify_snapshot_order},
    serial::{Respects, verify_serial_order},
};
use history::{
    History, Outcome, RwRegister,
    vocabulary::rw_register::{Answer, Step},
};
use rayon::prelude::*;

fn show(history: &History<RwRegister>) -> String {
    let lines = history.operations.iter().map(|operation| {
        format!(
            "\n  {} {} {:?}..{:?} {:?} {:?}",
            operation.index,
            operation.process,
            operation.began.0,
            operation.ended,
            operation.call,
            operation.outcome
        )
    });
    lines.collect()
}

/// The part of a history that a witness names: who is not in it perhaps never happened, and what is not known to have
/// been written by one of them was perhaps not read.
fn reduced(history: &History<RwRegister>, witness: &[history::OpIndex]) -> History<RwRegister> {
    let mut operations: Vec<_> =
        witness.iter().map(|index| history.operations[index.0 as usize].clone()).collect();
    let written: Vec<_> = operations
        .iter()
        .flat_map(|operation| operation.call.clone())
        .filter_map(|step| match step {
            Step::Write(key, value) => Some((key, value)),
            Step::Read(_) => None,
        })
        .collect();
    for (place, operation) in operations.iter_mut().enumerate() {
        operation.index = history::OpIndex(place as u32);
        let Outcome::Ok(answers) = &mut operation.outcome else { continue };
        for answer in answers {
            if let Answer::Read(key, value) = answer
                && value.as_ref().is_some_and(|value| {
                    *value != history.header.initial && !written.contains(&(key.clone(), value.clone()))
                })
            {
                *value = None;
            }
        }
    }
    History { header: history.header.clone(), operations, faults: Vec::new(), damage: None }
}

fn verdict_of(problem: &Problem, history: &History<RwRegister>, level: Level) -> Vec<history::OpIndex> {
    let verdict = Isolation::new(level).judge(problem, history, &Budget::default());
    verdict.certificate.expect("a valid verdict of such a level has an order")
}

/// The order is accepted as it is, and no part of the history proves the contrary. With two of its places exchanged the
/// order is rejected, or is as good as it was.
fn replay(history: &History<RwRegister>, level: Level, order: &[history::OpIndex]) {
    let name = level.name();
    let respects = match name {
        _ if name.contains("strong-session") => Respects::Sessions,
        _ if name.starts_with("strong-") || name.starts_with("strict-") => Respects::RealTime,
        _ => Respects::Answers,
    };
    let accepts = |order: &[history::OpIndex]| match name.contains("serializable") {
        true => verify_serial_order(history, order, respects),
        false => verify_snapshot_order(history, order, respects, !name.contains("prefix")),
    };
    assert!(accepts(order), "{level}: {order:?}{}", show(history));
    let half = &order[..order.len() / 2];
    let some: Vec<history::OpIndex> =
        half.iter().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let said = verify_level_witness(history, name, &some);
    assert_eq!(said, Said::Rejected, "{level}: {some:?}{}", show(history));
    if !half.is_empty() {
        assert!(!accepts(&order[1..]), "{level}: one is missing{}", show(history));
    }
}

/// Judges a history by all levels and compares; returns which are valid.
fn compare(history: &History<RwRegister>) -> Vec<(Level, bool)> {
    let problem = Problem::of(history);
    let budget = Budget::default();
    let judged: Vec<(Level, bool)> = levels()
        .map(|level| {
            let decision = decide(&problem, level, &budget);
            let valid = decision.validity == Validity::Valid;
            assert_ne!(decision.validity, Validity::Unknown, "{level}{}", show(history));
            let expected = keeps_level(history, level).expect("it is small");
            assert_eq!(valid, expected, "{level}: the reference says {expected}{}", show(history));
            let strong = level.name().contains("serializable")
                || level.name().contains("prefix")
                || (level.name().contains("snapshot") && !level.name().contains("parallel"));
            assert_eq!(decision.order.is_some(), strong && valid, "{level}{}", show(history));
            if let Some(order) = &decision.order {
                assert!(verify(&problem, level, order), "{level}: {order:?}{}", show(history));
                replay(history, level, &verdict_of(&problem, history, level));
            }
            if !valid {
                let verdict = Isolation::new(level).judge(&problem, history, &budget);
                assert!(!verdict.anomalies.is_empty(), "{level}{}", show(history));
                for anomaly in &verdict.anomalies {
                    let part = reduced(history, &anomaly.witness);
                    // What such a read returned need not have been written by anybody of the witness.
                    let by_itself = ["garbage-read", "internal"].contains(&anomaly.kind.as_str());
                    let alone = by_itself || !keeps_level(&part, level).expect("it is small");
                    assert!(alone, "{level}: {anomaly:?} is no proof{}", show(history));
                    let said = verify_level_witness(history, level.name(), &anomaly.witness);
                    assert!(by_itself || said == Said::Accepted, "{level}: {anomaly:?}{}", show(history));
                    for pair in anomaly.cycle.windows(2) {
                        assert_eq!(pair[0].to, pair[1].from, "{level}: {anomaly:?}");
                    }
                }
            }
            (level, valid)
        })
        .collect();
    for &(level, valid) in judged.iter().filter(|(_, valid)| *valid) {
        for weaker in level.implies() {
            let holds = judged.contains(&(*weaker, true));
            assert!(holds, "{level} is {valid} and {weaker} is broken{}", show(history));
        }
    }
    judged
}

#[test]
fn every_level_agrees_with_its_definition() {
    let count =
        std::env::var("DISPROVE_BRUTE_FORCE").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000u64);
    let first: u64 =
        std::env::var("DISPROVE_BRUTE_FORCE_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let failed = Mutex::new(Vec::new());
    let tally = (first..first + count)
        .into_par_iter()
        .fold(BTreeMap::<Level, [u64; 2]>::new, |mut tally, seed| {
            // Every failure is printed where it happens; the others are still looked for.
            match std::panic::catch_unwind(|| compare(&random::history(seed))) {
                Ok(judged) => {
                    for (level, valid) in judged {
                        tally.entry(level).or_default()[usize::from(valid)] += 1;
                    }
                }
                Err(_) => failed.lock().expect("no failure while it is held").push(seed),
            }
            tally
        })
        .reduce(BTreeMap::new, |mut one, other| {
            for (level, counts) in other {
                let sums = one.entry(level).or_default();
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            one
        });
    let mut failed = failed.into_inner().expect("no failure while it is held");
    failed.sort_unstable();
    assert!(failed.is_empty(), "{} histories failed, their seeds are {failed:?}", failed.len());
    for (level, [invalid, valid]) in &tally {
        println!("{:45} {valid:8} valid {invalid:8} invalid", level.name());
        assert!(*valid > count / 100 && *invalid > count / 200, "{level} is not well represented");
    }
    assert_eq!(tally.len(), levels().count());
}
