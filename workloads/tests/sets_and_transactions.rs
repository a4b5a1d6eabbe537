//! The generators of sets and transactions.

use std::collections::{BTreeMap, BTreeSet};

use disprove_workloads::{
    Options,
    set::SetCalls,
    simulate::{End, Simulation, answers::Sets, simulate},
    transactions::{TransactionShape, Transactions},
};
use history::{
    Key, Nanos, Operation, Value,
    vocabulary::{ListAppend, Set, list_append, set},
};

fn options() -> Options {
    Options {
        threads: 10,
        nodes: 5,
        keys: 3,
        rate: None,
        seed: 7,
        run_id: "r7f3".into(),
        model: "linearizable".into(),
    }
}

#[test]
fn set_elements_are_unique_and_final_reads_cover_every_set() {
    let mut calls = SetCalls::new(&options(), 100);
    let mut finals = calls.final_reads(5);
    let mut sets = Sets::default();
    let simulation = Simulation::realistic().calls_max(10_000);
    let main = simulate::<Set>(&mut calls, 10, &simulation, |call| sets.answer(call));
    let last = simulate::<Set>(&mut finals, 10, &simulation, |call| sets.answer(call));
    assert_eq!(last.end, End::Done);
    let mut elements = BTreeSet::new();
    let mut sizes: BTreeMap<&Key, usize> = BTreeMap::new();
    for operation in &main.operations {
        if let set::Call::Add(key, element) = &operation.call {
            assert!(elements.insert(element), "{element} twice");
            *sizes.entry(key).or_default() += 1;
        }
    }
    assert!(elements.len() > 6_000 && sizes.values().all(|size| *size <= 100));
    let mut readers: BTreeMap<&Key, usize> = BTreeMap::new();
    for operation in &last.operations {
        let set::Call::Read(key) = &operation.call else { panic!("final reads read") };
        *readers.entry(key).or_default() += 1;
    }
    assert!(sizes.keys().all(|key| readers[*key] == 5));
}

fn transactions(shape: TransactionShape) -> (Transactions, Vec<Operation<ListAppend>>) {
    let mut transactions = Transactions::new(shape, "r7f3", 7);
    let simulation = Simulation::perfect().calls_max(10_000);
    let operations = simulate::<ListAppend>(&mut transactions, 5, &simulation, |_| Vec::new()).operations;
    (transactions, operations)
}

#[test]
fn transactions_keep_their_shape() {
    let shape = TransactionShape { length: 2..=5, writes_per_key_max: 20, ..TransactionShape::default() };
    let (_, operations) = transactions(shape);
    let mut appended: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
    let mut lengths = BTreeSet::new();
    for step in operations.iter().flat_map(|operation| &operation.call) {
        if let list_append::Step::Append(key, value) = step {
            assert!(appended.entry(key.clone()).or_default().insert(value.clone()), "{key} {value} twice");
        }
    }
    for operation in &operations {
        lengths.insert(operation.call.len());
    }
    assert_eq!(lengths, (2..=5).collect());
    assert!(appended.values().all(|values| values.len() <= 20));
    assert!(appended.values().any(|values| values.len() > 15), "some keys get many writes");
}

/// Somebody who judges a run while it goes on forgets a key after its last call, and must know by then how it ended.
#[test]
fn a_key_is_read_once_more_when_its_last_write_has_ended() {
    for simulation in [Simulation::perfect(), Simulation::realistic()] {
        let shape = TransactionShape { writes_per_key_max: 20, ..TransactionShape::default() };
        let mut transactions = Transactions::new(shape, "r7f3", 7);
        let run = simulate::<ListAppend>(&mut transactions, 5, &simulation.calls_max(10_000), |_| Vec::new());
        let mut last_write: BTreeMap<Key, Nanos> = BTreeMap::new();
        let mut last_read: BTreeMap<Key, Nanos> = BTreeMap::new();
        for operation in &run.operations {
            for step in &operation.call {
                let (last, at) = match step {
                    list_append::Step::Append(..) => (&mut last_write, operation.ended),
                    list_append::Step::Read(_) => {
                        (&mut last_read, operation.outcome.ok().map(|_| operation.began))
                    }
                };
                let known = last.entry(step.key().clone()).or_default();
                *known = at.unwrap_or_default().max(*known);
            }
        }
        let unread = last_write.iter().filter(|(key, at)| last_read.get(key).is_none_or(|read| read < at));
        // Those of the last moments are left to the final reads.
        assert!(unread.count() < 25 && last_write.len() > 1_000, "of {}", last_write.len());
    }
}

/// Jepsen's final reads leave out the largest key, and the last keys that do not fill a transaction.
#[test]
fn final_transactions_read_every_key_once() {
    for key_count in [1, 7, 8, 9] {
        let (transactions, _) = transactions(TransactionShape { key_count, ..TransactionShape::default() });
        let mut finals = transactions.final_reads::<ListAppend>(8);
        let last = simulate::<ListAppend>(&mut finals, 5, &Simulation::perfect(), |_| Vec::new());
        assert_eq!(last.end, End::Done);
        let read: Vec<_> =
            last.operations.iter().flat_map(|operation| &operation.call).map(|step| step.key()).collect();
        let expected: Vec<Key> =
            (0..transactions.keys_used()).map(|number| Key::from(&*format!("r7f3-{number}"))).collect();
        assert_eq!(read, expected.iter().collect::<Vec<_>>());
    }
}
