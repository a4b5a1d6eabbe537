//! The monitors of collections against a reference so plain that it is right at a glance: every order is tried.
//!
//! The reference shares nothing with the crate but the type of calls. `DISPROVE_COLLECTIONS_RANDOM` sets how many random
//! histories are compared per discipline, `DISPROVE_COLLECTIONS_CALLS` how many calls the exhaustive comparison goes to.

#[path = "material/dice.rs"]
mod dice;

use std::collections::HashSet;

use dice::Dice;
use disprove_checkers::collections::{Action, Call, Discipline, Judgement, judge, replay};
use rayon::prelude::*;

const DISCIPLINES: [Discipline; 4] =
    [Discipline::Queue, Discipline::Stack, Discipline::Priority, Discipline::Bag];

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The reference: whether some order of the calls explains every answer. What is inside is a list of at most 16 numbers
/// of four bits, the oldest lowest.
struct Reference<'a> {
    discipline: Discipline,
    calls: &'a [Call],
    seen: HashSet<(u32, u64, u32)>,
}

impl Reference<'_> {
    fn explains(discipline: Discipline, calls: &[Call]) -> bool {
        assert!(calls.len() <= 16);
        Reference { discipline, calls, seen: HashSet::new() }.extend(0, &[])
    }

    fn extend(&mut self, done: u32, inside: &[u32]) -> bool {
        let left = |i: usize| done >> i & 1 == 0;
        if (0..self.calls.len()).all(|i| !left(i) || self.calls[i].optional) {
            return true;
        }
        let mut list = inside.to_vec();
        if matches!(self.discipline, Discipline::Bag | Discipline::Priority) {
            list.sort_unstable();
        }
        let packed = list.iter().fold(0, |packed, &value| packed << 4 | u64::from(value));
        if !self.seen.insert((done, packed, inside.len() as u32)) {
            return false;
        }
        for next in (0..self.calls.len()).filter(|&i| left(i)) {
            let call = self.calls[next];
            let overdue = |i: usize| left(i) && self.calls[i].deadline.is_some_and(|end| end < call.began);
            if (0..self.calls.len()).any(overdue) {
                continue;
            }
            for after in self.outcomes(call.action, inside) {
                if self.extend(done | 1 << next, &after) {
                    return true;
                }
            }
        }
        false
    }

    /// What may be inside after the action, if it can happen here.
    fn outcomes(&self, action: Action, inside: &[u32]) -> Vec<Vec<u32>> {
        let without = |place: usize| {
            let mut after = inside.to_vec();
            after.remove(place);
            after
        };
        let out: Vec<usize> = match self.discipline {
            _ if inside.is_empty() => Vec::new(),
            Discipline::Queue => vec![0],
            Discipline::Stack => vec![inside.len() - 1],
            Discipline::Priority => {
                (0..inside.len()).min_by_key(|&place| inside[place]).into_iter().collect()
            }
            Discipline::Bag => (0..inside.len()).collect(),
        };
        match action {
            Action::Insert(value) => vec![inside.iter().copied().chain([value]).collect()],
            Action::Remove(value) => {
                out.into_iter().filter(|&place| inside[place] == value).map(without).collect()
            }
            Action::Empty if inside.is_empty() => vec![Vec::new()],
            Action::Empty => Vec::new(),
            Action::RemoveAny if inside.is_empty() => vec![Vec::new()],
            Action::RemoveAny => out.into_iter().map(without).collect(),
        }
    }
}

/// How often each answer was given.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    valid: u64,
    invalid: u64,
    undecided: u64,
    with_unknown: u64,
    with_empty: u64,
    largest_witness: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            valid: self.valid + other.valid,
            invalid: self.invalid + other.invalid,
            undecided: self.undecided + other.undecided,
            with_unknown: self.with_unknown + other.with_unknown,
            with_empty: self.with_empty + other.with_empty,
            largest_witness: self.largest_witness.max(other.largest_witness),
        }
    }
}

/// Compares all that the monitor says about the calls with the reference.
fn compare(discipline: Discipline, calls: &[Call]) -> Tally {
    let expected = Reference::explains(discipline, calls);
    let mut tally = Tally {
        with_unknown: u64::from(calls.iter().any(|call| call.optional)),
        with_empty: u64::from(calls.iter().any(|call| call.action == Action::Empty)),
        ..Tally::default()
    };
    match judge(discipline, calls) {
        Judgement::Valid(order) => {
            assert!(expected, "valid, but no order exists: {discipline:?} {calls:#?}");
            assert!(replay(discipline, calls, &order), "{discipline:?} {calls:#?} {order:?}");
            tally.valid = 1;
        }
        Judgement::Invalid(found) => {
            assert!(!expected, "invalid, but an order exists: {discipline:?} {calls:#?} {found:?}");
            let some = |also: fn(&Call) -> bool| -> Vec<Call> {
                let chosen = |i: usize| found.calls.contains(&(i as u32)) || also(&calls[i]);
                (0..calls.len()).filter(|&i| chosen(i)).map(|i| calls[i]).collect()
            };
            let witness = some(|_| false);
            assert!(!Reference::explains(discipline, &witness), "{discipline:?} {calls:#?} {found:?}");
            // What is left out may have happened: removals of unknown result could have taken what is kept.
            let with_anys = some(|call| call.action == Action::RemoveAny);
            assert!(!Reference::explains(discipline, &with_anys), "{discipline:?} {calls:#?} {found:?}");
            (tally.invalid, tally.largest_witness) = (1, witness.len());
        }
        Judgement::Undecided(why) => {
            assert!(
                !why.contains("must be one") && !why.contains("confirmed") && !why.contains("explain"),
                "{why}: {discipline:?} {calls:#?}"
            );
            tally.undecided = 1;
        }
        Judgement::Ambiguous(_) => panic!("all elements are different: {calls:#?}"),
    }
    tally
}

/// Extends a sequence of actions by every action that makes sense next; elements are numbered as they appear.
fn actions(count: usize, unknown: bool) -> Vec<Vec<(Action, bool)>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        let mut longer = Vec::new();
        for actions in all {
            let actions: Vec<(Action, bool)> = actions;
            let used = |wanted: Action| actions.iter().any(|&(action, _)| action == wanted);
            let values = (0..count as u32)
                .take_while(|&value| used(Action::Insert(value)) || used(Action::Remove(value)))
                .count() as u32;
            let mut next = vec![(Action::Empty, false)];
            for value in 0..=values {
                if !used(Action::Insert(value)) {
                    next.push((Action::Insert(value), false));
                    if unknown {
                        next.push((Action::Insert(value), true));
                    }
                }
                if !used(Action::Remove(value)) {
                    next.push((Action::Remove(value), false));
                }
            }
            if unknown {
                next.push((Action::RemoveAny, true));
            }
            longer.extend(next.into_iter().map(|next| {
                let mut actions = actions.clone();
                actions.push(next);
                actions
            }));
        }
        all = longer;
    }
    all
}

/// All ways in which this many calls can overlap, by the order in which they began: for each call how many calls had begun when it ended.
fn overlaps(count: u64) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for start in 0..count {
        all = all
            .into_iter()
            .flat_map(|ends: Vec<u64>| {
                (start + 1..=count).map(move |end| ends.iter().copied().chain([end]).collect())
            })
            .collect();
    }
    all
}

/// All orders in which elements can rank; only a priority queue can tell.
fn rankings(discipline: Discipline, values: u32) -> Vec<Vec<u32>> {
    if discipline != Discipline::Priority {
        return vec![(0..values).collect()];
    }
    let mut all = vec![Vec::new()];
    for value in 0..values {
        all = all
            .into_iter()
            .flat_map(|ranking: Vec<u32>| {
                (0..=ranking.len()).map(move |place| {
                    let mut ranking = ranking.clone();
                    ranking.insert(place, value);
                    ranking
                })
            })
            .collect();
    }
    all
}

#[test]
fn every_small_history_agrees() {
    let most = setting("DISPROVE_COLLECTIONS_CALLS", 4);
    for discipline in DISCIPLINES {
        let mut total = Tally::default();
        // The elements of a priority queue also differ by their ranks, which makes many more histories.
        let most = if discipline == Discipline::Priority { most.min(5) } else { most };
        for count in 1..=most {
            let overlaps = overlaps(count as u64);
            let tallies = actions(count, true).into_par_iter().map(|actions| {
                let values = actions.iter().filter_map(|&(action, _)| match action {
                    Action::Insert(value) | Action::Remove(value) => Some(value + 1),
                    Action::Empty | Action::RemoveAny => None,
                });
                let rankings = rankings(discipline, values.max().unwrap_or(0));
                let mut tally = Tally::default();
                for (ranking, ends) in
                    rankings.iter().flat_map(|ranking| overlaps.iter().map(move |ends| (ranking, ends)))
                {
                    let unknown_ends_late = actions
                        .iter()
                        .zip(ends)
                        .all(|(&(_, optional), &end)| !optional || end == count as u64);
                    if !unknown_ends_late {
                        continue;
                    }
                    let calls: Vec<Call> = (0u64..)
                        .zip(&actions)
                        .zip(ends)
                        .map(|((start, &(action, optional)), &end)| Call {
                            action: match action {
                                Action::Insert(value) => Action::Insert(ranking[value as usize]),
                                Action::Remove(value) => Action::Remove(ranking[value as usize]),
                                action => action,
                            },
                            began: 2 * start,
                            deadline: (!optional).then_some(2 * end - 1),
                            optional,
                        })
                        .collect();
                    tally = tally.plus(compare(discipline, &calls));
                }
                tally
            });
            total = total.plus(tallies.reduce(Tally::default, Tally::plus));
        }
        println!("{discipline:?}: all histories of up to {most} calls: {total:?}");
        assert!(total.valid > 100 && total.invalid > 100, "{total:?}");
    }
}

/// What a random history is like.
struct Shape {
    calls: usize,
    /// How far calls reach around the instant at which they take effect.
    reach: usize,
    unknown: u64,
    empties: u64,
    /// In how many of a hundred histories an answer is changed.
    wrong: u64,
}

/// A history that some order explains, unless an answer was changed afterwards.
fn random(discipline: Discipline, shape: &Shape, dice: &mut Dice) -> Vec<Call> {
    let mut inside: Vec<u32> = Vec::new();
    let mut ranks: Vec<u32> = (0..16).collect();
    for place in (1..16).rev() {
        ranks.swap(place, dice.below(place + 1));
    }
    let mut calls = Vec::new();
    while calls.len() < shape.calls {
        let at = 4 * calls.len() as u64;
        let unknown = dice.percent(shape.unknown);
        let happens = !unknown || dice.percent(60);
        let action = if dice.percent(50) || (inside.is_empty() && !dice.percent(shape.empties)) {
            let Some(value) = ranks.pop() else { break };
            if happens {
                inside.push(value);
            }
            Action::Insert(value)
        } else if inside.is_empty() {
            Action::Empty
        } else {
            let place = match discipline {
                Discipline::Queue => 0,
                Discipline::Stack => inside.len() - 1,
                Discipline::Priority => (0..inside.len()).min_by_key(|&i| inside[i]).unwrap(),
                Discipline::Bag => dice.below(inside.len()),
            };
            let value = inside[place];
            if happens {
                inside.remove(place);
            }
            if unknown { Action::RemoveAny } else { Action::Remove(value) }
        };
        let optional = unknown && action != Action::Empty;
        let began = at.saturating_sub(dice.below(4 * shape.reach + 1) as u64);
        let deadline = (!optional).then(|| at + 1 + dice.below(4 * shape.reach + 1) as u64);
        calls.push(Call { action, began, deadline, optional });
    }
    while dice.percent(shape.wrong) {
        spoil(&mut calls, dice);
    }
    if dice.percent(80) {
        calls.sort_by_key(|call| call.began);
    }
    calls
}

/// Changes an answer.
fn spoil(calls: &mut [Call], dice: &mut Dice) {
    let one = dice.below(calls.len());
    let other = dice.below(calls.len());
    match (calls[one].action, calls[other].action) {
        (Action::Remove(a), Action::Remove(b)) => {
            (calls[one].action, calls[other].action) = (Action::Remove(b), Action::Remove(a));
        }
        (Action::Remove(_), _) => calls[one].action = Action::Empty,
        (Action::Empty, Action::Insert(value)) => {
            let taken = calls.iter().any(|call| call.action == Action::Remove(value));
            if !taken {
                calls[one].action = Action::Remove(value);
            }
        }
        (Action::Insert(a), Action::Insert(b)) => {
            (calls[one].action, calls[other].action) = (Action::Insert(b), Action::Insert(a));
        }
        _ => {}
    }
}

#[test]
fn random_histories_agree() {
    let rounds = setting("DISPROVE_COLLECTIONS_RANDOM", 20_000);
    for discipline in DISCIPLINES {
        let tallies = (0..rounds).into_par_iter().map(|round| {
            let mut dice = Dice(round as u64 * 4 + discipline as u64);
            let shape = Shape {
                calls: 2 + dice.below(9),
                reach: [0, 1, 1, 2, 2, 3, 5][dice.below(7)],
                unknown: [0, 0, 15, 40][dice.below(4)],
                empties: [0, 30, 70][dice.below(3)],
                wrong: 75,
            };
            compare(discipline, &random(discipline, &shape, &mut dice))
        });
        let total = tallies.reduce(Tally::default, Tally::plus);
        println!("{discipline:?}: {rounds} random histories: {total:?}");
        let rounds = rounds as u64;
        assert!(total.valid > rounds / 5 && total.invalid > rounds / 10, "{total:?}");
        assert!(total.with_unknown > rounds / 5 && total.with_empty > rounds / 10, "{total:?}");
        assert!(total.undecided < rounds / 50, "{total:?}");
    }
}
