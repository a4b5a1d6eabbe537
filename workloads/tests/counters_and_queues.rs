//! The workloads of counters and queues: a right object is not accused, and one wrong answer is found.

use std::collections::{BTreeMap, VecDeque};

use checkers::{Budget, Validity};
use disprove_workloads::{
    CounterWorkload, Options, QueueWorkload, Workload,
    simulate::{End, Simulation, simulate},
};
use history::{
    Counter, Header, History, Key, Operation, Outcome, Queue, Value, Vocabulary,
    vocabulary::{counter, queue},
};

fn options() -> Options {
    Options {
        threads: 8,
        nodes: 3,
        keys: 4,
        rate: None,
        seed: 7,
        run_id: "r7f3".into(),
        model: "linearizable".into(),
    }
}

/// The main calls and the final ones of a run, one after the other.
fn run<W: Workload>(
    workload: &W,
    mut answer: impl FnMut(&<W::Vocabulary as Vocabulary>::Call) -> <W::Vocabulary as Vocabulary>::Return,
) -> History<W::Vocabulary> {
    let options = options();
    let simulation = Simulation::realistic().calls_max(6_000);
    let main = simulate(&mut workload.generator(&options), options.threads, &simulation, &mut answer);
    let last = simulate(&mut workload.final_generator(&options), options.threads, &simulation, answer);
    assert_eq!((main.end, last.end), (End::Limit, End::Done));
    let mut header = Header::new(W::Vocabulary::NAME);
    header.initial = workload.initial();
    let mut operations = main.operations;
    let after = operations.iter().filter_map(|operation| operation.ended).max().unwrap_or_default();
    for mut operation in last.operations {
        // The final calls begin when the main ones are over, in sessions of their own.
        operation.index.0 += 1_000_000;
        operation.process.0 += 1_000_000;
        operation.began.0 += after.0 + 1;
        operation.ended.iter_mut().for_each(|ended| ended.0 += after.0 + 1);
        operations.push(operation);
    }
    History { header, operations, faults: Vec::new(), damage: None }
}

fn judge<W: Workload>(workload: &W, history: &History<W::Vocabulary>) -> Validity {
    workload.checkers(&options())[0].check(history, &Budget::default()).validity
}

/// The outcome of some successful call in the middle that fits.
fn one_of<V: Vocabulary>(
    history: &mut History<V>,
    fits: impl Fn(&Operation<V>) -> bool,
) -> &mut Outcome<V::Return> {
    let mut fitting = history.operations.iter_mut().filter(|operation| fits(operation));
    &mut fitting.nth(500).expect("there are more").outcome
}

#[test]
fn a_counter_that_counts_is_not_accused_and_one_wrong_read_is_found() {
    let mut held: BTreeMap<Key, i64> = BTreeMap::new();
    let workload = CounterWorkload::default();
    let mut history = run(&workload, |call| match call {
        counter::Call::Add(key, number) => {
            let value = held.entry(key.clone()).or_default();
            *value += number;
            counter::Return::Value(Some(*value))
        }
        counter::Call::Read(key) => counter::Return::Value(Some(held.get(key).copied().unwrap_or(0))),
    });
    assert_eq!(judge(&workload, &history), Validity::Valid);
    let read = one_of::<Counter>(&mut history, |operation| {
        Counter::is_read(&operation.call) && operation.outcome.ok().is_some()
    });
    *read = Outcome::Ok(counter::Return::Value(Some(1 << 40)));
    assert_eq!(judge(&workload, &history), Validity::Invalid);
}

#[test]
fn a_queue_that_keeps_order_is_not_accused_and_an_element_that_comes_out_twice_is_found() {
    let mut held: BTreeMap<Key, VecDeque<Value>> = BTreeMap::new();
    let workload = QueueWorkload::default();
    let mut history = run(&workload, |call| match call {
        queue::Call::Enqueue(key, element) => {
            held.entry(key.clone()).or_default().push_back(element.clone());
            queue::Return::Enqueued
        }
        queue::Call::Dequeue(key) => {
            let first = held.get_mut(key).and_then(VecDeque::pop_front);
            first.map_or(queue::Return::Empty, queue::Return::Dequeued)
        }
    });
    assert!(held.values().all(VecDeque::is_empty), "the final calls empty every queue");
    assert_eq!(judge(&workload, &history), Validity::Valid);
    let taken = |operation: &Operation<Queue>| match operation.outcome.ok() {
        Some(queue::Return::Dequeued(element)) => Some((operation.call.key().clone(), element.clone())),
        _ => None,
    };
    let (key, element) = history.operations.iter().filter_map(taken).next().expect("there are more");
    let again = history
        .operations
        .iter_mut()
        .rev()
        .find(|operation| operation.call == queue::Call::Dequeue(key.clone()))
        .expect("there are more");
    again.outcome = Outcome::Ok(queue::Return::Dequeued(element));
    assert_eq!(judge(&workload, &history), Validity::Invalid);
}
