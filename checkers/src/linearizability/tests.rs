//! The engines against each other on random histories.

#[path = "../../tests/material/dice.rs"]
mod dice;

use super::{
    decision::Decision,
    frontier,
    register::{Action, Problem},
    timeline::{Span, Timeline},
};
use crate::{Budget, Limit};
use dice::Dice;

struct Shape {
    operations: usize,
    clients: u64,
    values: u64,
    cas: bool,
    unknown: u64,
    corrupt: bool,
}

/// Runs clients against a real register, then perhaps corrupts an answer.
fn generate(dice: &mut Dice, shape: &Shape) -> Problem {
    let mut problem = Problem::default();
    let mut state = 0u32;
    let mut busy: Vec<Option<(u64, u64, u64)>> = vec![None; shape.clients as usize];
    let (mut now, mut unique) = (1u64, 1u32);
    while problem.actions.len() < shape.operations {
        now += dice.roll(3);
        let client = dice.roll(shape.clients) as usize;
        let Some((began, kind, phase)) = busy[client] else {
            busy[client] = Some((now, dice.roll(if shape.cas { 4 } else { 2 }), 0));
            continue;
        };
        if phase == 0 && dice.roll(2) == 0 {
            continue;
        }
        let mut value = || {
            unique += 1;
            if shape.values == 0 { unique } else { dice.roll(shape.values) as u32 }
        };
        let (to, from) = (value(), if shape.values == 0 { state } else { dice.roll(shape.values) as u32 });
        let action = match kind {
            0 => Action::Read(state),
            1 => Action::Write(to),
            _ if from == state => Action::Cas(from, to),
            _ => Action::Refused(from),
        };
        let optional = action.makes().is_some() && dice.roll(100) < shape.unknown;
        if !optional || dice.roll(2) == 0 {
            state = action.apply(state).expect("chosen to fit");
        }
        busy[client] = None;
        problem.actions.push(action);
        // The effect was at `now`; the return is a little later, so that operations overlap in both directions.
        let ended = now + dice.roll(1 + shape.clients * 2);
        problem.spans.push(Span { began, deadline: (!optional).then_some(ended), optional });
    }
    if shape.corrupt {
        let at = dice.roll(problem.actions.len() as u64) as usize;
        let wrong = if shape.values == 0 {
            dice.roll(u64::from(unique)) as u32
        } else {
            dice.roll(shape.values) as u32
        };
        problem.actions[at] = match problem.actions[at] {
            Action::Read(_) => Action::Read(wrong),
            Action::Refused(_) => Action::Refused(wrong),
            Action::Cas(_, to) => Action::Cas(wrong, to),
            write => write,
        };
    }
    problem.values = 2 + unique.max(shape.values as u32);
    problem
}

/// Whether the order explains everything; by its own rules.
fn explains(problem: &Problem, order: &[u32]) -> bool {
    let (mut state, mut latest, mut placed) = (0, 0, vec![false; problem.actions.len()]);
    for &i in order {
        let span = problem.spans[i as usize];
        let Some(next) = problem.actions[i as usize].apply(state) else { return false };
        if std::mem::replace(&mut placed[i as usize], true) || span.deadline.is_some_and(|end| end < latest) {
            return false;
        }
        state = next;
        latest = latest.max(span.began);
    }
    (0..placed.len()).all(|i| placed[i] || problem.spans[i].optional)
}

/// How many times as many rounds are played as a quick run needs.
fn thoroughness() -> usize {
    std::env::var("DISPROVE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn compare(seed: u64, rounds: usize, shape: impl Fn(&mut Dice) -> Shape) -> (usize, usize) {
    let rounds = rounds * thoroughness();
    let (mut dice, mut valid, mut invalid) = (Dice(seed), 0, 0);
    let budget = Budget::new(3_000_000, u64::MAX);
    for round in 0..rounds {
        let shape = shape(&mut dice);
        let problem = generate(&mut dice, &shape);
        let (ours, reference) = (problem.decide(&budget), problem.decide_generally(&budget));
        match (&ours, &reference) {
            (Decision::Valid(order), Decision::Valid(plain)) => {
                assert!(explains(&problem, plain), "general order, seed {seed} round {round}: {problem:?}");
                assert!(explains(&problem, order), "order, seed {seed} round {round}: {problem:?} {order:?}");
                valid += 1;
            }
            (Decision::Invalid { reached }, Decision::Invalid { reached: plain }) => {
                assert_eq!(reached, plain, "seed {seed} round {round}: {problem:?}");
                invalid += 1;
            }
            _ => panic!("{ours:?} against {reference:?}, seed {seed} round {round}: {problem:?}"),
        }
    }
    (valid, invalid)
}

#[test]
fn engines_agree_on_small_histories() {
    let (valid, invalid) = compare(1, 120_000, |dice| Shape {
        operations: 2 + dice.roll(8) as usize,
        clients: 2 + dice.roll(3),
        values: [0, 2, 3, 5][dice.roll(4) as usize],
        cas: dice.roll(3) > 0,
        unknown: [0, 20, 50][dice.roll(3) as usize],
        corrupt: dice.roll(4) > 0,
    });
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 20_000 && invalid > 20_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn engines_agree_on_long_histories_of_few_clients_and_values() {
    let (valid, invalid) = compare(2, 1_500, |dice| Shape {
        operations: 300 + dice.roll(200) as usize,
        clients: 3,
        values: 3 + dice.roll(3),
        cas: true,
        unknown: 0,
        corrupt: dice.roll(8) > 0,
    });
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 100 && invalid > 100, "{valid} valid, {invalid} invalid");
}

#[test]
fn engines_agree_on_longer_histories_with_unknown_outcomes() {
    let (valid, invalid) = compare(3, 4_000, |dice| Shape {
        operations: 20 + dice.roll(40) as usize,
        clients: 2 + dice.roll(3),
        values: [0, 2, 3, 5][dice.roll(4) as usize],
        cas: dice.roll(3) > 0,
        unknown: [5, 10][dice.roll(2) as usize],
        corrupt: dice.roll(8) > 0,
    });
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 300 && invalid > 300, "{valid} valid, {invalid} invalid");
}

#[test]
fn every_way_to_count_unknown_operations_agrees_with_telling_them_apart() {
    let (mut dice, mut valid, mut invalid) = (Dice(6), 0, 0);
    let budget = Budget::new(3_000_000, u64::MAX);
    for round in 0..20_000 * thoroughness() {
        let shape = Shape {
            operations: 4 + dice.roll(12) as usize,
            clients: 2 + dice.roll(3),
            values: 2 + dice.roll(4),
            cas: dice.roll(4) > 0,
            unknown: [20, 40, 60][dice.roll(3) as usize],
            corrupt: dice.roll(6) > 0,
        };
        let mut problem = generate(&mut dice, &shape);
        // Stale reads use up the unknown operations.
        for _ in 0..dice.roll(3) {
            let at = dice.roll(problem.actions.len() as u64) as usize;
            if let Action::Read(seen) = &mut problem.actions[at] {
                *seen = dice.roll(shape.values) as u32;
            }
        }
        let line = Timeline::new(&problem.spans);
        let reference = problem.decide_generally(&budget);
        for ours in [problem.decide(&budget), frontier::decide_generously(&problem, &line, &budget)] {
            match (&ours, &reference) {
                (Decision::Valid(order), Decision::Valid(_)) => {
                    assert!(explains(&problem, order), "order, round {round}: {problem:?} {order:?}");
                    valid += 1;
                }
                (Decision::Invalid { reached }, Decision::Invalid { reached: plain }) => {
                    assert_eq!(reached, plain, "round {round}: {problem:?}");
                    invalid += 1;
                }
                _ => panic!("{ours:?} against {reference:?}, round {round}: {problem:?}"),
            }
        }
    }
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 8_000 && invalid > 4_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn engines_agree_on_chains_of_swaps_to_unique_values() {
    let (valid, invalid) = compare(4, 40_000, |dice| Shape {
        operations: 4 + dice.roll(12) as usize,
        clients: 2 + dice.roll(4),
        values: 0,
        cas: true,
        unknown: [0, 20, 40][dice.roll(3) as usize],
        corrupt: dice.roll(4) > 0,
    });
    println!("{valid} valid, {invalid} invalid");
    assert!(valid > 4_000 && invalid > 4_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn limits_are_obeyed_and_only_make_answers_unknown() {
    let (mut dice, mut limited) = (Dice(5), 0);
    for round in 0..4_000 * thoroughness() {
        let shape = Shape {
            operations: 10 + dice.roll(60) as usize,
            clients: 2 + dice.roll(8),
            values: 2 + dice.roll(4),
            cas: dice.roll(2) == 0,
            unknown: [0, 5, 20][dice.roll(3) as usize],
            corrupt: dice.roll(2) == 0,
        };
        let problem = generate(&mut dice, &shape);
        let steps = 1 + dice.roll(60);
        let (few, small) = (Budget::new(steps, u64::MAX), Budget::new(200_000, 1 << dice.roll(20)));
        let answer = problem.decide(&Budget::new(3_000_000, u64::MAX));
        for budget in [&few, &small] {
            for decision in [problem.decide(budget), problem.decide_generally(budget)] {
                match (&decision, &answer) {
                    (Decision::Unknown { limit, .. }, _) => {
                        limited += 1;
                        let named = [Limit::Steps(budget.steps_max), Limit::Memory(budget.memory_max)];
                        assert!(named.contains(limit), "round {round}: {limit:?}");
                    }
                    (Decision::Valid(_), Decision::Valid(_)) => {}
                    (Decision::Invalid { reached }, Decision::Invalid { reached: known }) => {
                        // Where what was seen was made by nobody, no search is needed to know that.
                        assert!(reached >= known, "round {round}: {problem:?}");
                    }
                    _ => panic!("{decision:?} against {answer:?}, round {round}: {problem:?}"),
                }
            }
            assert_eq!(budget.take_memory(budget.memory_max), Ok(()), "all memory was given back");
            budget.give_memory(budget.memory_max);
        }
    }
    assert!(limited > 1_000, "{limited}");
}
