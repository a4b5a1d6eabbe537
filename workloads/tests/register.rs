//! The register workload: what its calls and final reads are made to be.

use std::collections::{BTreeMap, BTreeSet};

use checkers::{Budget, Validity};
use disprove_workloads::{
    Options, RegisterWorkload, Workload,
    register::RegisterSettings,
    simulate::{End, Simulated, Simulation, answers::Registers, simulate},
};
use history::{
    Header, History, Key, Outcome, Value, Vocabulary,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

fn options() -> Options {
    Options {
        threads: 10,
        nodes: 5,
        keys: 5,
        rate: None,
        seed: 7,
        run_id: "r7f3".into(),
        model: "linearizable".into(),
    }
}

fn run(workload: &RegisterWorkload, options: &Options, simulation: &Simulation) -> [Simulated<Register>; 2] {
    let mut registers = Registers::default();
    let mut calls = workload.generator(options);
    let main = simulate(&mut calls, options.threads, simulation, |call| registers.answer(call));
    let mut finals = workload.final_generator(options);
    let last =
        simulate(&mut finals, options.threads, &Simulation::realistic(), |call| registers.answer(call));
    [main, last]
}

fn realistic() -> Simulation {
    Simulation::realistic().calls_max(20_000)
}

#[test]
fn every_written_value_is_unique_and_every_key_carries_the_run() {
    let [main, _] = run(&RegisterWorkload::default(), &options(), &realistic());
    let mut values = BTreeSet::new();
    for operation in &main.operations {
        let Value::Text(name) = operation.call.key() else { panic!("keys are texts") };
        assert!(name.starts_with("r7f3-"));
        if let Call::Write(_, value) | Call::Cas(_, _, value) = &operation.call {
            assert!(matches!(value, Value::Int(_)) && values.insert(value.clone()), "{value} twice");
        }
    }
    assert!(values.len() > 5_000);
}

#[test]
fn about_half_are_reads_and_compare_and_sets_mostly_apply() {
    let [main, _] = run(&RegisterWorkload::default(), &options(), &realistic());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in &main.operations {
        let kind = match (&operation.call, &operation.outcome) {
            (Call::Read(_), _) => "read",
            (Call::Write(..), _) => "write",
            (_, Outcome::Ok(Return::Swapped)) => "swapped",
            (_, Outcome::Ok(Return::Refused)) => "refused",
            _ => "cas in doubt",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    assert!((8_500..12_500).contains(&kinds["read"]), "{kinds:?}");
    assert!(kinds["write"] > 3_500 && kinds["swapped"] > 800 && kinds["refused"] > 400, "{kinds:?}");
}

#[test]
fn half_of_the_workers_lean_to_reads_and_half_to_writes() {
    let threads = options().threads;
    let [main, _] = run(&RegisterWorkload::default(), &options(), &Simulation::perfect());
    let share = |workers: std::ops::Range<usize>| {
        let theirs: Vec<_> =
            main.operations.iter().filter(|o| workers.contains(&(o.process.0 as usize % threads))).collect();
        theirs.iter().filter(|o| matches!(o.call, Call::Read(_))).count() * 100 / theirs.len()
    };
    let (readers, writers) = (share(0..threads / 2), share(threads / 2..threads));
    assert!(readers > 65 && writers < 25, "{readers} % and {writers} % are reads");
}

#[test]
fn a_key_is_bounded_and_only_lasting_keys_live_on() {
    let workload =
        RegisterWorkload::new(RegisterSettings { calls_per_key: 200, ..RegisterSettings::default() });
    let [main, _] = run(&workload, &options(), &realistic());
    let mut calls: BTreeMap<&Key, usize> = BTreeMap::new();
    for operation in &main.operations {
        *calls.entry(operation.call.key()).or_default() += 1;
    }
    let lasting: BTreeSet<Key> = [0, 1].map(|number: i64| Key::from(&*format!("r7f3-{number}"))).into();
    for (key, count) in &calls {
        // A retired key is read a few times more.
        assert!(lasting.contains(*key) || *count <= 200 + 60, "{key} had {count} calls");
    }
    let late = &main.operations[19_000..];
    for key in &lasting {
        assert!(late.iter().any(|operation| operation.call.key() == key), "{key} is read to the end");
    }
    let writes = main.operations.iter().filter(|operation| {
        lasting.contains(operation.call.key()) && !matches!(operation.call, Call::Read(_))
    });
    assert!(writes.count() <= 2 * 200);
}

#[test]
fn a_key_with_many_writes_in_doubt_is_given_up() {
    let [main, _] =
        run(&RegisterWorkload::default(), &options(), &Simulation::perfect_unknown().calls_max(5_000));
    let mut writes: BTreeMap<&Key, usize> = BTreeMap::new();
    for operation in &main.operations {
        *writes.entry(operation.call.key()).or_default() +=
            usize::from(!matches!(operation.call, Call::Read(_)));
    }
    // Those that were under way when the limit was reached are above it.
    assert!(writes.values().all(|count| *count <= 12 + 10), "{writes:?}");
}

/// Jepsen's final reads leave out the newest keys.
#[test]
fn final_reads_cover_every_key_and_end() {
    for calls_max in [1, 3_000, 20_000] {
        let options = options();
        let [main, last] = run(&RegisterWorkload::default(), &options, &realistic().calls_max(calls_max));
        assert_eq!(last.end, End::Done);
        let used: BTreeSet<&Key> = main.operations.iter().map(|operation| operation.call.key()).collect();
        let read: BTreeSet<&Key> = last.operations.iter().map(|operation| operation.call.key()).collect();
        assert!(used.is_subset(&read), "{:?} were not read", used.difference(&read));
        assert!(last.operations.iter().all(|operation| matches!(operation.call, Call::Read(_))));
    }
}

#[test]
fn final_reads_read_the_newest_keys_from_several_nodes() {
    let [main, last] = run(&RegisterWorkload::default(), &options(), &realistic());
    let mut nodes: BTreeMap<&Key, BTreeSet<_>> = BTreeMap::new();
    for operation in &last.operations {
        nodes.entry(operation.call.key()).or_default().insert(operation.node);
    }
    let newest = main.operations.iter().rev().map(|operation| operation.call.key()).take(500);
    let widths: Vec<usize> =
        newest.collect::<BTreeSet<_>>().into_iter().map(|key| nodes[key].len()).collect();
    assert!(widths.iter().filter(|width| **width >= 3).count() * 10 >= widths.len() * 8, "{widths:?}");
    assert!(widths.iter().all(|width| *width >= 2), "{widths:?}");
}

#[test]
fn final_reads_are_bounded_and_keep_the_newest() {
    let workload = RegisterWorkload::new(RegisterSettings {
        calls_per_key: 10,
        final_keys_max: 100,
        ..RegisterSettings::default()
    });
    let [main, last] = run(&workload, &options(), &realistic());
    let read: BTreeSet<&Key> = last.operations.iter().map(|operation| operation.call.key()).collect();
    assert_eq!(read.len(), 100 + 2);
    let Some(newest) = main.operations.iter().map(|operation| number(operation.call.key())).max() else {
        panic!("there are calls")
    };
    assert!(read.iter().any(|key| number(key) == newest));
}

fn number(key: &Key) -> u64 {
    let text = key.to_string();
    text.rsplit('-').next().and_then(|number| number.parse().ok()).expect("keys end in their number")
}

#[test]
fn final_reads_of_a_run_that_never_began_end_at_once() {
    let options = options();
    let mut finals = RegisterWorkload::default().final_generator(&options);
    let mut registers = Registers::default();
    let last = simulate(&mut finals, 3, &Simulation::perfect(), |call| registers.answer(call));
    assert_eq!((last.end, last.operations.len()), (End::Done, 0));
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let run = |seed| {
        let options = Options { seed, ..options() };
        run(&RegisterWorkload::default(), &options, &realistic().calls_max(3_000)).map(|part| part.operations)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1)[0], run(2)[0]);
}

#[test]
fn a_rate_is_kept() {
    let options = Options { rate: Some(500.0), ..options() };
    let [main, _] = run(&RegisterWorkload::default(), &options, &realistic().calls_max(5_000));
    let seconds = main.operations.last().expect("there are calls").began.seconds();
    assert!((9.5..10.5).contains(&seconds), "{seconds}");
}

#[test]
fn without_compare_and_set_there_is_none() {
    let workload =
        RegisterWorkload::new(RegisterSettings { compare_and_set: false, ..RegisterSettings::default() });
    let [main, _] = run(&workload, &options(), &realistic());
    assert!(!main.operations.iter().any(|operation| matches!(operation.call, Call::Cas(..))));
}

#[test]
fn one_worker_and_one_key_are_enough() {
    let options = Options { threads: 1, nodes: 1, keys: 0, ..options() };
    let [main, last] = run(&RegisterWorkload::default(), &options, &realistic().calls_max(2_000));
    assert_eq!((main.operations.len(), last.end), (2_000, End::Done));
}

#[test]
fn a_model_has_a_checker_or_there_is_none() {
    let judges = |model: &str| {
        let options = Options { model: model.into(), ..options() };
        RegisterWorkload::default()
            .checkers(&options)
            .iter()
            .map(|checker| checker.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(judges("linearizable"), ["linearizable"]);
    assert_eq!(judges("causal"), ["causal"]);
    assert!(judges("snapshot-isolation").is_empty());
}

#[test]
fn a_correct_database_is_not_accused() {
    let options = options();
    let [main, _] = run(&RegisterWorkload::default(), &options, &realistic());
    let mut history = History {
        header: Header::new(Register::NAME),
        operations: main.operations,
        faults: Vec::new(),
        damage: None,
    };
    let check = |history: &History<Register>| {
        RegisterWorkload::default().checkers(&options)[0].check(history, &Budget::default()).validity
    };
    assert_eq!(check(&history), Validity::Valid);
    // One read that saw a value nobody wrote is enough.
    let mut reads = history
        .operations
        .iter_mut()
        .filter(|operation| matches!((&operation.call, &operation.outcome), (Call::Read(_), Outcome::Ok(_))));
    let read = reads.nth(5_000).expect("there are more");
    read.outcome = Outcome::Ok(Return::Value(Some(Value::Int(-1))));
    assert_eq!(check(&history), Validity::Invalid);
}
