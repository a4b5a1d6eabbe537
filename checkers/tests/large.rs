//! Histories as real runs give them: many keys, unique values, compare-and-set from what was read, unknown outcomes.

#[path = "material/dice.rs"]
mod dice;

use std::{collections::BTreeMap, time::Instant};

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Evidence, SetFull, Validity,
    linearizability::{Linearizable, verify_order, verify_witness},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Set, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
        set,
    },
};

/// Clients take turns in the order in which their calls take effect on true registers.
fn generate(operations: u32, clients: u64, keys: u64, unknown: u64, seed: u64) -> History<Register> {
    let mut dice = Dice(seed);
    let mut free_at = vec![0u64; clients as usize];
    let mut state: BTreeMap<u64, i64> = BTreeMap::new();
    let mut late: Vec<(u64, u64, i64)> = Vec::new();
    let mut drafts = Vec::new();
    for unique in 1..=i64::from(operations) {
        let client = (0..free_at.len()).min_by_key(|&client| free_at[client]).expect("there are clients");
        let began = free_at[client] + dice.roll(100);
        drafts.push((began + dice.roll(500), began, client, dice.roll(keys), unique));
        free_at[client] = drafts[drafts.len() - 1].0 + 1 + dice.roll(500);
    }
    drafts.sort_unstable();
    let mut done = Vec::new();
    for (at, began, client, key, unique) in drafts {
        late.retain(|&(when, key, value)| {
            if when <= at {
                state.insert(key, value);
            }
            when > at
        });
        let now = state.get(&key).copied();
        let (name, old) = (Value::from(format!("k{key}").as_str()), now.map_or(Value::Nil, Value::Int));
        let is_unknown = dice.roll(100) < unknown;
        let (call, answer, to) = match dice.roll(10) {
            0..5 => (Call::Read(name), Return::Value(Some(old)), None),
            5..8 => (Call::Write(name, Value::Int(unique)), Return::Written, Some(unique)),
            8 => (Call::Cas(name, old, Value::Int(unique)), Return::Swapped, Some(unique)),
            _ => (Call::Cas(name, Value::Int(-1), Value::Int(unique)), Return::Refused, None),
        };
        if let Some(to) = to {
            match (is_unknown, dice.roll(3)) {
                (true, 0) => {}
                (true, 1) if matches!(call, Call::Write(..)) => late.push((at + dice.roll(5000), key, to)),
                _ => drop(state.insert(key, to)),
            }
        }
        let outcome = if is_unknown { Outcome::Unknown("timeout".into()) } else { Outcome::Ok(answer) };
        done.push((began, at + dice.roll(500).min(1), client, call, outcome));
    }
    done.sort_by_key(|draft| draft.0);
    let operations = (0u32..)
        .zip(done)
        .map(|(index, (began, ended, client, call, outcome))| Operation {
            index: OpIndex(index),
            process: Process(client as u32),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(began),
            ended: Some(Nanos(ended)),
        })
        .collect();
    History { header: Header::new("register"), operations, faults: Vec::new(), damage: None }
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak memory not known here").to_owned()
}

#[test]
fn a_large_run_is_valid_and_its_order_is_accepted() {
    let history = generate(300_000, 10, 200, 1, 7);
    println!("before: {}", peak());
    let began = Instant::now();
    let verdict = Linearizable::default().check(&history, &Budget::new(2_000_000, 1 << 30));
    println!("300,000 operations, 200 keys: {:?} {:?}", began.elapsed(), verdict.validity);
    println!("after: {}", peak());
    assert_eq!(verdict.validity, Validity::Valid, "{verdict:?}");
    let small = generate(20_000, 10, 20, 3, 8);
    for (key, order) in Linearizable::default().certificate(&small, &Budget::default()) {
        assert!(order.is_some_and(|order| verify_order(&small, &key, &order)), "{key}");
    }
}

#[test]
fn what_is_provably_wrong_is_found_with_a_small_witness_for_any_number_of_threads() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..60 {
        let mut history = generate(4_000, 10, 5, 2, seed);
        let mut dice = Dice(seed + 1000);
        // A read that began after something newer had been read, with the value that was read long before.
        let reads: Vec<usize> = (0..history.operations.len())
            .filter(|&i| matches!(history.operations[i].outcome, Outcome::Ok(Return::Value(_))))
            .collect();
        let late = reads[reads.len() / 2 + dice.roll(reads.len() as u64 / 4) as usize];
        let early = *reads
            .iter()
            .find(|&&i| history.operations[i].call == history.operations[late].call && i > 300)
            .expect("every key is read early");
        let wrong = if seed % 3 == 0 { Value::Int(1 << 40) } else { read(&history, early) };
        if early == late || wrong == read(&history, late) {
            continue;
        }
        history.operations[late].outcome = Outcome::Ok(Return::Value(Some(wrong)));
        let judge = |threads| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
            pool.install(|| Linearizable::default().check(&history, &Budget::new(1_000_000, 1 << 30)))
        };
        let verdict = judge(1);
        assert_eq!(verdict, judge(4));
        assert_eq!(verdict.validity, Validity::Invalid, "seed {seed}");
        for anomaly in &verdict.anomalies {
            *kinds.entry(anomaly.kind.clone()).or_default() += 1;
            assert!(verify_witness(&history, &anomaly.witness), "seed {seed}: {anomaly:?}");
            assert!(
                !verify_witness(&history, &anomaly.witness[1..]) || anomaly.witness.len() < 2,
                "{anomaly:?}"
            );
            if seed < 3 {
                println!("{anomaly:?}");
            }
        }
    }
    println!("{kinds:?}");
    assert!(kinds["garbage-read"] >= 10 && kinds["stale-read"] >= 10, "{kinds:?}");
}

fn read(history: &History<Register>, at: usize) -> Value {
    match &history.operations[at].outcome {
        Outcome::Ok(Return::Value(Some(value))) => value.clone(),
        other => panic!("{other:?} is not a read"),
    }
}

fn sets(reads: &[&[i64]], failed: &[i64]) -> History<Set> {
    let adds = (1..=3).map(|element| {
        let outcome = if failed.contains(&element) {
            Outcome::Fail("refused".into())
        } else {
            Outcome::Ok(set::Return::Added)
        };
        (set::Call::Add(Value::from("s"), Value::Int(element)), outcome)
    });
    let reads = reads.iter().map(|read| {
        let elements = read.iter().map(|&element| Value::Int(element)).collect();
        (set::Call::Read(Value::from("s")), Outcome::Ok(set::Return::Elements(elements)))
    });
    let operations = (0u32..)
        .zip(adds.chain(reads))
        .map(|(index, (call, outcome))| Operation {
            index: OpIndex(index),
            process: Process(0),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(u64::from(index) * 10),
            ended: Some(Nanos(u64::from(index) * 10 + 5)),
        })
        .collect();
    History { header: Header::new("set"), operations, faults: Vec::new(), damage: None }
}

#[test]
fn sets_are_judged_element_by_element() {
    let judge = |reads: &[&[i64]], failed: &[i64], linearizable| {
        let verdict = SetFull::new(linearizable).check(&sets(reads, failed), &Budget::default());
        let kinds: Vec<String> = verdict.anomalies.into_iter().map(|anomaly| anomaly.kind).collect();
        (verdict.validity, kinds.join(" "))
    };
    assert_eq!(judge(&[&[1, 2, 3]], &[], true), (Validity::Valid, String::new()));
    assert_eq!(judge(&[&[1, 3], &[1, 3]], &[], false), (Validity::Invalid, "lost-element".into()));
    assert_eq!(judge(&[&[1, 3], &[1, 2, 3]], &[], true), (Validity::Invalid, "stale-element".into()));
    assert_eq!(judge(&[&[1, 3], &[1, 2, 3]], &[], false), (Validity::Valid, String::new()));
    assert_eq!(judge(&[&[1, 1, 2, 3]], &[], true), (Validity::Invalid, "duplicated-element".into()));
    assert_eq!(judge(&[&[1, 2, 3, 9]], &[], true), (Validity::Invalid, "unexpected-element".into()));
    assert_eq!(judge(&[&[1, 2, 3]], &[2], true), (Validity::Invalid, "unexpected-element".into()));
    assert_eq!(judge(&[], &[], true).0, Validity::Unknown);
}

#[test]
fn no_evidence_is_not_health() {
    let judge = |history: &History<Set>| {
        Evidence::of(["add", "read"]).with_final_reads("read").check(history, &Budget::default()).validity
    };
    assert_eq!(judge(&sets(&[&[1, 2, 3]], &[])), Validity::Valid);
    assert_eq!(judge(&sets(&[], &[])), Validity::Unknown);
}
