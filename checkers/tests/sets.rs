//! The monitor of sets against a reference so plain that it is right at a glance: every order is tried.
//!
//! `DISPROVE_COLLECTIONS_RANDOM` sets how many random histories are compared, `DISPROVE_COLLECTIONS_CALLS` how many calls
//! the exhaustive comparison goes to.

#[path = "material/dice.rs"]
mod dice;

use std::collections::HashSet;

use dice::Dice;
use disprove_checkers::collections::{SetAction, SetCall, SetCalls, SetJudgement, judge_set, replay_set};
use rayon::prelude::*;

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What is inside, as bits, after the action; `None` if it cannot have happened here.
fn apply(input: &SetCalls, inside: u32, action: SetAction) -> Option<u32> {
    match action {
        SetAction::Add(element, new) => (!new || inside >> element & 1 == 0).then_some(inside | 1 << element),
        SetAction::Remove(element, old) => {
            (!old || inside >> element & 1 == 1).then_some(inside & !(1 << element))
        }
        SetAction::Saw(element, was_in) => (inside >> element & 1 == u32::from(was_in)).then_some(inside),
        SetAction::Read(list) => {
            let listed = input.lists[list as usize].iter().fold(0, |set, element| set | 1 << element);
            (listed == inside).then_some(inside)
        }
    }
}

/// Whether some order of the calls explains every answer.
fn explains(input: &SetCalls) -> bool {
    let calls = &input.calls;
    let (mut open, mut seen) = (vec![(0u32, 0u32)], HashSet::new());
    while let Some((done, inside)) = open.pop() {
        let left = |i: usize| done >> i & 1 == 0;
        if (0..calls.len()).all(|i| !left(i) || calls[i].optional) {
            return true;
        }
        if !seen.insert((done, inside)) {
            continue;
        }
        for next in (0..calls.len()).filter(|&i| left(i)) {
            let overdue = |i: usize| left(i) && calls[i].deadline.is_some_and(|end| end < calls[next].began);
            if !(0..calls.len()).any(overdue) {
                let after = apply(input, inside, calls[next].action);
                open.extend(after.map(|inside| (done | 1 << next, inside)));
            }
        }
    }
    false
}

/// These calls as far as they are about these elements.
fn projected(input: &SetCalls, chosen: &[u32], elements: &[u32]) -> SetCalls {
    let keep = |list: &Vec<u32>| list.iter().copied().filter(|element| elements.contains(element)).collect();
    SetCalls {
        calls: chosen.iter().map(|&call| input.calls[call as usize]).collect(),
        lists: input.lists.iter().map(keep).collect(),
    }
}

fn about(action: SetAction) -> Option<u32> {
    match action {
        SetAction::Add(element, _) | SetAction::Remove(element, _) | SetAction::Saw(element, _) => {
            Some(element)
        }
        SetAction::Read(_) => None,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    valid: u64,
    invalid: u64,
    undecided: u64,
    ambiguous: u64,
    with_unknown: u64,
    with_reads: u64,
    largest_witness: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            valid: self.valid + other.valid,
            invalid: self.invalid + other.invalid,
            undecided: self.undecided + other.undecided,
            ambiguous: self.ambiguous + other.ambiguous,
            with_unknown: self.with_unknown + other.with_unknown,
            with_reads: self.with_reads + other.with_reads,
            largest_witness: self.largest_witness.max(other.largest_witness),
        }
    }
}

fn compare(input: &SetCalls) -> Tally {
    let expected = explains(input);
    let reads = input.calls.iter().any(|call| matches!(call.action, SetAction::Read(_)));
    let mut tally = Tally {
        with_unknown: u64::from(input.calls.iter().any(|call| call.optional)),
        with_reads: u64::from(reads),
        ..Tally::default()
    };
    match judge_set(input) {
        SetJudgement::Valid(order) => {
            assert!(expected, "valid, but no order exists: {input:#?}");
            assert!(replay_set(input, &order), "{input:#?} {order:?}");
            tally.valid = 1;
        }
        SetJudgement::Invalid(found) => {
            assert!(!expected, "invalid, but an order exists: {input:#?} {found:?}");
            let witness = projected(input, &found.calls, &found.elements);
            assert!(!explains(&witness), "{input:#?} {found:?}");
            // Every call that may have changed one of the elements is there, and none is about another.
            for (number, call) in (0u32..).zip(&input.calls) {
                let changes = matches!(call.action, SetAction::Add(..) | SetAction::Remove(..));
                let told = about(call.action).is_some_and(|element| found.elements.contains(&element));
                assert!(!changes || told == found.calls.contains(&number), "{input:#?} {found:?}");
            }
            (tally.invalid, tally.largest_witness) = (1, found.calls.len());
        }
        SetJudgement::Undecided(why) => {
            assert!(why.contains("removed"), "{why}: {input:#?}");
            tally.undecided = 1;
        }
        SetJudgement::Ambiguous(_) => tally.ambiguous = 1,
    }
    tally
}

/// A random history that some order explains, unless answers were changed afterwards.
fn random(dice: &mut Dice) -> SetCalls {
    let (count, reach) = (2 + dice.below(8), [0, 1, 1, 2, 2, 3, 5][dice.below(7)]);
    let (unknown, reads, removes) =
        ([0, 0, 15, 40][dice.below(4)], [0, 0, 30, 60][dice.below(4)], [0, 0, 50][dice.below(3)]);
    let mut input = SetCalls::default();
    let (mut inside, mut fresh, mut old): (u32, u32, Vec<u32>) = (0, 0, Vec::new());
    for place in 0..count {
        let at = 4 * place as u64;
        let mut optional = dice.percent(unknown);
        let happens = !optional || dice.percent(60);
        let known = dice.below(fresh as usize + 1) as u32;
        let action = if dice.percent(reads) {
            optional = false;
            input.lists.push((0..16).filter(|element| inside >> element & 1 == 1).collect());
            SetAction::Read(input.lists.len() as u32 - 1)
        } else if dice.percent(removes) && !old.contains(&known) {
            old.push(known);
            SetAction::Remove(known, !optional && inside >> known & 1 == 1 && dice.percent(50))
        } else if dice.percent(60) {
            fresh += 1;
            SetAction::Add(fresh - 1, !optional && inside >> (fresh - 1) & 1 == 0 && dice.percent(50))
        } else {
            optional = false;
            SetAction::Saw(known, inside >> known & 1 == 1)
        };
        if happens || !optional {
            inside = apply(&input, inside, action).unwrap();
        }
        let began = at.saturating_sub(dice.below(4 * reach + 1) as u64);
        let deadline = (!optional).then(|| at + 1 + dice.below(4 * reach + 1) as u64);
        input.calls.push(SetCall { action, began, deadline, optional });
    }
    while dice.percent(60) {
        let call = dice.below(count);
        let optional = input.calls[call].optional;
        match &mut input.calls[call].action {
            SetAction::Saw(_, was_in) | SetAction::Add(_, was_in) | SetAction::Remove(_, was_in) => {
                *was_in = !*was_in && !optional;
            }
            SetAction::Read(list) => {
                let element = dice.below(fresh as usize + 1) as u32;
                let list = &mut input.lists[*list as usize];
                match list.binary_search(&element) {
                    Ok(place) => drop(list.remove(place)),
                    Err(place) => list.insert(place, element),
                }
            }
        }
    }
    if dice.percent(80) {
        input.calls.sort_by_key(|call| call.began);
    }
    input
}

#[test]
fn random_sets_agree() {
    let rounds = setting("DISPROVE_COLLECTIONS_RANDOM", 40_000);
    let tallies = (0..rounds).into_par_iter().map(|round| compare(&random(&mut Dice(round as u64))));
    let total = tallies.reduce(Tally::default, Tally::plus);
    println!("{rounds} random sets: {total:?}");
    let rounds = rounds as u64;
    assert!(total.valid > rounds / 5 && total.invalid > rounds / 5, "{total:?}");
    assert!(total.with_unknown > rounds / 5 && total.with_reads > rounds / 5, "{total:?}");
    assert!(total.ambiguous == 0, "{total:?}");
}

/// All histories of so many calls about one element.
fn compare_all(count: usize, kinds: &[(SetAction, bool)], lists: &[Vec<u32>]) -> Tally {
    let mut shapes: Vec<Vec<u64>> = vec![Vec::new()];
    for start in 0..count as u64 {
        shapes = shapes
            .into_iter()
            .flat_map(|ends| {
                (start + 1..=count as u64).map(move |end| ends.iter().copied().chain([end]).collect())
            })
            .collect();
    }
    let words = kinds.len().pow(count as u32);
    let tallies = (0..words).into_par_iter().map(|mut word| {
        let chosen: Vec<(SetAction, bool)> = (0..count)
            .map(|_| {
                let kind = kinds[word % kinds.len()];
                word /= kinds.len();
                kind
            })
            .collect();
        let mut tally = Tally::default();
        for ends in &shapes {
            let late = chosen.iter().zip(ends).all(|(&(_, optional), &end)| !optional || end == count as u64);
            if late {
                let calls =
                    (0u64..).zip(&chosen).zip(ends).map(|((start, &(action, optional)), &end)| SetCall {
                        action,
                        began: 2 * start,
                        deadline: (!optional).then_some(2 * end - 1),
                        optional,
                    });
                tally = tally.plus(compare(&SetCalls { calls: calls.collect(), lists: lists.to_vec() }));
            }
        }
        tally
    });
    tallies.reduce(Tally::default, Tally::plus)
}

#[test]
fn every_small_set_agrees() {
    let most = setting("DISPROVE_COLLECTIONS_CALLS", 4);
    let one = [
        (SetAction::Add(0, false), false),
        (SetAction::Add(0, true), false),
        (SetAction::Add(0, false), true),
        (SetAction::Remove(0, false), false),
        (SetAction::Remove(0, true), false),
        (SetAction::Remove(0, false), true),
        (SetAction::Saw(0, true), false),
        (SetAction::Saw(0, false), false),
    ];
    let grown = [
        (SetAction::Add(0, false), false),
        (SetAction::Add(1, false), false),
        (SetAction::Add(1, false), true),
        (SetAction::Read(0), false),
        (SetAction::Read(1), false),
        (SetAction::Read(2), false),
        (SetAction::Read(3), false),
        (SetAction::Saw(0, true), false),
        (SetAction::Saw(0, false), false),
    ];
    let lists = [vec![], vec![0], vec![1], vec![0, 1]];
    for count in 1..=most {
        let (alone, grows) = (compare_all(count, &one, &[]), compare_all(count, &grown, &lists));
        println!("all sets of {count} calls: one element {alone:?}; two elements and reads {grows:?}");
        assert!(count < 3 || (alone.valid > 50 && alone.invalid > 50), "{alone:?}");
        assert!(count < 3 || (grows.valid > 50 && grows.invalid > 50), "{grows:?}");
    }
}
