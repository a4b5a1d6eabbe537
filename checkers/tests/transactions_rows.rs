//! Banks, long forks and transactions over rows: labelled histories, simulated databases with planted mistakes, and
//! every order tried on small histories.

#[path = "transactions_rows/material.rs"]
mod material;

use std::path::Path;

use disprove_checkers::{
    Budget, Checker, Model, Transactions, Validity, Verdict, VersionOrder, datatypes,
    serial::{Respects, verify_serial_order},
    transactions::ConstantTotal,
};
use history::{
    Bank, History, Key, Outcome, Predicate, Value,
    import::{AnyHistory, read_any},
    vocabulary::{bank, predicate},
};
use material::{Random, bank_run, fork_run, rows_run, some_order};

fn models(names: &[&str]) -> Transactions {
    let models = names.iter().map(|name| Model::named(name).unwrap()).collect();
    Transactions::new(models, VersionOrder::EXACT)
}

fn constant_total(history: &History<Bank>) -> Verdict {
    ConstantTotal::default().check(history, &Budget::default())
}

fn elles_rows(folder: &Path, name: &str) -> Verdict {
    let path = folder.join("elle-unit").join(name);
    let AnyHistory::Predicate(history) = read_any(&path, None, None, None).unwrap() else {
        panic!("{name} is not recognised")
    };
    models(&["serializable"]).check(&history, &Budget::default())
}

#[test]
fn labelled_histories_are_judged_as_labelled() {
    let Ok(folder) = std::env::var("DISPROVE_HISTORIES") else {
        println!("DISPROVE_HISTORIES is not set: the labelled histories of banks and rows are left out");
        return;
    };
    let folder = Path::new(&folder).join("transactions");
    for (name, expected) in [
        ("bank.edn", Validity::Valid),
        ("bank.json", Validity::Valid),
        ("bank-tidb.edn", Validity::Invalid),
        ("bank-negative-balances.json", Validity::Invalid),
    ] {
        let path = folder.join("elle-cli/jepsen").join(name);
        let AnyHistory::Bank(history) = read_any(&path, None, None, None).unwrap() else {
            panic!("{name} is not recognised")
        };
        let verdict = constant_total(&history);
        println!("{name}: {:?} {:?}", verdict.anomalies.first().map(|one| &one.sentence), verdict.notes);
        assert_eq!(verdict.validity, expected, "{name}: {verdict:#?}");
    }
    let seen = elles_rows(&folder, "closed-predicate-g1c-predicate-read-seen-test-01.edn");
    assert_eq!((seen.validity, seen.anomalies[0].kind.as_str()), (Validity::Invalid, "G1c"), "{seen:#?}");
    assert!(seen.standing.as_ref().unwrap().refuted.contains(&"read-committed".to_owned()));
    let skew = elles_rows(&folder, "closed-predicate-ww-wr-rw-item-test-01.edn");
    assert_eq!(
        (skew.validity, skew.anomalies[0].kind.as_str()),
        (Validity::Invalid, "G-single-item"),
        "{skew:#?}"
    );
    let refuted = &skew.standing.as_ref().unwrap().refuted;
    assert!(["consistent-view", "repeatable-read"].iter().all(|name| refuted.contains(&(*name).to_owned())));
}

#[test]
fn a_sound_bank_is_never_accused_and_torn_reads_always_are() {
    for seed in 1..400 {
        let sound = bank_run(&mut Random(seed), 0);
        let verdict = constant_total(&sound.history);
        assert_eq!(verdict.validity, Validity::Valid, "seed {seed}: {verdict:#?}");
        if seed < 60 {
            let linearizable = datatypes::checker::<Bank>("linearizable").unwrap();
            let verdict = linearizable.check(&sound.history, &Budget::new(1_000_000, 1 << 30));
            assert_eq!(verdict.validity, Validity::Valid, "seed {seed}: {verdict:#?}");
        }
        let torn = bank_run(&mut Random(seed), 3);
        let Some((read, transfer)) = torn.planted else { continue };
        let verdict = constant_total(&torn.history);
        assert_eq!(verdict.validity, Validity::Invalid, "seed {seed}");
        let found =
            verdict.anomalies.iter().find(|one| one.witness.contains(&read)).expect("the read is named");
        assert!(found.witness.contains(&transfer), "seed {seed}: {} is not {transfer}", found.sentence);
    }
}

#[test]
fn a_wrong_total_breaks_what_forbids_read_skew_and_nothing_weaker() {
    let by = |name: &str, history: &History<Bank>| {
        let judges = ConstantTotal::judges(&[name]);
        assert_eq!(judges.len(), 1, "{name}");
        judges[0].check(history, &Budget::default())
    };
    let (mut torn_runs, mut names) = (0, 0);
    for seed in 1..40 {
        let torn = bank_run(&mut Random(seed), 3);
        if torn.planted.is_none() {
            continue;
        }
        torn_runs += 1;
        let mut history = torn.history;
        for model in Model::all().filter(|model| model.name() != "linearizable") {
            // Rows that come and go are another matter than those that were there all the time.
            for (initial, kind) in [("100", "G-single"), ("100 in 5 accounts", "G-single-item")] {
                history.header.initial = Value::from(initial);
                let verdict = by(model.name(), &history);
                let expected = if model.prohibits(kind) { Validity::Invalid } else { Validity::Valid };
                // Some promises have no anomalies of their own and fall with weaker ones.
                let is_by_proxy = model.prohibited().is_empty();
                assert!(is_by_proxy || verdict.validity == expected, "{model} {initial}: {verdict:#?}");
                assert_eq!(verdict.validity == Validity::Valid, verdict.anomalies.is_empty(), "{model}");
                names += 1;
            }
        }
        let verdict = by("serializable", &history);
        assert!(verdict.standing.unwrap().refuted.contains(&"consistent-view".to_owned()));
    }
    assert!(torn_runs > 10 && names > 200, "{torn_runs} {names}");
    let sound = bank_run(&mut Random(3), 0).history;
    for model in ["read-committed", "snapshot-isolation", "serializable"] {
        assert_eq!(by(model, &sound).validity, Validity::Valid, "{model}");
    }
    assert!(ConstantTotal::judges(&["nonsense"]).is_empty());
}

#[test]
fn what_is_wrong_with_a_bank_is_said_in_one_sentence() {
    let mut history = bank_run(&mut Random(7), 0).history;
    let place = history.operations.iter().rposition(|one| one.call == bank::Call::Read).unwrap();
    let Outcome::Ok(bank::Return::Balances(balances)) = &mut history.operations[place].outcome else {
        panic!("reads are answered")
    };
    let total: i64 = balances.iter().filter_map(|(_, balance)| *balance).sum();
    balances[0].1 = Some(-3);
    balances[1].1 = None;
    balances.push((Key::Int(99), Some(total + 3)));
    history.header.initial = Value::from("100 in 5 accounts");
    let verdict = constant_total(&history);
    let kinds: Vec<&str> = verdict.anomalies.iter().map(|one| one.kind.as_str()).collect();
    for kind in ["negative-balance", "missing-balance", "unexpected-account"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    history.header.initial = Value::from("a lot");
    assert_eq!(constant_total(&history).validity, Validity::Unknown);
    history.operations.retain(|one| one.call != bank::Call::Read);
    history.header.initial = Value::Nil;
    assert_eq!(constant_total(&history).validity, Validity::Unknown, "no read proves nothing");
}

#[test]
fn forks_are_found_and_told_and_orders_of_snapshots_are_not_accused() {
    let mut forks = 0;
    for seed in 1..300 {
        let sound = fork_run(&mut Random(seed), false);
        let verdict = models(&["snapshot-isolation"]).check(&sound, &Budget::default());
        assert_eq!(verdict.validity, Validity::Valid, "seed {seed}: {verdict:#?}");
        let forked = fork_run(&mut Random(seed), true);
        let verdict = models(&["snapshot-isolation"]).check(&forked, &Budget::default());
        let told = verdict.anomalies.iter().filter(|one| one.kind == "long-fork").count();
        let weaker = models(&["parallel-snapshot-isolation"]).check(&forked, &Budget::default());
        assert!(weaker.anomalies.is_empty(), "seed {seed}: a long fork is no more than that: {weaker:#?}");
        assert_eq!(told > 0, verdict.anomalies.iter().any(|one| one.kind.starts_with("G-nonadjacent")));
        forks += usize::from(told > 0);
    }
    assert!(forks > 100, "only {forks} of the forked histories show it");
}

/// How often a verdict was reached, and how often nobody could say.
#[derive(Debug, Default)]
struct Tally {
    valid: u32,
    invalid: u32,
    unknown: u32,
}

fn brute(changes_max: usize, rounds: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in 1..rounds {
        let history = rows_run(&mut Random(seed), changes_max);
        let order = some_order(&history);
        let verdict = models(&["serializable"]).check(&history, &Budget::default());
        match verdict.validity {
            Validity::Valid => {
                assert!(order.is_some(), "seed {seed}: no order explains {:#?}", history.operations);
                let certificate = verdict.certificate.as_ref().expect("an order proves it");
                assert!(
                    verify_serial_order(&history, certificate, Respects::Answers),
                    "seed {seed}: {certificate:?} {:?} {verdict:#?} {:#?}",
                    order,
                    history.operations
                );
                tally.valid += 1;
            }
            Validity::Invalid => {
                assert_eq!(order, None, "seed {seed}: {:#?} of {:#?}", verdict.anomalies, history.operations);
                tally.invalid += 1;
            }
            Validity::Unknown => tally.unknown += 1,
        }
        if seed % 10 == 0 {
            stronger_falls_with_weaker(&history, seed);
        }
    }
    tally
}

fn stronger_falls_with_weaker(history: &History<Predicate>, seed: u64) {
    let judge = |name: &str| models(&[name]).check(history, &Budget::default()).validity;
    let chain = ["read-committed", "repeatable-read", "serializable", "strict-serializable"].map(judge);
    for pair in chain.windows(2) {
        assert!(!(pair[0] == Validity::Invalid && pair[1] == Validity::Valid), "seed {seed}: {chain:?}");
    }
    let chain = ["read-committed", "consistent-view", "snapshot-isolation", "serializable"].map(judge);
    for pair in chain.windows(2) {
        assert!(!(pair[0] == Validity::Invalid && pair[1] == Validity::Valid), "seed {seed}: {chain:?}");
    }
}

fn rounds() -> u64 {
    std::env::var("DISPROVE_BRUTE_FORCE").ok().and_then(|text| text.parse().ok()).unwrap_or(1_500)
}

#[test]
fn rows_that_change_once_are_judged_as_every_order_says() {
    let tally = brute(1, rounds());
    println!("{tally:?}");
    assert_eq!(tally.unknown, 0, "{tally:?}");
    assert!(tally.valid > 30 && tally.invalid > 30, "{tally:?}");
}

#[test]
fn rows_that_change_often_are_never_judged_against_every_order() {
    let tally = brute(3, rounds());
    println!("{tally:?}");
    assert!(tally.valid > 30 && tally.invalid > 30, "{tally:?}");
}

#[test]
fn a_phantom_breaks_serializability_and_not_repeatable_reads() {
    use predicate::{Answer, Call, Condition, Return, Step};
    let transaction = |index: u32, key: &str| {
        let (key, value) = (Key::from(key), Value::Int(i64::from(index)));
        let steps = vec![Step::Select(Condition::All), Step::Insert(key.clone(), value.clone())];
        let answers = vec![Answer::Select(Condition::All, Some(Vec::new())), Answer::Insert(key, value)];
        material::operation(
            index,
            Call::Transaction(steps),
            Outcome::Ok(Return::Transaction(answers)),
            (0, 10),
        )
    };
    let history = material::history::<Predicate>(vec![transaction(0, "x"), transaction(1, "y")]);
    let verdict = models(&["serializable", "repeatable-read", "snapshot-isolation"])
        .check(&history, &Budget::default());
    assert_eq!(verdict.validity, Validity::Invalid);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(anomaly.kind, "G2");
    assert!(
        anomaly.sentence.contains("read the rows with (true), among which there was no x"),
        "{}",
        anomaly.sentence
    );
    for kept in ["repeatable-read", "snapshot-isolation"] {
        let verdict = models(&[kept]).check(&history, &Budget::default());
        assert_eq!(verdict.validity, Validity::Valid, "{kept}: {verdict:#?}");
    }
}

#[test]
fn a_row_that_is_not_there_is_no_item_and_one_that_was_read_is() {
    use predicate::{Answer, Call, Return, Step};
    // Each reads one row and then changes the other.
    let transaction = |index: u32, [read, write]: [&str; 2], seen: Value| {
        let (read, write, value) = (Key::from(read), Key::from(write), Value::Int(i64::from(index) + 1));
        let steps = vec![Step::Read(read.clone()), Step::Write(write.clone(), value.clone())];
        let answers = vec![Answer::Read(read, Some(seen)), Answer::Write(write, value)];
        let answer = Outcome::Ok(Return::Transaction(answers));
        material::operation(index, Call::Transaction(steps), answer, (10, 20))
    };
    let made = vec![(Key::from("x"), Value::Int(0)), (Key::from("y"), Value::Int(0))];
    let init = material::operation(0, Call::Init(made), Outcome::Ok(Return::Done), (0, 5));
    let found = [transaction(1, ["x", "y"], Value::Int(0)), transaction(2, ["y", "x"], Value::Int(0))];
    let missing = [transaction(0, ["x", "y"], Value::Nil), transaction(1, ["y", "x"], Value::Nil)];
    for (operations, kind, is_kept) in
        [([vec![init], found.into()].concat(), "G2-item", false), (missing.into(), "G2", true)]
    {
        let history = material::history::<Predicate>(operations);
        let verdict = models(&["serializable"]).check(&history, &Budget::default());
        assert_eq!(verdict.anomalies[0].kind, kind, "{verdict:#?}");
        let verdict = models(&["repeatable-read"]).check(&history, &Budget::default());
        assert_eq!(verdict.validity == Validity::Valid, is_kept, "{verdict:#?}");
    }
}
