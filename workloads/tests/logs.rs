//! The workloads of logs: a right log is not accused, whoever follows it, and one who follows and is told too little, twice or in another
//! order is noticed by following alone.

use std::collections::BTreeMap;

use checkers::{Budget, Validity};
use disprove_workloads::{
    LogWorkload, Options, Workload,
    simulate::{End, Simulation, simulate},
};
use history::{
    Header, History, Key, Log, Value, Vocabulary as _,
    vocabulary::log::{Call, Return},
};

fn options() -> Options {
    Options {
        threads: 8,
        nodes: 3,
        keys: 3,
        rate: None,
        seed: 7,
        run_id: "r7f3".into(),
        model: "ordered-log".into(),
    }
}

/// What happens to what those who follow are told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disease {
    None,
    /// One entry in a hundred is not told.
    Skips,
    /// One in a hundred is told twice.
    Repeats,
    /// Two neighbours in a hundred are told in the other order.
    Swaps,
}

/// What one who follows is told, from a place of those entries.
fn told(disease: Disease, entries: &[Value], from: usize) -> Vec<Value> {
    let mut told = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        match (disease, place % 100) {
            (Disease::Skips, 50) => {}
            (Disease::Repeats, 50) => told.extend([entry.clone(), entry.clone()]),
            (Disease::Swaps, 51) => told.insert(told.len() - 1, entry.clone()),
            _ => told.push(entry.clone()),
        }
    }
    told.into_iter().skip(from).take(16).collect()
}

fn run(workload: &LogWorkload, disease: Disease) -> (Validity, Vec<String>) {
    let options = options();
    let mut logs: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
    let mut answer = |call: &Call| match call {
        Call::Append(key, entry) => {
            let log = logs.entry(key.clone()).or_default();
            log.push(entry.clone());
            Return::Appended(Some(log.len() as u64 - 1))
        }
        Call::Read(key, from) => {
            let log = logs.entry(key.clone()).or_default();
            Return::Entries(log[*from as usize..].to_vec().into())
        }
        Call::Poll(key, from) => {
            Return::Entries(told(disease, logs.entry(key.clone()).or_default(), *from as usize).into())
        }
    };
    let simulation = Simulation::realistic().calls_max(4_000);
    let main = simulate(&mut workload.generator(&options), options.threads, &simulation, &mut answer);
    let last = simulate(&mut workload.final_generator(&options), options.threads, &simulation, &mut answer);
    assert_eq!((main.end, last.end), (End::Limit, End::Done));
    let mut operations = main.operations;
    let after = operations.iter().filter_map(|operation| operation.ended).max().unwrap_or_default();
    for mut operation in last.operations {
        operation.index.0 += 1_000_000;
        operation.process.0 += 1_000_000;
        operation.began.0 += after.0 + 1;
        operation.ended.iter_mut().for_each(|ended| ended.0 += after.0 + 1);
        operations.push(operation);
    }
    let history = History { header: Header::new(Log::NAME), operations, faults: Vec::new(), damage: None };
    let verdict = workload.checkers(&options)[0].check(&history, &Budget::default());
    (verdict.validity, verdict.anomalies.into_iter().map(|anomaly| anomaly.kind).collect())
}

#[test]
fn a_right_log_is_not_accused() {
    for workload in [LogWorkload::default(), LogWorkload::watch()] {
        assert_eq!(run(&workload, Disease::None), (Validity::Valid, Vec::new()), "{}", workload.name());
    }
}

#[test]
fn who_follows_notices_what_is_not_told_told_twice_or_in_another_order() {
    for workload in [LogWorkload::default(), LogWorkload::watch()] {
        for disease in [Disease::Skips, Disease::Repeats, Disease::Swaps] {
            let (validity, kinds) = run(&workload, disease);
            assert_eq!(validity, Validity::Invalid, "{} {disease:?}", workload.name());
            assert!(kinds.iter().any(|kind| kind == "inconsistent-offset"), "{kinds:?}");
        }
    }
}

#[test]
fn most_of_the_calls_of_a_watch_follow() {
    let options = options();
    let simulation = Simulation::realistic().calls_max(4_000);
    let simulated =
        simulate(&mut LogWorkload::watch().generator(&options), 8, &simulation, |call| match call {
            Call::Append(..) => Return::Appended(None),
            _ => Return::Entries(Vec::new().into()),
        });
    let count = |wanted: &str| {
        simulated.operations.iter().filter(|operation| Log::kind(&operation.call) == wanted).count()
    };
    assert_eq!(count("read"), 0);
    assert!(count("poll") > 2 * count("append") && count("append") > 800, "{}", count("append"));
}
