//! Simulated banks, forks and tables.

use std::collections::BTreeMap;

use disprove_checkers::serial::{Respects, verify_serial_order};
use history::{
    Bank, Header, History, Key, LongFork, Nanos, NodeId, OpIndex, Operation, Outcome, Predicate, Process,
    Value, Vocabulary,
    vocabulary::{
        bank,
        predicate::{Answer, Call, Condition, Return, Step},
        rw_register,
    },
};

/// A small generator of numbers.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

pub fn operation<V: Vocabulary>(
    index: u32,
    call: V::Call,
    outcome: Outcome<V::Return>,
    (began, ended): (u64, u64),
) -> Operation<V> {
    Operation {
        index: OpIndex(index),
        process: Process(index % 4),
        node: NodeId(0),
        call,
        outcome,
        began: Nanos(began),
        ended: Some(Nanos(ended)),
    }
}

pub fn history<V: Vocabulary>(operations: Vec<Operation<V>>) -> History<V> {
    History { header: Header::new(V::NAME), operations, faults: Vec::new(), damage: None }
}

pub struct BankRun {
    pub history: History<Bank>,
    /// The read that was torn, and the transfer of which it saw one half.
    pub planted: Option<(OpIndex, OpIndex)>,
}

/// A bank of five accounts. In every so many reads, one sees a half of the transfer that is under way.
pub fn bank_run(random: &mut Random, torn_every: u64) -> BankRun {
    let mut balances: BTreeMap<i64, i64> = (0..5).map(|account| (account, 20)).collect();
    let mut operations: Vec<Operation<Bank>> = Vec::new();
    let mut planted = None;
    for index in 0..40u32 {
        let began = u64::from(index) * 10;
        if random.below(2) == 0 {
            let (from, to) = (random.below(5) as i64, random.below(5) as i64);
            // Every amount is another one, so that a torn read can only be of one transfer.
            let amount = i64::from(index) + 1;
            let is_short = balances[&from] < amount;
            let outcome = match (is_short, random.below(10)) {
                (true, _) => Outcome::Fail("too little".into()),
                (false, 0) => Outcome::Unknown("no answer".into()),
                _ => Outcome::Ok(bank::Return::Transferred),
            };
            if !is_short && (outcome.ok().is_some() || random.below(2) == 0) {
                *balances.get_mut(&from).unwrap() -= amount;
                *balances.get_mut(&to).unwrap() += amount;
            }
            let call = bank::Call::Transfer(Key::Int(from), Key::Int(to), amount);
            operations.push(operation(index, call, outcome, (began, began + 15)));
            continue;
        }
        let mut shown = balances.clone();
        let before = operations.last().filter(|one| one.outcome.ok().is_some());
        if let Some((before, bank::Call::Transfer(Key::Int(from), Key::Int(to), amount))) =
            before.map(|one| (one.index, &one.call))
            && planted.is_none()
            && from != to
            && torn_every > 0
            && random.below(torn_every) == 0
        {
            // Either the credit or the debit is not visible yet.
            match random.below(2) {
                0 => *shown.get_mut(to).unwrap() -= amount,
                _ => *shown.get_mut(from).unwrap() += amount,
            }
            planted = Some((OpIndex(index), before));
        }
        let shown = shown.into_iter().map(|(account, balance)| (Key::Int(account), Some(balance))).collect();
        let answer = Outcome::Ok(bank::Return::Balances(shown));
        operations.push(operation(index, bank::Call::Read, answer, (began, began + 15)));
    }
    BankRun { history: history(operations), planted }
}

/// Groups of three keys, each written once. Where it forks, some readers see the writes of two replicas in the other
/// order.
pub fn fork_run(random: &mut Random, forks: bool) -> History<LongFork> {
    use rw_register::{Answer, Step};
    let mut operations = Vec::new();
    let mut index = 0;
    for group in 0..3 {
        let mut written: Vec<i64> = Vec::new();
        for place in 0..3 {
            let key = group * 3 + place;
            let (name, value) = (Key::Int(key), Value::Int(1));
            operations.push(operation(
                index,
                vec![Step::Write(name.clone(), value.clone())],
                Outcome::Ok(vec![Answer::Write(name, value)]),
                (0, 1000),
            ));
            index += 1;
            written.push(key);
            for _ in 0..2 {
                // A replica that applies the writes in the opposite order has the last ones first.
                let reversed = forks && random.below(2) == 0;
                let seen = |key: i64| match reversed {
                    true => key % 3 >= 3 - written.len() as i64,
                    false => written.contains(&key),
                };
                let answers = (group * 3..group * 3 + 3).map(|key| {
                    let value = if seen(key) { Value::Int(1) } else { Value::Nil };
                    Answer::Read(Key::Int(key), Some(value))
                });
                let steps = (group * 3..group * 3 + 3).map(|key| Step::Read(Key::Int(key)));
                let (call, outcome) = (steps.collect(), Outcome::Ok(answers.collect()));
                operations.push(operation(index, call, outcome, (0, 1000)));
                index += 1;
            }
        }
    }
    history(operations)
}

/// Up to five transactions over three rows, answered by states that are each some prefix of a serial run, though not
/// always the right one. No row is changed more than so many times after the beginning.
pub fn rows_run(random: &mut Random, changes_max: usize) -> History<Predicate> {
    let keys = ["x", "y", "z"].map(Key::from);
    let mut first: BTreeMap<Key, Value> = BTreeMap::new();
    for (place, key) in (100..).zip(&keys) {
        if random.below(2) == 0 {
            first.insert(key.clone(), Value::Int(place));
        }
    }
    let init: Vec<(Key, Value)> = first.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut operations = vec![operation(0, Call::Init(init), Outcome::Ok(Return::Done), (0, 1))];
    let mut states = vec![first];
    let mut changes: BTreeMap<Key, usize> = BTreeMap::new();
    for index in 1..3 + random.below(3) as u32 {
        let back = if random.below(3) > 0 { random.below(states.len() as u64) as usize } else { 0 };
        let mut state = states[states.len() - 1 - back].clone();
        let mut newest = states[states.len() - 1].clone();
        let (mut steps, mut answers) = (Vec::new(), Vec::new());
        for number in 0..1 + random.below(3) {
            let key = keys[random.below(3) as usize].clone();
            let value = Value::Int(i64::from(index) * 10 + number as i64);
            let kind = random.below(5);
            let count = changes.entry(key.clone()).or_default();
            if (kind == 0 || kind == 1) && *count < changes_max {
                *count += 1;
                let made = kind == 0;
                for state in [&mut state, &mut newest] {
                    if made {
                        state.insert(key.clone(), value.clone())
                    } else {
                        state.remove(&key)
                    };
                }
                steps.push(if made {
                    Step::Insert(key.clone(), value.clone())
                } else {
                    Step::Delete(key.clone())
                });
                answers.push(if made { Answer::Insert(key, value) } else { Answer::Delete(key) });
            } else if kind < 4 {
                let wanted =
                    [Condition::All, Condition::Modulo(2, 0), Condition::Keys("x".into(), "y".into())];
                let wanted = wanted[random.below(3) as usize].clone();
                let found = state.iter().filter(|(key, value)| wanted.selects(key, value));
                let found = found.map(|(key, value)| (key.clone(), value.clone())).collect();
                steps.push(Step::Select(wanted.clone()));
                answers.push(Answer::Select(wanted, Some(found)));
            } else {
                steps.push(Step::Read(key.clone()));
                answers.push(Answer::Read(key.clone(), Some(state.get(&key).cloned().unwrap_or_default())));
            }
        }
        let outcome = match random.below(8) {
            0 => Outcome::Unknown("no answer".into()),
            _ => Outcome::Ok(Return::Transaction(answers)),
        };
        let took_effect = outcome.ok().is_some() || random.below(2) == 0;
        operations.push(operation(index, Call::Transaction(steps), outcome, (2, 100)));
        if took_effect {
            states.push(newest);
        }
    }
    history(operations)
}

/// An order of the operations, what is there from the beginning first, that gives every answer; every order is tried,
/// with and without each one that did not answer.
pub fn some_order(history: &History<Predicate>) -> Option<Vec<OpIndex>> {
    let mut paths: Vec<Vec<OpIndex>> = vec![vec![OpIndex(0)]];
    while let Some(path) = paths.pop() {
        if verify_serial_order(history, &path, Respects::Answers) {
            return Some(path);
        }
        for operation in &history.operations {
            if !path.contains(&operation.index) {
                paths.push(path.iter().copied().chain([operation.index]).collect());
            }
        }
    }
    None
}
