//! The workloads of banks, long forks and rows: a right object is not accused, and one wrong answer is found.

use std::collections::BTreeMap;

use checkers::{Budget, Validity, Verdict};
use disprove_workloads::{
    BankWorkload, LongForkWorkload, Options, PredicateWorkload, Workload,
    simulate::{End, Simulation, simulate},
};
use history::{
    Header, History, Key, OpIndex, Operation, Outcome, Value, Vocabulary,
    vocabulary::{bank, predicate, rw_register},
};

fn options(model: &str) -> Options {
    Options { threads: 8, nodes: 3, keys: 9, rate: None, seed: 7, run_id: "r7f3".into(), model: model.into() }
}

/// The main calls and the final ones of a run, one after the other.
fn run<W: Workload>(
    workload: &W,
    calls: usize,
    mut answer: impl FnMut(&<W::Vocabulary as Vocabulary>::Call) -> <W::Vocabulary as Vocabulary>::Return,
) -> History<W::Vocabulary> {
    let options = options("serializable");
    let simulation = Simulation { shares: [1, 0, 0], ..Simulation::realistic() }.calls_max(calls);
    let main = simulate(&mut workload.generator(&options), options.threads, &simulation, &mut answer);
    let last = simulate(&mut workload.final_generator(&options), options.threads, &simulation, answer);
    assert_eq!((main.end, last.end), (End::Limit, End::Done));
    let mut header = Header::new(W::Vocabulary::NAME);
    header.initial = workload.initial();
    let mut operations = main.operations;
    let after = operations.iter().filter_map(|operation| operation.ended).max().unwrap_or_default();
    for mut operation in last.operations {
        // The final calls begin when the main ones are over, in sessions of their own.
        operation.index = OpIndex(operations.len() as u32);
        operation.process.0 += 1_000_000;
        operation.began.0 += after.0 + 1;
        operation.ended.iter_mut().for_each(|ended| ended.0 += after.0 + 1);
        operations.push(operation);
    }
    History { header, operations, faults: Vec::new(), damage: None }
}

fn judge<W: Workload>(workload: &W, model: &str, history: &History<W::Vocabulary>) -> Verdict {
    let mut judges = workload.checkers(&options(model));
    assert_eq!(judges.len(), 1, "{model}");
    judges.remove(0).check(history, &Budget::default())
}

/// A bank that carries out one call after the other, in the order in which they are answered.
fn bank(call: &bank::Call, balances: &mut BTreeMap<Key, i64>) -> bank::Return {
    match call {
        bank::Call::Read => bank::Return::Balances(
            balances.iter().map(|(account, balance)| (account.clone(), Some(*balance))).collect(),
        ),
        bank::Call::Transfer(from, to, amount) => {
            assert!(*amount > 0 && from != to, "{call:?}");
            *balances.get_mut(from).expect("it is one of the accounts") -= amount;
            *balances.get_mut(to).expect("it is one of the accounts") += amount;
            bank::Return::Transferred
        }
    }
}

#[test]
fn a_bank_that_keeps_its_total_is_not_accused_and_an_update_that_was_lost_is_found() {
    let workload = BankWorkload { amount_max: 1 };
    let accounts =
        || (0..bank::ACCOUNTS).map(|number| (Key::Int(number), 10_000)).collect::<BTreeMap<_, _>>();
    let total = bank::ACCOUNTS * bank::OPENED_WITH;
    assert_eq!(workload.initial(), Value::from(format!("{total} in {} accounts", bank::ACCOUNTS).as_str()));
    let mut balances = accounts();
    let mut history = run(&workload, 2_000, |call| bank(call, &mut balances));
    // The accounts of the simulation hold more, so that none of them is ever empty.
    history.header.initial =
        Value::from(format!("{} in {} accounts", 10_000 * bank::ACCOUNTS, bank::ACCOUNTS).as_str());
    for model in ["constant-total", "serializable", "snapshot-isolation", "read-committed"] {
        let verdict = judge(&workload, model, &history);
        assert_eq!(verdict.validity, Validity::Valid, "{model}: {verdict:#?}");
    }
    let place = history.operations.len() / 2;
    for operation in &mut history.operations[place..] {
        if let Outcome::Ok(bank::Return::Balances(balances)) = &mut operation.outcome {
            balances[3].1 = balances[3].1.map(|balance| balance + 1);
        }
    }
    for (model, expected) in [
        ("constant-total", Validity::Invalid),
        ("serializable", Validity::Invalid),
        ("read-committed", Validity::Valid),
    ] {
        let verdict = judge(&workload, model, &history);
        assert_eq!(verdict.validity, expected, "{model}: {verdict:#?}");
    }
}

/// Registers that carry out one transaction after the other.
fn registers(call: &[rw_register::Step], store: &mut BTreeMap<Key, Value>) -> Vec<rw_register::Answer> {
    let step = |step: &rw_register::Step| match step {
        rw_register::Step::Read(key) => {
            rw_register::Answer::Read(key.clone(), Some(store.get(key).cloned().unwrap_or_default()))
        }
        rw_register::Step::Write(key, value) => {
            assert_eq!(store.insert(key.clone(), value.clone()), None, "{key} was written twice");
            rw_register::Answer::Write(key.clone(), value.clone())
        }
    };
    call.iter().map(step).collect()
}

#[test]
fn one_order_of_writes_is_not_accused_and_two_readers_who_disagree_are_found() {
    let workload = LongForkWorkload::default();
    let mut store = BTreeMap::new();
    let mut history = run(&workload, 1_500, |call| registers(call, &mut store));
    let verdict = judge(&workload, "snapshot-isolation", &history);
    assert_eq!(verdict.validity, Validity::Valid, "{verdict:#?}");
    assert!(verdict.notes.iter().all(|note| !note.contains("could have shown")), "{:?}", verdict.notes);
    // Where somebody saw the first write of a group alone, another one now saw the second alone.
    let seen = |operation: &Operation<history::LongFork>| -> Vec<bool> {
        let answers = operation.outcome.ok().map_or(&[][..], Vec::as_slice);
        let is_written = |answer: &_| matches!(answer, rw_register::Answer::Read(_, Some(Value::Int(_))));
        answers.iter().map(is_written).collect()
    };
    let alone: Vec<_> = history.operations.iter().filter(|one| seen(one) == [true, false, false]).collect();
    let alone: Vec<_> = alone.into_iter().map(|one| one.call.clone()).collect();
    let mut both = history
        .operations
        .iter_mut()
        .filter(|one| seen(one) == [true, true, false] && alone.contains(&one.call));
    let Some(Outcome::Ok(answers)) = both.next().map(|one| &mut one.outcome) else {
        panic!("no group was read between its writes")
    };
    let rw_register::Answer::Read(_, value) = &mut answers[0] else { panic!("a read was answered") };
    *value = Some(Value::Nil);
    let verdict = judge(&workload, "snapshot-isolation", &history);
    assert_eq!(verdict.validity, Validity::Invalid, "{verdict:#?}");
    assert_eq!(verdict.anomalies[0].kind, "long-fork");
}

/// A table that carries out one transaction after the other.
fn rows(call: &predicate::Call, table: &mut BTreeMap<Key, Value>) -> predicate::Return {
    use predicate::{Answer, Call, Return, Step};
    let Call::Transaction(steps) = call else { return Return::Done };
    let step = |step: &Step| match step {
        Step::Read(key) => Answer::Read(key.clone(), Some(table.get(key).cloned().unwrap_or_default())),
        Step::Write(key, value) | Step::Insert(key, value) => {
            assert_eq!(table.insert(key.clone(), value.clone()), None, "{key} was made twice");
            Answer::Insert(key.clone(), value.clone())
        }
        Step::Delete(key) => Answer::Delete(key.clone()),
        Step::Select(condition) => {
            let found = table.iter().filter(|(key, value)| condition.selects(key, value));
            let found = found.map(|(key, value)| (key.clone(), value.clone())).collect();
            Answer::Select(condition.clone(), Some(found))
        }
    };
    Return::Transaction(steps.iter().map(step).collect())
}

#[test]
fn a_table_in_one_order_is_not_accused_and_a_phantom_is_found() {
    let workload = PredicateWorkload::default();
    let mut table = BTreeMap::new();
    let mut history = run(&workload, 1_500, |call| rows(call, &mut table));
    for model in ["strict-serializable", "serializable", "snapshot-isolation", "read-committed"] {
        let verdict = judge(&workload, model, &history);
        assert_eq!(verdict.validity, Validity::Valid, "{model}: {verdict:#?}");
    }
    // A read by condition at the end misses a row that all before it saw.
    let missed = |operation: &&mut Operation<history::Predicate>| operation.process.0 >= 1_000_000;
    let last =
        history.operations.iter_mut().filter(missed).find_map(|operation| match &mut operation.outcome {
            Outcome::Ok(predicate::Return::Transaction(answers)) => match answers.as_mut_slice() {
                [predicate::Answer::Select(_, Some(found))] if found.len() > 2 => Some(found),
                _ => None,
            },
            _ => None,
        });
    last.expect("the rows of some group are read at the end").remove(0);
    for (model, expected) in [("strict-serializable", Validity::Invalid), ("read-committed", Validity::Valid)]
    {
        let verdict = judge(&workload, model, &history);
        assert_eq!(verdict.validity, expected, "{model}: {verdict:#?}");
    }
}
