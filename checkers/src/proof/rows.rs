//! Witnesses that transactions over rows have no serial order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use history::{
    History, Key, OpIndex, Operation, Outcome, Predicate, Value,
    vocabulary::predicate::{Answer, Call, Condition, Return, Step},
};

use super::{Said, events::named, refuted};
use crate::serial::Respects;

/// The most transactions of which all orders are tried.
const TRIED_MAX: usize = 14;

/// What a row holds: nothing, a value, or whatever one that is not in the witness may have left there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Row {
    Nothing,
    Holds(Value),
    Wild,
}

type Table = BTreeMap<Key, Row>;

fn changes(call: &Call) -> Vec<(&Key, Row)> {
    match call {
        Call::Init(rows) => rows.iter().map(|(key, value)| (key, Row::Holds(value.clone()))).collect(),
        Call::Transaction(steps) => steps
            .iter()
            .filter_map(|step| match step {
                Step::Write(key, value) | Step::Insert(key, value) => Some((key, Row::Holds(value.clone()))),
                Step::Delete(key) => Some((key, Row::Nothing)),
                Step::Read(_) | Step::Select(_) => None,
            })
            .collect(),
    }
}

/// Whether the transactions of the witness alone have no serial order: every one is tried, while what any other wrote may
/// have been there at any time. Only rows that the witness changed are looked at.
pub fn verify_rows_witness(history: &History<Predicate>, respects: Respects, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let chosen: Vec<&Operation<Predicate>> =
        chosen.into_iter().filter(|one| !matches!(one.outcome, Outcome::Fail(_))).collect();
    if chosen.len() > TRIED_MAX {
        return super::TOO_MANY;
    }
    let rows: BTreeSet<&Key> = chosen.iter().flat_map(|one| changes(&one.call)).map(|(key, _)| key).collect();
    let (mut others, mut table): (BTreeMap<&Key, Vec<Row>>, Table) = (BTreeMap::new(), Table::new());
    rows.iter().for_each(|key| drop(table.insert((*key).clone(), Row::Nothing)));
    for operation in &history.operations {
        for (key, row) in changes(&operation.call).into_iter().filter(|(key, _)| rows.contains(key)) {
            // What was there from the beginning was there before everything else.
            if matches!(operation.call, Call::Init(_)) {
                table.insert(key.clone(), row);
            } else if !witness.contains(&operation.index) && !matches!(operation.outcome, Outcome::Fail(_)) {
                others.entry(key).or_default().push(row);
            }
        }
    }
    let first = |one: usize, other: usize| {
        let (one, other) = (chosen[one], chosen[other]);
        let session = one.process == other.process && one.index < other.index && one.outcome.ok().is_some();
        let time = !history.header.untimed && one.deadline().is_some_and(|end| end < other.began);
        session && respects >= Respects::Sessions || time && respects == Respects::RealTime
    };
    let must: Vec<usize> = (0..chosen.len()).filter(|&i| chosen[i].outcome.ok().is_some()).collect();
    let (mut open, mut seen) = (vec![(0u32, table)], HashSet::new());
    while let Some((done, table)) = open.pop() {
        if must.iter().all(|i| done >> i & 1 == 1) {
            return refuted(Some(true));
        }
        if !seen.insert((done, table.clone())) {
            continue;
        }
        for next in (0..chosen.len()).filter(|i| done >> i & 1 == 0) {
            let due = |other: usize| done >> other & 1 == 0 && other != next && first(other, next);
            if (0..chosen.len()).all(|other| !due(other)) {
                let after = carry_out(chosen[next], table.clone(), &others);
                open.extend(after.map(|after| (done | 1 << next, after)));
            }
        }
    }
    refuted(Some(false))
}

/// The table after a transaction, if its answers can have come from it.
fn carry_out(
    operation: &Operation<Predicate>,
    mut table: Table,
    others: &BTreeMap<&Key, Vec<Row>>,
) -> Option<Table> {
    let answers = match (&operation.call, operation.outcome.ok()) {
        (Call::Transaction(_), Some(Return::Transaction(answers))) => answers.as_slice(),
        _ => {
            changes(&operation.call).into_iter().for_each(|(key, row)| drop(table.insert(key.clone(), row)));
            return Some(table);
        }
    };
    // Nobody else writes between two steps of one transaction.
    let mut own: BTreeSet<Key> = BTreeSet::new();
    let fits = |table: &mut Table, own: &BTreeSet<Key>, key: &Key, right: &dyn Fn(&Row) -> bool| {
        let Some(now) = table.get(key) else { return true };
        let wild = || others.get(key).is_some_and(|rows| rows.iter().any(right));
        if *now != Row::Wild && right(now) {
            return true;
        }
        if own.contains(key) || !wild() {
            return false;
        }
        table.insert(key.clone(), Row::Wild);
        true
    };
    let selected = |condition: &Condition, key: &Key, row: &Row| match row {
        Row::Holds(value) => condition.selects(key, value),
        _ => false,
    };
    for answer in answers {
        let right = match answer {
            Answer::Read(key, Some(seen)) => fits(&mut table, &own, key, &|row| match row {
                Row::Holds(value) => value == seen,
                _ => *seen == Value::Nil,
            }),
            Answer::Select(condition, Some(seen)) => {
                let keys: Vec<Key> = table.keys().cloned().collect();
                keys.iter().all(|key| {
                    let shown = seen.iter().find(|(other, _)| other == key).map(|(_, value)| value);
                    fits(&mut table, &own, key, &|row| match shown {
                        Some(shown) => *row == Row::Holds(shown.clone()),
                        None => !selected(condition, key, row),
                    })
                })
            }
            Answer::Write(key, value) | Answer::Insert(key, value) => {
                table.insert(key.clone(), Row::Holds(value.clone()));
                own.insert(key.clone());
                true
            }
            Answer::Delete(key) => {
                table.insert(key.clone(), Row::Nothing);
                own.insert(key.clone());
                true
            }
            Answer::Read(_, None) | Answer::Select(_, None) => true,
        };
        if !right {
            return None;
        }
    }
    Some(table)
}
