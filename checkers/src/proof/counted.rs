//! Witnesses about what is there and how often, in whatever order: sets in the end, deliveries, ids and banks.

use std::collections::BTreeSet;

use history::{
    Bank, History, Ids, Nanos, OpIndex, Operation, Outcome, Queue, Set, Value,
    vocabulary::{bank, ids, queue, set},
};

use super::{
    Said,
    events::{may_have_happened, named},
};
use crate::{datatypes::BankTerms, lattice::Model, transactions::breaks_of_bank};

/// Whether two of the calls were given one id.
pub fn verify_same_id(history: &History<Ids>, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let given: Vec<&ids::Return> = chosen.iter().filter_map(|operation| operation.outcome.ok()).collect();
    let distinct: BTreeSet<&Value> = given.iter().map(|ids::Return::Id(id)| id).collect();
    (chosen.len() == given.len() && distinct.len() == 1 && given.len() > 1).into()
}

/// Whether a read of a set that only grows shows an element twice, or one that nobody can have added; or whether one that
/// was certainly there is missing from a read, and no read that may come after it shows it.
pub fn verify_element(history: &History<Set>, kind: &str, witness: &[OpIndex]) -> Said {
    use set::{Call, Return};
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let key = chosen[0].call.key();
    let all = || {
        let of_key = |operation: &&Operation<Set>| operation.call.key() == key;
        history.operations.iter().filter(of_key).filter(|operation| may_have_happened(operation))
    };
    let shown = |operation: &Operation<Set>| match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), Some(Return::Elements(listed))) => Some(listed.clone()),
        _ => None,
    };
    if !all().all(|operation| matches!(operation.call, Call::Add(..) | Call::Read(_))) {
        return Said::Silent("the set does not only grow");
    }
    let adds = |value: &Value| {
        let value = value.clone();
        all().filter(move |operation| matches!(&operation.call, Call::Add(_, added) if *added == value))
    };
    let reads =
        || chosen.iter().filter(|one| one.call.key() == key).filter_map(|one| Some((one, shown(one)?)));
    let in_time = |add: &Operation<Set>, read: &Operation<Set>| read.ended.is_none_or(|end| add.began <= end);
    match kind {
        "duplicated-element" => {
            reads().any(|(_, listed)| listed.iter().collect::<BTreeSet<_>>().len() < listed.len())
        }
        "unexpected-element" => reads()
            .any(|(read, listed)| listed.iter().any(|value| !adds(value).any(|add| in_time(add, read)))),
        "lost-element" => reads().any(|(missing, listed)| {
            let known = |operation: &Operation<Set>, value: &Value| {
                let is_in = match (&operation.call, operation.outcome.ok()) {
                    (Call::Add(_, added), Some(Return::Added | Return::Changed(_))) => added == value,
                    _ => shown(operation).is_some_and(|listed| {
                        listed.contains(value) && adds(value).any(|add| in_time(add, operation))
                    }),
                };
                is_in && operation.deadline().is_some_and(|end| end < missing.began)
            };
            let named = chosen.iter().flat_map(|operation| match &operation.call {
                Call::Add(_, value) => vec![value.clone()],
                _ => shown(operation).unwrap_or_default(),
            });
            named.filter(|value| !listed.contains(value)).any(|value| {
                let back = all().any(|later| {
                    shown(later).is_some_and(|listed| listed.contains(&value))
                        && later.ended.is_none_or(|end| end >= missing.began)
                });
                chosen.iter().any(|operation| known(operation, &value)) && !back
            })
        }),
        _ => false,
    }
    .into()
}

/// Whether a queue gave out what nobody had put in, or gave out twice what was put in once; or was empty when all else was
/// over, though more that was acknowledged never came out than dequeues of unknown outcome can have taken.
pub fn verify_delivery(history: &History<Queue>, model: &str, kind: &str, witness: &[OpIndex]) -> Said {
    use queue::{Call, Return};
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let key = chosen[0].call.key();
    let all = || history.operations.iter().filter(|operation| operation.call.key() == key);
    if chosen.iter().any(|operation| operation.call.key() != key) {
        return Said::Rejected;
    }
    let taken = |operation: &Operation<Queue>| match (&operation.call, operation.outcome.ok()) {
        (Call::Dequeue(_), Some(Return::Dequeued(value))) => Some(value.clone()),
        _ => None,
    };
    let puts = |value: &Value| {
        let value = value.clone();
        all().filter(move |operation| matches!(&operation.call, Call::Enqueue(_, put) if *put == value))
    };
    let came_out: Vec<Value> = chosen.iter().filter_map(|operation| taken(operation)).collect();
    match kind {
        "element-from-nowhere" => chosen.iter().any(|take| {
            let in_time = |put: &Operation<Queue>| take.ended.is_none_or(|end| put.began <= end);
            taken(take).is_some_and(|value| !puts(&value).any(|put| may_have_happened(put) && in_time(put)))
        }),
        "duplicate-delivery" => {
            let twice = came_out.iter().any(|value| {
                came_out.iter().filter(|other| *other == value).count() > 1 && puts(value).count() <= 1
            });
            twice && model != "at-least-once"
        }
        "lost-element" if model != "at-most-once" => {
            let found_nothing = |operation: &Operation<Queue>| operation.outcome.ok() == Some(&Return::Empty);
            let doubtful = all().filter(|operation| {
                let is_unknown = may_have_happened(operation) && taken(operation).is_none();
                matches!(operation.call, Call::Dequeue(_)) && is_unknown && !found_nothing(operation)
            });
            let ends = all().filter(|operation| !found_nothing(operation)).filter_map(|one| one.deadline());
            let over = ends.max().unwrap_or(Nanos(0));
            let lost = chosen.iter().filter(|put| match &put.call {
                Call::Enqueue(_, value) => {
                    put.outcome.ok().is_some() && !all().any(|take| taken(take).as_ref() == Some(value))
                }
                Call::Dequeue(_) => false,
            });
            let empty = chosen.iter().any(|operation| found_nothing(operation) && operation.began > over);
            empty && lost.count() > doubtful.count()
        }
        _ => false,
    }
    .into()
}

/// Whether a read of a bank shows what it must not: another total than the bank has or than another read of the witness
/// shows, a debt where none is allowed, an account that is missing, twice there, or none of the bank's.
pub fn verify_balance(history: &History<Bank>, models: &str, kind: &str, witness: &[OpIndex]) -> Said {
    let (Some(chosen), Some(terms)) = (named(history, witness), BankTerms::parse(&history.header.initial))
    else {
        return Said::Rejected;
    };
    let reads = || {
        chosen.iter().filter_map(|operation| match (&operation.call, &operation.outcome) {
            (bank::Call::Read, Outcome::Ok(bank::Return::Balances(balances))) => Some(balances),
            _ => None,
        })
    };
    let total = |balances: &Vec<(Value, Option<i64>)>| {
        balances.iter().map(|(_, balance)| balance.map(i128::from)).sum::<Option<i128>>()
    };
    let forbidden = models.split(',').any(|name| {
        let broken = || breaks_of_bank(kind, &terms);
        name == "constant-total" || Model::named(name).is_ok_and(|model| broken().contains(model))
    });
    if !forbidden {
        return Said::Rejected;
    }
    match kind {
        "wrong-total" => {
            let mut shown: BTreeSet<i128> = reads().filter_map(total).collect();
            shown.extend(terms.total.map(i128::from));
            shown.len() > 1
        }
        "negative-balance" => {
            let debt = |(_, balance): &(Value, Option<i64>)| balance.is_some_and(|balance| balance < 0);
            !terms.debts && reads().any(|balances| balances.iter().any(debt))
        }
        "missing-balance" => reads().any(|balances| balances.iter().any(|(_, balance)| balance.is_none())),
        "unexpected-account" => terms.accounts.is_some_and(|count| {
            let known =
                |account: &Value| matches!(account, Value::Int(number) if (0..count).contains(number));
            reads().any(|balances| balances.iter().any(|(account, _)| !known(account)))
        }),
        "duplicated-account" => reads().any(|balances| {
            balances.iter().map(|(account, _)| account).collect::<BTreeSet<_>>().len() < balances.len()
        }),
        "mismatched-answer" => chosen.iter().any(|operation| {
            matches!(
                (&operation.call, operation.outcome.ok()),
                (bank::Call::Read, Some(bank::Return::Transferred))
                    | (bank::Call::Transfer(..), Some(bank::Return::Balances(_)))
            )
        }),
        _ => false,
    }
    .into()
}
