//! Sequential consistency of stores of keys against trying every order: several keys, calls on several of them, appends,
//! deletes, calls of unknown outcome and refused ones.
//!
//! The reference shares nothing with the crate but the types of histories. `DISPROVE_BRUTE_FORCE` is the number of
//! histories; the default takes some seconds.

#[path = "material/dice.rs"]
mod dice;
#[path = "sequential_stores/random.rs"]
mod random;
#[path = "sequential_stores/reference.rs"]
mod reference;

use dice::Dice;
use disprove_checkers::{
    Budget, Validity, Verdict,
    levels::{LevelOptions, key_value_checker},
};
use history::{
    History, KeyValue, OpIndex, Operation, Outcome, Process, Vocabulary, vocabulary::key_value::Return,
};
use rayon::prelude::*;

fn count() -> u64 {
    let given = std::env::var("DISPROVE_BRUTE_FORCE").ok();
    given.map_or(12_000, |text| text.parse().expect("a number of histories"))
}

fn judge(name: &str, history: &History<KeyValue>) -> Verdict {
    let checker = key_value_checker(name, &LevelOptions::default()).expect("a level");
    checker.check(history, &Budget::default())
}

fn show(history: &History<KeyValue>) -> String {
    let line = |operation: &Operation<KeyValue>| {
        let (began, ended) = (operation.began.0, operation.ended.map(|end| end.0));
        let call = KeyValue::describe_call(&operation.call);
        let who = operation.process;
        format!("\n  {} {who} {began}..{ended:?} {call} {:?}", operation.index, operation.outcome)
    };
    format!("initially {}{}", history.header.initial, history.operations.iter().map(line).collect::<String>())
}

/// Only these operations; every other call that changes something may have happened at any time, or never.
fn keep(history: &History<KeyValue>, kept: &[OpIndex]) -> History<KeyValue> {
    let mut operations = Vec::new();
    for operation in &history.operations {
        let mut operation = operation.clone();
        if !kept.contains(&operation.index) {
            let refused = operation.outcome.ok() == Some(&Return::Refused);
            let failed = matches!(operation.outcome, Outcome::Fail(_));
            if KeyValue::is_read(&operation.call) || failed || refused {
                continue;
            }
            operation.process = Process(1_000 + operation.index.0);
            operation.outcome = Outcome::Unknown("dropped".into());
        }
        operation.index = OpIndex(operations.len() as u32);
        operations.push(operation);
    }
    History { header: history.header.clone(), operations, faults: Vec::new(), damage: None }
}

fn compare(history: &History<KeyValue>, twist: usize) -> bool {
    let verdict = judge("sequential", history);
    let valid = reference::is_sequential(history);
    let expected = if valid { Validity::Valid } else { Validity::Invalid };
    assert_eq!(verdict.validity, expected, "{verdict:?} {}", show(history));
    match verdict.certificate {
        Some(mut order) => {
            assert!(reference::explains(history, &order), "{order:?} {}", show(history));
            if order.len() > 1 {
                let pairs = order.len() - 1;
                order.swap(twist % pairs, twist % pairs + 1);
            }
        }
        None => assert!(!valid, "an order is missing: {}", show(history)),
    }
    for anomaly in &verdict.anomalies {
        let rest = keep(history, &anomaly.witness);
        assert!(!reference::is_sequential(&rest), "{anomaly:?} is no proof: {}", show(history));
    }
    valid
}

#[test]
fn every_store_is_judged_as_by_trying_every_order() {
    let judge = |round: u64| {
        let mut dice = Dice(round.wrapping_mul(0x1_0001) ^ 0x51);
        let history = random::history(&mut dice);
        let registers = history.operations.iter().all(|operation| random::is_of_registers(&operation.call));
        (compare(&history, dice.below(1 << 10)), registers)
    };
    let judged: Vec<(bool, bool)> = (0..count()).into_par_iter().map(judge).collect();
    for registers in [true, false] {
        let all = judged.iter().filter(|(_, plain)| *plain == registers).count();
        let valid = judged.iter().filter(|(valid, plain)| *valid && *plain == registers).count();
        let what = if registers { "get, put and cas only" } else { "all calls" };
        println!("sequential, {what}: {all} histories, {valid} valid, {} invalid", all - valid);
        assert!(valid * 8 >= all && (all - valid) * 8 >= all, "{what}: {valid} of {all} are valid");
    }
}

#[test]
fn every_key_by_itself_is_judged_as_by_trying_every_order() {
    let judge = |round: u64| {
        let mut dice = Dice(round.wrapping_mul(0x1_0001) ^ 0x77);
        let mut history = random::history(&mut dice);
        history.operations.retain(|operation| operation.call.is_single());
        (0u32..).zip(&mut history.operations).for_each(|(i, operation)| operation.index = OpIndex(i));
        let verdict = judge("sequential-per-key", &history);
        let valid = reference::is_sequential_per_key(&history);
        let expected = if valid { Validity::Valid } else { Validity::Invalid };
        assert_eq!(verdict.validity, expected, "{verdict:?} {}", show(&history));
        if reference::is_sequential(&history) {
            assert!(valid, "the whole has an order, and a key has none: {}", show(&history));
        }
        valid
    };
    let all = count() as usize;
    let valid = (0..count()).into_par_iter().filter(|&round| judge(round)).count();
    println!("sequential-per-key: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 8 >= all && (all - valid) * 8 >= all, "{valid} of {all} are valid");
}
