//! The named levels against their definitions, tried out on many small histories.

#[path = "levels/material.rs"]
mod material;
#[path = "levels/reference.rs"]
mod reference;

use disprove_checkers::{Budget, Checker, Sequential, Validity, Verdict, sequential::verify_sequential};
use history::{History, vocabulary::Register};
use material::{Dice, generate, history, is_cycle, keep, shape, show};
use rayon::prelude::*;

/// How many random histories each test tries; more by the environment.
fn rounds() -> u64 {
    let given = std::env::var("DISPROVE_LEVEL_HISTORIES").ok();
    given.map_or(30_000, |text| text.parse().expect("a number of histories"))
}

fn check(checker: &dyn Checker<Register>, history: &History<Register>) -> Verdict {
    checker.check(history, &Budget::default())
}

/// Whether nothing is left open.
fn decided(verdict: &Verdict) -> bool {
    verdict.validity != Validity::Unknown
}

fn compare_sequential(history: &History<Register>, twist: usize) -> bool {
    let verdict = check(&Sequential::new(), history);
    let valid = reference::is_sequential(history);
    let expected = if valid { Validity::Valid } else { Validity::Invalid };
    assert_eq!(verdict.validity, expected, "{:?} {}", verdict, show(history));
    if let Some(mut order) = verdict.certificate {
        assert!(verify_sequential(history, &order), "{order:?} {}", show(history));
        assert!(reference::explains(history, &order), "{order:?} {}", show(history));
        if order.len() > 1 {
            let pairs = order.len() - 1;
            order.swap(twist % pairs, twist % pairs + 1);
            let fits = reference::explains(history, &order);
            assert_eq!(verify_sequential(history, &order), fits, "{order:?} {}", show(history));
            let dropped = order.remove(twist % order.len());
            let fits = reference::explains(history, &order);
            assert_eq!(verify_sequential(history, &order), fits, "{dropped} {order:?} {}", show(history));
        }
    } else {
        assert!(!valid, "an order is missing: {}", show(history));
    }
    for anomaly in &verdict.anomalies {
        let kept = keep(history, &anomaly.witness);
        assert!(!reference::is_sequential(&kept), "{:?} {}", anomaly, show(history));
        assert!(is_cycle(history, anomaly), "{:?} {}", anomaly, show(history));
    }
    valid
}

#[test]
fn sequential_agrees_with_trying_every_order() {
    let judge = |round: u64| {
        let mut dice = Dice::of_round(round);
        let shape = shape(&mut dice);
        let twist = dice.roll(1 << 10) as usize;
        compare_sequential(&generate(&mut dice, shape), twist)
    };
    let all = rounds() as usize;
    let valid = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("sequential: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}

#[test]
fn one_key_at_a_time_is_a_weaker_promise() {
    let judge = |round: u64| {
        let mut dice = Dice::of_round(round ^ 0x5a5a);
        let shape = shape(&mut dice);
        let history = generate(&mut dice, shape);
        let all: Vec<&reference::Op> = history.operations.iter().collect();
        let alone = |key: usize| {
            let key = material::key(key);
            let own: Vec<&reference::Op> =
                all.iter().copied().filter(|operation| *operation.call.key() == key).collect();
            reference::sequential_order(&own, &history.header.initial).is_some()
        };
        let verdict = check(&Sequential::per_key(), &history);
        let valid = (0..3).all(alone);
        assert_eq!(verdict.validity == Validity::Valid, valid, "{:?} {}", verdict, show(&history));
        assert!(decided(&verdict));
        for anomaly in &verdict.anomalies {
            assert!(!reference::is_sequential(&keep(&history, &anomaly.witness)), "{:?}", anomaly);
            assert!(is_cycle(&history, anomaly), "{:?} {}", anomaly, show(&history));
        }
        if reference::is_sequential(&history) {
            assert!(valid);
        }
        valid
    };
    let all = rounds() as usize;
    let valid = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("sequential-per-key: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}

/// What each of the classic examples is called, its calls, and whether it is sequentially consistent.
const EXAMPLES: &[(&str, &str, bool)] = &[
    (
        "store buffering: both sessions write one key and miss the other's write (Dekker)",
        "p0 w x 1
         p1 w y 1
         p0 r y -
         p1 r x -",
        false,
    ),
    (
        "message passing: the flag is seen, the message is not",
        "p0 w x 1
         p0 w y 1
         p1 r y 1
         p1 r x -",
        false,
    ),
    (
        "independent reads of independent writes: two readers disagree about what came first",
        "p0 w x 1
         p1 w y 1
         p2 r x 1
         p2 r y -
         p3 r y 1
         p3 r x -",
        false,
    ),
    (
        "load buffering: each session reads what the other writes later",
        "p0 r x 1
         p1 r y 1
         p0 w y 1
         p1 w x 1",
        false,
    ),
    (
        "coherence: two readers see the writes of one key in opposite orders",
        "p0 w x 1
         p1 w x 2
         p2 r x 1
         p2 r x 2
         p3 r x 2
         p3 r x 1",
        false,
    ),
    (
        "a stale read: old values are allowed, as long as nobody can tell",
        "p0 w x 1
         p0 w x 2
         p1 r x 1
         p1 r x 2",
        true,
    ),
    (
        "one compare-and-set too many from the same value",
        "p0 w x 1
         p1 c x 1 2
         p2 c x 1 3",
        false,
    ),
    (
        "a refused compare-and-set that had to be accepted",
        "p0 w x 1
         p0 d x 1",
        false,
    ),
    (
        "an unknown write happens late",
        "p0 w x 1 ?
         p1 r x -
         p1 r y -
         p1 r x 1",
        true,
    ),
    (
        "an unknown write happens once",
        "p0 w x 1 ?
         p1 r x 1
         p2 w x 2
         p1 r x 2
         p1 r x 1",
        false,
    ),
];

#[test]
fn classic_examples_are_judged_as_the_books_do() {
    for (name, text, valid) in EXAMPLES {
        let history = history(text);
        assert_eq!(compare_sequential(&history, 3), *valid, "{name}");
    }
}
