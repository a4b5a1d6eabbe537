//! The checker of registers against a reference so plain that it is right at a glance: every order is tried.
//!
//! The reference shares nothing with the crate but the types of histories. Small histories are compared by chance in
//! many shapes, and all of at most four operations over two values exhaustively.

#[path = "material/dice.rs"]
mod dice;

use std::collections::BTreeSet;

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Validity,
    linearizability::{Linearizable, verify_order, verify_witness},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use rayon::prelude::*;

type Op = Operation<Register>;

/// The value after the operation happened at this value; `None` if it cannot have answered that here.
fn apply(value: &Value, operation: &Op, initial: &Value) -> Option<Value> {
    match (&operation.call, &operation.outcome) {
        (Call::Read(_), Outcome::Ok(Return::Value(Some(seen)))) => {
            let known = *seen != Value::Nil || *initial == Value::Nil;
            (!known || seen == value).then(|| value.clone())
        }
        (Call::Read(_), _) => Some(value.clone()),
        (Call::Write(_, to), _) => Some(to.clone()),
        (Call::Cas(_, from, _), Outcome::Ok(Return::Refused)) => (from != value).then(|| value.clone()),
        (Call::Cas(_, from, to), _) => (from == value).then(|| to.clone()),
    }
}

/// The values of `x` and `y` after one more operation, if it may come before all others that are left and fits.
fn place(
    operations: &[&Op],
    left: &[bool],
    values: &[Value; 2],
    next: usize,
    initial: &Value,
) -> Option<[Value; 2]> {
    let chosen = operations[next];
    let overdue = |other: usize| {
        matches!(operations[other].outcome, Outcome::Ok(_))
            && operations[other].ended.is_some_and(|end| end < chosen.began)
    };
    let failed = matches!(chosen.outcome, Outcome::Fail(_));
    if failed || !left[next] || (0..operations.len()).any(|other| left[other] && overdue(other)) {
        return None;
    }
    let slot = usize::from(*chosen.call.key() == Value::from("y"));
    let mut after = values.clone();
    after[slot] = apply(&values[slot], chosen, initial)?;
    Some(after)
}

/// Whether all that certainly happened has been placed.
fn is_complete(operations: &[&Op], left: &[bool]) -> bool {
    (0..operations.len()).all(|i| !left[i] || !matches!(operations[i].outcome, Outcome::Ok(_)))
}

/// Extends an order by backtracking over everything that is left.
fn extend(
    operations: &[&Op],
    left: &mut [bool],
    values: &[Value; 2],
    initial: &Value,
    order: &mut Vec<OpIndex>,
) -> bool {
    if is_complete(operations, left) {
        return true;
    }
    for next in 0..operations.len() {
        if let Some(after) = place(operations, left, values, next, initial) {
            left[next] = false;
            order.push(operations[next].index);
            if extend(operations, left, &after, initial, order) {
                return true;
            }
            order.pop();
            left[next] = true;
        }
    }
    false
}

/// An order that explains all answers, if there is one.
fn explain(operations: &[&Op], initial: &Value) -> Option<Vec<OpIndex>> {
    let mut order = Vec::new();
    let values = [initial.clone(), initial.clone()];
    extend(operations, &mut vec![true; operations.len()], &values, initial, &mut order).then_some(order)
}

/// Whether just this order explains all answers.
fn explains(operations: &[&Op], initial: &Value, order: &[OpIndex]) -> bool {
    let (mut left, mut values) = (vec![true; operations.len()], [initial.clone(), initial.clone()]);
    for index in order {
        let next = operations.iter().position(|operation| operation.index == *index);
        let Some(next) = next else { return false };
        let Some(after) = place(operations, &left, &values, next, initial) else { return false };
        (left[next], values) = (false, after);
    }
    is_complete(operations, &left)
}

fn show(history: &History<Register>) -> String {
    let lines = history.operations.iter().map(|operation| {
        let (began, ended) = (operation.began.0, operation.ended.map(|end| end.0));
        format!("\n  {} {began}..{ended:?} {:?} {:?}", operation.index, operation.call, operation.outcome)
    });
    format!("initially {}{}", history.header.initial, lines.collect::<String>())
}

/// Compares all that the crate says about a history with the reference, and returns whether it is valid.
fn compare(history: &History<Register>, twist: usize) -> bool {
    let (checker, initial) = (Linearizable::default(), &history.header.initial);
    let verdict = checker.check(history, &Budget::default());
    let all: Vec<&Op> = history.operations.iter().collect();
    let valid = explain(&all, initial).is_some();
    let expected = if valid { Validity::Valid } else { Validity::Invalid };
    assert_eq!(verdict.validity, expected, "{}", show(history));
    for (key, certificate) in checker.certificate(history, &Budget::default()) {
        let own: Vec<&Op> = all.iter().copied().filter(|operation| *operation.call.key() == key).collect();
        let indices: Vec<OpIndex> = own.iter().map(|operation| operation.index).collect();
        let plain = explain(&own, initial);
        let anomaly = verdict.anomalies.iter().find(|anomaly| anomaly.key.as_ref() == Some(&key));
        assert_eq!(anomaly.is_none(), plain.is_some(), "{key} {}", show(history));
        assert_eq!(verify_witness(history, &indices), plain.is_none(), "{key} {}", show(history));
        if let Some(anomaly) = anomaly {
            let witness = &anomaly.witness;
            assert!(verify_witness(history, witness), "{witness:?} {}", show(history));
        }
        if let Some(plain) = plain {
            assert!(verify_order(history, &key, &plain), "{plain:?} {}", show(history));
            // Whatever is left out, nothing is proven where there is an order.
            let some: Vec<OpIndex> =
                (0..).zip(&indices).filter(|(i, _)| twist >> i & 1 == 0).map(|(_, index)| *index).collect();
            assert!(!verify_witness(history, &some), "{some:?} {}", show(history));
        }
        assert_eq!(certificate.is_some(), anomaly.is_none(), "{key} {}", show(history));
        if let Some(mut order) = certificate {
            assert!(verify_order(history, &key, &order), "{order:?} {}", show(history));
            assert!(explains(&own, initial, &order), "{order:?} {}", show(history));
            if order.len() > 1 {
                let pairs = order.len() - 1;
                order.swap(twist % pairs, twist % pairs + 1);
                let fits = explains(&own, initial, &order);
                assert_eq!(verify_order(history, &key, &order), fits, "{order:?} {}", show(history));
            }
        }
    }
    valid
}

fn collect(initial: Value, mut drafts: Vec<(u64, Option<u64>, Call, Outcome<Return>)>) -> History<Register> {
    drafts.sort_by_key(|draft| draft.0);
    let operations = (0u32..).zip(drafts).map(|(i, (began, ended, call, outcome))| Operation {
        index: OpIndex(i),
        process: Process(i),
        node: NodeId(0),
        call,
        outcome,
        began: Nanos(began),
        ended: ended.map(Nanos),
    });
    let operations = operations.collect();
    History {
        header: Header { initial, ..Header::new("register") },
        operations,
        faults: Vec::new(),
        damage: None,
    }
}

fn value(number: u64) -> Value {
    if number == 0 { Value::Nil } else { Value::Int(number as i64) }
}

/// What the histories of one round have in common.
#[derive(Clone, Copy)]
struct Shape {
    keys: u64,
    /// How many values are written; 0: all different ones.
    values: u64,
    cas: u64,
    unknown: u64,
    failed: u64,
    /// The chance that an answer is made up.
    lies: u64,
    initial: u64,
    spread: u64,
}

fn shape(dice: &mut Dice) -> Shape {
    Shape {
        keys: 1 + dice.roll(2),
        values: [0, 0, 2, 3][dice.roll(4) as usize],
        cas: [0, 20, 70][dice.roll(3) as usize],
        unknown: [0, 10, 30][dice.roll(3) as usize],
        failed: [0, 0, 15][dice.roll(3) as usize],
        lies: [0, 10, 15, 40][dice.roll(4) as usize],
        initial: u64::from(dice.roll(8) == 0),
        spread: 2 + dice.roll(6),
    }
}

/// Calls take effect on true registers one after the other; some answers are then replaced by made up ones.
fn generate(dice: &mut Dice, shape: Shape) -> History<Register> {
    let (mut state, mut point, mut drafts) = ([shape.initial; 2], shape.spread, Vec::new());
    let operations = 2 + dice.roll(6).max(dice.roll(6));
    for unique in 0..operations {
        point += dice.roll(3);
        let (began, ended) = (point - dice.roll(shape.spread), point + dice.roll(shape.spread));
        let slot = dice.roll(shape.keys) as usize;
        let (key, now) = (Value::from(["x", "y"][slot]), state[slot]);
        let any =
            |dice: &mut Dice| dice.roll(1 + if shape.values > 0 { shape.values } else { operations + 1 });
        let to = match shape.values {
            0 => unique + 2,
            // Now and then the initial value is written again.
            values => (1 + dice.roll(values)) * u64::from(!dice.percent(5)),
        };
        let lie = dice.percent(shape.lies);
        let (call, answer, effect) = if dice.percent(shape.cas) {
            let from = if dice.percent(60) { now } else { any(dice) };
            let fits = (from == now) != lie;
            let answer = if fits { Return::Swapped } else { Return::Refused };
            (Call::Cas(key, value(from), value(to)), answer, (from == now).then_some(to))
        } else if dice.percent(55) {
            let seen = value(if lie { any(dice) } else { now });
            (Call::Read(key), Return::Value((!dice.percent(6)).then_some(seen)), None)
        } else {
            (Call::Write(key, value(to)), Return::Written, Some(to))
        };
        let (failed, unknown) = (dice.percent(shape.failed), dice.percent(shape.unknown));
        if let Some(to) = effect.filter(|_| !(failed || unknown && dice.percent(50))) {
            state[slot] = to;
        }
        let outcome = match (failed, unknown) {
            (true, _) => Outcome::Fail("refused".into()),
            (_, true) => Outcome::Unknown("timeout".into()),
            _ => Outcome::Ok(answer),
        };
        drafts.push((began, (!dice.percent(2)).then_some(ended), call, outcome));
    }
    collect(value(shape.initial), drafts)
}

#[test]
fn the_checker_agrees_with_trying_every_order_on_random_small_histories() {
    const ROUNDS: u64 = 4_200;
    const EACH: usize = 100;
    let valid: usize = (0..ROUNDS)
        .into_par_iter()
        .map(|round| {
            let mut dice = Dice(round);
            let shape = shape(&mut dice);
            let mut one = |_: &usize| {
                let twist = dice.roll(1 << 7) as usize;
                compare(&generate(&mut dice, shape), twist)
            };
            (0..EACH).filter(&mut one).count()
        })
        .sum();
    let all = ROUNDS as usize * EACH;
    println!("{all} histories: {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}

/// Which of the operations ended before which began.
type Precedence = Vec<Vec<bool>>;

/// When each operation began and ended.
type Spans = Vec<(u64, u64)>;

fn permutations(size: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..size {
        let longer = |shorter: &Vec<usize>| {
            let left = (0..size).filter(|i| !shorter.contains(i)).collect::<Vec<_>>();
            left.into_iter().map(|i| [shorter.as_slice(), &[i]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// One set of intervals for each way in which so many can follow each other, and its symmetries.
fn interval_orders(size: usize) -> Vec<(Spans, Vec<Vec<usize>>)> {
    let permutations = permutations(size);
    let intervals: Vec<(u64, u64)> =
        (0..size as u64).flat_map(|end| (0..=end).map(move |began| (began, end))).collect();
    let (mut known, mut orders) = (BTreeSet::<Precedence>::new(), Vec::new());
    for choice in 0..intervals.len().pow(size as u32) {
        let pick = |i: usize| intervals[choice / intervals.len().pow(i as u32) % intervals.len()];
        let spans: Spans = (0..size).map(pick).collect();
        if !spans.is_sorted() {
            continue;
        }
        let seen_as = |permutation: &Vec<usize>| -> Precedence {
            let row = |&i: &usize| permutation.iter().map(|&k| spans[i].1 < spans[k].0).collect();
            permutation.iter().map(row).collect()
        };
        let same = seen_as(&(0..size).collect());
        let least = permutations.iter().map(seen_as).min().expect("there is a permutation");
        if known.insert(least) {
            let symmetries = permutations.iter().filter(|permutation| seen_as(permutation) == same);
            orders.push((spans.clone(), symmetries.cloned().collect()));
        }
    }
    orders
}

/// Every kind of operation over two values, and for each its number once the two values are exchanged.
fn letters() -> (Vec<(Call, Outcome<Return>)>, Vec<usize>) {
    let unknown = || Outcome::Unknown("timeout".into());
    let alphabet = |swap: bool| {
        let number = |i: u64| value(if swap { [0, 2, 1][i as usize] } else { i });
        let x = || Value::from("x");
        let mut letters = vec![(Call::Read(x()), Outcome::Ok(Return::Value(None)))];
        for to in 0..3 {
            letters.push((Call::Read(x()), Outcome::Ok(Return::Value(Some(number(to))))));
            letters.push((Call::Cas(x(), number(to), Value::Int(1)), Outcome::Ok(Return::Refused)));
        }
        for to in 1..3 {
            letters.push((Call::Write(x(), number(to)), Outcome::Ok(Return::Written)));
            letters.push((Call::Write(x(), number(to)), unknown()));
            for from in 0..3 {
                let swap = || Call::Cas(x(), number(from), number(to));
                letters.push((swap(), Outcome::Ok(Return::Swapped)));
                letters.push((swap(), unknown()));
            }
        }
        letters
    };
    let letters = alphabet(false);
    let place = |swapped| letters.iter().position(|letter| *letter == swapped).expect("both have the same");
    let swapped = alphabet(true).into_iter().map(place).collect();
    (letters, swapped)
}

#[test]
fn the_checker_agrees_with_trying_every_order_on_all_histories_of_up_to_four_operations() {
    let (letters, swapped) = letters();
    let (mut all, mut valid) = (0, 0);
    for (size, known) in [(1, 1), (2, 2), (3, 5), (4, 15)] {
        let orders = interval_orders(size);
        assert_eq!(orders.len(), known, "interval orders of {size}");
        for (spans, symmetries) in orders {
            let judge = |number: usize| {
                let letter = |i: usize| number / letters.len().pow(i as u32) % letters.len();
                let word: Vec<usize> = (0..size).map(letter).collect();
                let is_least = symmetries.iter().all(|symmetry| {
                    word.iter().copied().le(symmetry.iter().map(|&i| word[i]))
                        && word.iter().copied().le(symmetry.iter().map(|&i| swapped[word[i]]))
                });
                is_least.then(|| {
                    let draft = |(&i, &(began, ended)): (&usize, &(u64, u64))| {
                        (began, Some(ended), letters[i].0.clone(), letters[i].1.clone())
                    };
                    compare(&collect(Value::Nil, word.iter().zip(&spans).map(draft).collect()), number)
                })
            };
            let judged = (0..letters.len().pow(size as u32)).into_par_iter().filter_map(judge);
            let counts = judged.map(|valid| (1, usize::from(valid)));
            let (more, more_valid) = counts.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            (all, valid) = (all + more, valid + more_valid);
        }
    }
    println!("all {all} histories: {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}
