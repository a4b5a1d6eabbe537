//! The workloads of locks, leases and ids: a right object is not accused, and one that gives things twice is found.

use std::collections::BTreeMap;

use checkers::{Budget, Validity};
use disprove_workloads::{
    IdsWorkload, LeaseWorkload, LockWorkload, Options, Workload,
    simulate::{Simulation, simulate},
};
use history::{
    Header, History, Key, Value, Vocabulary,
    vocabulary::{ids, lease, lock},
};

fn options() -> Options {
    Options {
        threads: 6,
        nodes: 3,
        keys: 3,
        rate: Some(300.0),
        seed: 5,
        run_id: "r7f3".into(),
        model: "linearizable".into(),
    }
}

fn run<W: Workload>(
    workload: &W,
    answer: impl FnMut(&<W::Vocabulary as Vocabulary>::Call) -> <W::Vocabulary as Vocabulary>::Return,
) -> (History<W::Vocabulary>, Validity) {
    let options = options();
    let simulation = Simulation::realistic().calls_max(1_500);
    let run = simulate(&mut workload.generator(&options), options.threads, &simulation, answer);
    let header = Header::new(W::Vocabulary::NAME);
    let history = History { header, operations: run.operations, faults: Vec::new(), damage: None };
    let validity = workload.checkers(&options)[0].check(&history, &Budget::default()).validity;
    (history, validity)
}

/// A lock that never ends by itself. What is held is answered for as refused.
fn locked(held: &mut BTreeMap<Key, Value>, call: &lock::Call) -> lock::Return {
    let holder = held.get(call.key());
    match call {
        lock::Call::Acquire(key, owner) if holder.is_none() => {
            held.insert(key.clone(), owner.clone());
            lock::Return::Acquired
        }
        lock::Call::Release(key, owner) if holder == Some(owner) => {
            held.remove(key);
            lock::Return::Released
        }
        _ => lock::Return::Refused,
    }
}

#[test]
fn a_lock_is_taken_and_given_back_and_one_that_is_given_twice_is_found() {
    let mut held = BTreeMap::new();
    let (history, validity) = run(&LockWorkload::default(), |call| locked(&mut held, call));
    assert_eq!(validity, Validity::Valid);
    let answered = |wanted: lock::Return| {
        history.operations.iter().filter(|operation| operation.outcome.ok() == Some(&wanted)).count()
    };
    assert!(answered(lock::Return::Released) > 20, "holders give back what they have");
    let (mut held, mut count) = (BTreeMap::new(), 0);
    let (_, validity) = run(&LockWorkload::default(), |call| {
        count += 1;
        if count % 40 == 0 {
            held.clear();
        }
        locked(&mut held, call)
    });
    assert_eq!(validity, Validity::Invalid);
}

#[test]
fn a_lease_is_renewed_and_one_that_is_given_to_everybody_is_found() {
    let mut held: BTreeMap<Key, Value> = BTreeMap::new();
    let (history, validity) = run(&LeaseWorkload::default(), |call| {
        let holder = held.get(call.key());
        match call {
            lease::Call::Acquire(key, owner, _) if holder.is_none() => {
                held.insert(key.clone(), owner.clone());
                lease::Return::Acquired
            }
            lease::Call::Renew(_, owner, _) if holder == Some(owner) => lease::Return::Renewed,
            lease::Call::Release(key, owner) if holder == Some(owner) => {
                held.remove(key);
                lease::Return::Released
            }
            _ => lease::Return::Refused,
        }
    });
    assert_eq!(validity, Validity::Valid);
    let renewed = |operation: &&_| {
        let operation: &history::Operation<history::Lease> = operation;
        operation.outcome.ok() == Some(&lease::Return::Renewed)
    };
    assert!(history.operations.iter().any(|operation| renewed(&operation)));
    let (_, validity) = run(&LeaseWorkload::default(), |call| match call {
        lease::Call::Acquire(..) => lease::Return::Acquired,
        lease::Call::Renew(..) => lease::Return::Renewed,
        lease::Call::Release(..) => lease::Return::Released,
    });
    assert_eq!(validity, Validity::Invalid);
}

#[test]
fn ids_that_come_once_are_right_and_one_that_comes_again_is_found() {
    for (again, expected) in [(u64::MAX, Validity::Valid), (700, Validity::Invalid)] {
        let mut given = 0;
        let (_, validity) = run(&IdsWorkload, |_| {
            given += 1;
            ids::Return::Id(Value::Int(if given == again { 3 } else { given as i64 }))
        });
        assert_eq!(validity, expected);
    }
}
