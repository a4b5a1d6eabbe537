//! What is said about histories of queues, stacks, priority queues, bags and sets: kinds, sentences, witnesses, and that
//! the monitors and the general engine agree.

#[path = "material/dice.rs"]
mod dice;

use std::collections::BTreeMap;

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, DataType, SetFull, Validity, Verdict,
    collections::{Monitored, MonitoredSet},
    datatypes::{BagState, PriorityQueueState, QueueState, SetState, StackState},
    glossary,
    linearizability::LinearizableType,
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{Bag, PriorityQueue, Queue, Set, Stack, bag, queue, set},
};
use rayon::prelude::*;

/// A call with its answer (`None`: unknown), its beginning and its end.
type Timed<V> = (<V as Vocabulary>::Call, Option<<V as Vocabulary>::Return>, u64, u64);

/// A history of these calls.
fn history<V: Vocabulary>(mut calls: Vec<Timed<V>>) -> History<V> {
    calls.sort_by_key(|call| call.2);
    let operations = (0u32..).zip(calls).map(|(index, (call, returned, began, ended))| Operation {
        index: OpIndex(index),
        process: Process(index),
        node: NodeId(0),
        call,
        outcome: returned.map_or(Outcome::Unknown("no answer".into()), Outcome::Ok),
        began: Nanos(began * 1_000_000_000),
        ended: Some(Nanos(ended * 1_000_000_000)),
    });
    History {
        header: Header::new(V::NAME),
        operations: operations.collect(),
        faults: Vec::new(),
        damage: None,
    }
}

fn x() -> Value {
    Value::from("x")
}

fn put(element: i64, began: u64, ended: u64) -> (queue::Call, Option<queue::Return>, u64, u64) {
    (queue::Call::Enqueue(x(), Value::Int(element)), Some(queue::Return::Enqueued), began, ended)
}

fn took(element: i64, began: u64, ended: u64) -> (queue::Call, Option<queue::Return>, u64, u64) {
    (queue::Call::Dequeue(x()), Some(queue::Return::Dequeued(Value::Int(element))), began, ended)
}

fn empty(began: u64, ended: u64) -> (queue::Call, Option<queue::Return>, u64, u64) {
    (queue::Call::Dequeue(x()), Some(queue::Return::Empty), began, ended)
}

fn lost_take(began: u64) -> (queue::Call, Option<queue::Return>, u64, u64) {
    (queue::Call::Dequeue(x()), None, began, began + 1)
}

type QueueCalls = Vec<(queue::Call, Option<queue::Return>, u64, u64)>;

fn judged<D: DataType>(calls: QueueCalls) -> Verdict
where
    D::Vocabulary: disprove_checkers::collections::Collection<Call = queue::Call, Return = queue::Return>,
{
    Monitored::<D>::default().check(&history(calls), &Budget::default())
}

fn expect(verdict: &Verdict, kind: &str, witness: &[u32], sentence: &str) {
    assert_eq!(verdict.validity, Validity::Invalid, "{verdict:#?}");
    assert_eq!(verdict.anomalies.len(), 1, "{verdict:#?}");
    let anomaly = &verdict.anomalies[0];
    assert_eq!((anomaly.kind.as_str(), anomaly.sentence.as_str()), (kind, sentence));
    assert_eq!(anomaly.witness, witness.iter().map(|&index| OpIndex(index)).collect::<Vec<_>>());
    assert!(glossary().iter().any(|entry| entry.kind == kind), "{kind} is not explained");
}

#[test]
fn queues_are_explained() {
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), put(2, 2, 3), took(2, 4, 5), took(1, 6, 7)]);
    expect(
        &verdict,
        "out-of-order",
        &[0, 1, 2, 3],
        "1 was enqueued in x by p0 (done at 1.000 s) before 2 was by p1 at 2.000 s, but 2 was dequeued by p2 (done at \
         5.000 s), before the dequeue by p3 at 6.000 s returned 1",
    );
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), put(2, 2, 3), took(2, 4, 5), empty(6, 7)]);
    expect(
        &verdict,
        "lost-element",
        &[0, 1, 2],
        "1 was enqueued in x by p0 (done at 1.000 s), before 2 was by p1 at 2.000 s; 2 was dequeued by p2 (done at \
         5.000 s), but 1 never came out",
    );
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), took(1, 2, 3), took(1, 4, 5)]);
    expect(
        &verdict,
        "duplicate-delivery",
        &[0, 1, 2],
        "1 was enqueued once in x, by p0, but came out twice: to p1 at 2.000 s and to p2 at 4.000 s",
    );
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), took(7, 2, 3)]);
    expect(
        &verdict,
        "element-from-nowhere",
        &[1],
        "the dequeue from x by p1 at 2.000 s returned 7, but nobody ever enqueued it",
    );
    let verdict = judged::<QueueState>(vec![took(7, 0, 1), put(7, 2, 3)]);
    expect(
        &verdict,
        "element-from-nowhere",
        &[0, 1],
        "the dequeue from x by p0 returned 7 (done at 1.000 s), before it began to be enqueued by p1 at 2.000 s",
    );
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), empty(2, 3), took(1, 4, 5)]);
    expect(
        &verdict,
        "false-empty",
        &[0, 1, 2],
        "the dequeue by p1 at 2.000 s found x empty, but 1 had been enqueued by p0 (done at 1.000 s) and was dequeued \
         only by p2, from 4.000 s on",
    );
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), put(2, 0, 1), lost_take(2), empty(4, 5)]);
    expect(
        &verdict,
        "lost-element",
        &[0, 1, 2, 3],
        "the dequeue by p3 at 4.000 s found x empty, but at each instant of that call at least one of 1 and 2 was \
         certainly inside; the one dequeue of unknown result that had begun by then cannot make up for it",
    );
}

#[test]
fn stacks_and_priority_queues_are_explained() {
    let verdict = judged::<StackState>(vec![put(1, 0, 1), put(2, 2, 3), took(1, 4, 5), took(2, 6, 7)]);
    expect(
        &verdict,
        "out-of-order",
        &[0, 1, 2, 3],
        "2 was pushed on 1 of x by p1 (done at 3.000 s), but the pop by p2 at 4.000 s returned 1, though 2 was above it \
         and came out only later, by p3 from 6.000 s on",
    );
    let verdict =
        judged::<PriorityQueueState>(vec![put(5, 0, 1), put(3, 0, 1), took(5, 2, 3), took(3, 4, 5)]);
    expect(
        &verdict,
        "out-of-order",
        &[0, 1, 2, 3],
        "the extract from x by p2 at 2.000 s returned 5, though 3, which comes before it, had been inserted by p1 (done \
         at 1.000 s) and came out only later, by p3 from 4.000 s on",
    );
    let mut largest =
        history::<PriorityQueue>(vec![put(5, 0, 1), put(3, 0, 1), took(5, 2, 3), took(3, 4, 5)]);
    largest.header.initial = Value::from("largest-first");
    let verdict = Monitored::<PriorityQueueState>::default().check(&largest, &Budget::default());
    assert_eq!(verdict.validity, Validity::Valid);
}

#[test]
fn sets_are_explained() {
    use set::{Call, Return};
    let add =
        |element: i64, began, ended| (Call::Add(x(), Value::Int(element)), Some(Return::Added), began, ended);
    let read = |elements: &[i64], began, ended| {
        let elements = elements.iter().map(|&element| Value::Int(element)).collect();
        (Call::Read(x()), Some(Return::Elements(elements)), began, ended)
    };
    let judged =
        |calls| MonitoredSet::<SetState>::default().check(&history::<Set>(calls), &Budget::default());
    expect(
        &judged(vec![add(1, 0, 1), read(&[], 2, 3), read(&[1], 4, 5)]),
        "stale-element",
        &[0, 1],
        "1 in x was added by p0 from 0.000 s to 1.000 s, but p1 from 2.000 s to 3.000 s did not find it, though a later \
         one showed it again",
    );
    expect(
        &judged(vec![add(1, 0, 1), read(&[1], 2, 3), read(&[], 4, 5)]),
        "lost-element",
        &[0, 2],
        "1 in x was added by p0 from 0.000 s to 1.000 s, but p2 from 4.000 s to 5.000 s did not find it, and nobody saw \
         it later",
    );
    expect(
        &judged(vec![read(&[3], 2, 3)]),
        "unexpected-element",
        &[0],
        "p0 from 2.000 s to 3.000 s showed 3 in x, but nobody ever added it",
    );
    expect(
        &judged(vec![add(1, 0, 9), read(&[1, 1], 2, 3)]),
        "duplicated-element",
        &[1],
        "the read of x by p1 at 2.000 s listed 1 more than once",
    );
    expect(
        &judged(vec![add(1, 0, 9), add(2, 0, 9), read(&[1], 2, 5), read(&[2], 2, 5)]),
        "nonlinearizable",
        &[0, 1, 2, 3],
        "no order of x explains this about 1 and 2: p0 from 0.000 s to 9.000 s added 1; p1 from 0.000 s to 9.000 s \
         added 2; p2 from 2.000 s to 5.000 s listed only 1; p3 from 2.000 s to 5.000 s listed only 2",
    );
}

#[test]
fn keys_are_judged_apart_and_limits_are_said() {
    let other = |(call, returned, began, ended): (queue::Call, Option<queue::Return>, u64, u64)| {
        let y = Value::from("y");
        let call = match call {
            queue::Call::Enqueue(_, element) => queue::Call::Enqueue(y, element),
            queue::Call::Dequeue(_) => queue::Call::Dequeue(y),
        };
        (call, returned, began, ended)
    };
    let calls =
        vec![put(1, 0, 1), other(put(1, 0, 3)), other(put(2, 4, 5)), took(1, 4, 5), other(took(1, 2, 8))];
    let both = history::<Queue>(calls);
    let checker = Monitored::<QueueState>::default();
    let verdict = checker.check(&both, &Budget::default());
    assert_eq!(verdict.validity, Validity::Valid);
    assert_eq!(verdict.certificate.map(|order| order.len()), Some(5));
    let verdict = checker.check(&both, &Budget::new(2, u64::MAX));
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.limits.len(), 1, "{verdict:?}");
    let verdict = checker.check(&both, &Budget::new(u64::MAX, 100));
    assert_eq!((verdict.validity, verdict.limits.len()), (Validity::Unknown, 1), "{verdict:?}");
}

#[test]
fn repeated_elements_go_to_the_general_engine() {
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), put(1, 2, 3), took(1, 4, 5), took(1, 6, 7)]);
    assert_eq!(verdict.validity, Validity::Valid);
    assert_eq!(verdict.notes, ["key x was judged by the general engine: 1 was enqueued more than once"]);
    let verdict = judged::<QueueState>(vec![put(1, 0, 1), put(1, 2, 3), took(1, 4, 5), empty(6, 7)]);
    assert_eq!(verdict.validity, Validity::Invalid);
    assert!(verdict.anomalies[0].witness.contains(&OpIndex(3)), "{verdict:?}");
}

/// Calls that the data type itself answered one after the other, stretched in time and then sometimes falsified.
fn random<D: DataType>(
    dice: &mut Dice,
    call: impl Fn(&mut Dice) -> <D::Vocabulary as Vocabulary>::Call,
    answers: impl Fn(
        &<D::Vocabulary as Vocabulary>::Call,
        &mut Dice,
    ) -> Vec<<D::Vocabulary as Vocabulary>::Return>,
) -> History<D::Vocabulary> {
    let mut states: BTreeMap<Value, D> = BTreeMap::new();
    let reach = [0, 1, 2, 4][dice.below(4)];
    let unknown = [0, 20][dice.below(2)];
    let mut calls = Vec::new();
    let mut next = Vec::new();
    for place in 0..3 + dice.below(10) {
        let call = call(dice);
        let all = answers(&call, dice);
        let key = D::Vocabulary::keys(&call).swap_remove(0);
        let state = states.entry(key).or_insert_with(|| D::initial(&Value::Nil));
        let mut fitting = all.iter().filter(|answer| {
            next.clear();
            state.step(&call, Some(answer), &mut next);
            !next.is_empty()
        });
        let Some(right) = fitting.next() else { continue };
        let mut answer = right.clone();
        next.clear();
        state.step(&call, Some(right), &mut next);
        let unknown = dice.percent(unknown);
        if !unknown || dice.percent(60) {
            *state = next.swap_remove(0);
        }
        if dice.percent(6) {
            answer = all[dice.below(all.len())].clone();
        }
        let at = 4 * place as u64 + 20;
        let began = at - dice.below(4 * reach + 1) as u64;
        calls.push((call, (!unknown).then_some(answer), began, at + 1 + dice.below(4 * reach + 1) as u64));
    }
    history(calls)
}

/// The monitor's answer is the general engine's; every witness by itself is one for the general engine, too.
fn agree<D: DataType>(checker: &impl Checker<D::Vocabulary>, history: &History<D::Vocabulary>) -> bool {
    let budget = Budget::default();
    let general = LinearizableType::<D>::new();
    let (one, other) = (checker.check(history, &budget), general.check(history, &budget));
    let lines: Vec<String> = history
        .operations
        .iter()
        .map(|o| format!("{} {:?} {:?} {}..{:?}", o.index, o.call, o.outcome, o.began, o.ended))
        .collect();
    let told = || format!("{lines:#?}\n{one:#?}\n{other:#?}");
    assert_eq!(one.validity, other.validity, "{}", told());
    if let Some(order) = &one.certificate {
        let (mut all, mut latest): (BTreeMap<Value, Vec<D>>, _) = (BTreeMap::new(), Nanos(0));
        for index in order {
            let operation = &history.operations[index.0 as usize];
            let key = D::Vocabulary::keys(&operation.call).swap_remove(0);
            let states = all.entry(key).or_insert_with(|| vec![D::initial(&history.header.initial)]);
            let mut next = Vec::new();
            for state in states.iter() {
                state.step(&operation.call, operation.outcome.ok(), &mut next);
            }
            // A removal that found nothing leaves everything as it was.
            if next.is_empty() && operation.outcome.ok().is_none() {
                next.clone_from(states);
            }
            latest = latest.max(operation.began);
            assert!(!next.is_empty() && operation.deadline().is_none_or(|end| end >= latest), "{}", told());
            *states = next;
        }
        let certain = history.operations.iter().filter(|operation| operation.outcome.ok().is_some());
        assert!(certain.clone().all(|operation| order.contains(&operation.index)), "{}", told());
    }
    one.validity == Validity::Valid
}

fn compare<D: DataType>(
    name: &str,
    checker: impl Checker<D::Vocabulary>,
    call: impl Fn(&mut Dice) -> <D::Vocabulary as Vocabulary>::Call + Sync,
    answers: impl Fn(
        &<D::Vocabulary as Vocabulary>::Call,
        &mut Dice,
    ) -> Vec<<D::Vocabulary as Vocabulary>::Return>
    + Sync,
) {
    let text = std::env::var("DISPROVE_COLLECTIONS_VERDICTS").unwrap_or_default();
    let rounds: u64 = text.parse().unwrap_or(1_500);
    let valid: u64 = (0..rounds)
        .into_par_iter()
        .map(|round| u64::from(agree::<D>(&checker, &random::<D>(&mut Dice(round), &call, &answers))))
        .sum();
    println!("{name}: {rounds} random histories, {valid} valid");
    assert!(valid > rounds / 5 && valid < rounds * 9 / 10, "{name}: {valid} of {rounds} are valid");
}

fn key(dice: &mut Dice) -> Value {
    Value::from(if dice.percent(80) { "x" } else { "y" })
}

fn queue_call(dice: &mut Dice) -> queue::Call {
    let key = key(dice);
    if dice.percent(50) {
        queue::Call::Enqueue(key, Value::Int(dice.below(40) as i64))
    } else {
        queue::Call::Dequeue(key)
    }
}

fn queue_answers(call: &queue::Call, _: &mut Dice) -> Vec<queue::Return> {
    match call {
        queue::Call::Enqueue(..) => vec![queue::Return::Enqueued],
        queue::Call::Dequeue(_) => {
            let elements = (0..40).map(|element| queue::Return::Dequeued(Value::Int(element)));
            elements.chain([queue::Return::Empty]).collect()
        }
    }
}

#[test]
fn monitors_and_the_general_engine_agree() {
    compare::<QueueState>("queue", Monitored::<QueueState>::default(), queue_call, queue_answers);
    compare::<StackState>("stack", Monitored::<StackState>::default(), queue_call, queue_answers);
    let priority = Monitored::<PriorityQueueState>::default();
    compare::<PriorityQueueState>("priority queue", priority, queue_call, queue_answers);
    let bag_call = |dice: &mut Dice| match dice.below(20) {
        0..10 => bag::Call::Add(key(dice), Value::Int(dice.below(40) as i64)),
        10..19 => bag::Call::Take(key(dice)),
        _ => bag::Call::Read(key(dice)),
    };
    let bag_answers = |call: &bag::Call, _: &mut Dice| match call {
        bag::Call::Add(..) => vec![bag::Return::Added],
        bag::Call::Take(_) => {
            let elements = (0..40).map(|element| bag::Return::Taken(Value::Int(element)));
            elements.chain([bag::Return::Empty]).collect()
        }
        bag::Call::Read(_) => vec![bag::Return::Elements(Vec::new())],
    };
    compare::<BagState>("bag", Monitored::<BagState>::default(), bag_call, bag_answers);
}

#[test]
fn the_monitor_of_sets_and_the_general_engine_agree() {
    use set::{Call, Return};
    let call = |range: usize, removes: u64| {
        move |dice: &mut Dice| {
            let (key, element) = (key(dice), Value::Int(dice.below(range) as i64));
            match dice.below(10) {
                0..4 => Call::Add(key, element),
                4..6 if dice.percent(removes) => Call::Remove(key, element),
                4..8 => Call::Contains(key, element),
                _ => Call::Read(key),
            }
        }
    };
    let answers = |call: &Call, dice: &mut Dice| match call {
        Call::Add(..) if dice.percent(50) => vec![Return::Added],
        Call::Remove(..) if dice.percent(50) => vec![Return::Removed],
        Call::Add(..) | Call::Remove(..) => vec![Return::Changed(true), Return::Changed(false)],
        Call::Contains(..) => vec![Return::Contains(true), Return::Contains(false)],
        Call::Read(_) => {
            let subset = |bits: u32| (0..8).filter(|bit| bits >> bit & 1 == 1).map(Value::Int).collect();
            (0..256).map(|bits| Return::Elements(subset(bits))).collect()
        }
    };
    let checker = MonitoredSet::<SetState>::default;
    compare::<SetState>("grow-only sets", checker(), call(8, 0), answers);
    compare::<SetState>("sets", checker(), call(8, 60), answers);
    compare::<SetState>("sets with few elements", checker(), call(2, 60), answers);
}

/// The older checker of grow-only sets finds nothing that the monitor does not, and the monitor calls nothing valid that
/// the older one does not.
#[test]
fn both_checkers_of_grow_only_sets_agree() {
    use set::{Call, Return};
    let mut valid = 0;
    for round in 0..3_000 {
        let mut dice = Dice(round);
        let fresh = std::cell::Cell::new(0);
        let call = |dice: &mut Dice| {
            if dice.percent(60) {
                fresh.set(fresh.get() + 1);
                Call::Add(x(), Value::Int(fresh.get() - 1))
            } else {
                Call::Read(x())
            }
        };
        let answers = |call: &Call, dice: &mut Dice| match call {
            Call::Read(_) => {
                let some = dice.below(256) as u32;
                let subset = |bits: u32| (0..8).filter(|bit| bits >> bit & 1 == 1).map(Value::Int).collect();
                (0..256).map(|bits| Return::Elements(subset(bits ^ (some & 1)))).collect()
            }
            _ => vec![Return::Added],
        };
        let history = random::<SetState>(&mut dice, call, answers);
        let monitor = MonitoredSet::<SetState>::default().check(&history, &Budget::default());
        let older = SetFull::new(true).check(&history, &Budget::default());
        let told = || format!("{:#?}\n{monitor:#?}\n{older:#?}", history.operations);
        assert!(older.validity != Validity::Invalid || monitor.validity == Validity::Invalid, "{}", told());
        if monitor.validity == Validity::Invalid && older.validity != Validity::Invalid {
            // What one element alone cannot show needs two of them.
            assert!(monitor.anomalies.iter().all(|anomaly| anomaly.kind == "nonlinearizable"), "{}", told());
        }
        valid += u32::from(monitor.validity == Validity::Valid);
    }
    assert!((500..2_700).contains(&valid), "{valid}");
}

/// Named by what a user would call them; nothing here is about the vocabularies themselves.
#[test]
fn every_name_is_judged_by_its_monitor() {
    fn note<V: disprove_checkers::datatypes::Judged>(history: &History<V>) -> Validity {
        let checker = V::linearizable().expect("it is judged as a sequential object");
        checker.check(history, &Budget::default()).validity
    }
    let calls = || {
        // Far too wide for any search: all of it concurrent.
        (0..400).flat_map(|element| [put(element, 0, 9), took(element, 0, 9)]).collect::<Vec<_>>()
    };
    assert_eq!(note(&history::<Queue>(calls())), Validity::Valid);
    assert_eq!(note(&history::<Stack>(calls())), Validity::Valid);
    assert_eq!(note(&history::<PriorityQueue>(calls())), Validity::Valid);
    let bag = (0..400).flat_map(|element| {
        let element = Value::Int(element);
        let taken = bag::Return::Taken(element.clone());
        [
            (bag::Call::Add(x(), element), Some(bag::Return::Added), 0, 9),
            (bag::Call::Take(x()), Some(taken), 0, 9),
        ]
    });
    assert_eq!(note(&history::<Bag>(bag.collect())), Validity::Valid);
}
