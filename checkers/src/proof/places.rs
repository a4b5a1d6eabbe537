//! Witnesses about what stands where in a log.

use history::{
    History, Log, OpIndex, Operation, Value,
    vocabulary::log::{Call, Return},
};

use super::{
    Said,
    events::{may_have_happened, named},
};

type Op = Operation<Log>;

/// What a call says stands where.
fn places(operation: &Op) -> Vec<(u64, &Value)> {
    match (&operation.call, operation.outcome.ok()) {
        (Call::Append(_, value), Some(Return::Appended(Some(place)))) => vec![(*place, value)],
        (Call::Read(_, from) | Call::Poll(_, from), Some(Return::Entries(entries))) => {
            (*from..).zip(entries.as_slice()).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the calls of the witness show that a log lost, doubled, moved or invented an entry.
pub fn verify_entry(history: &History<Log>, kind: &str, witness: &[OpIndex]) -> Said {
    let Some(chosen) = named(history, witness) else { return Said::Rejected };
    let key = chosen[0].call.key();
    let all = || history.operations.iter().filter(|operation| operation.call.key() == key);
    if chosen.iter().any(|operation| operation.call.key() != key) {
        return Said::Rejected;
    }
    let appends = |value: &Value| {
        let value = value.clone();
        all().filter(move |operation| matches!(&operation.call, Call::Append(_, other) if *other == value))
    };
    let is_read = |operation: &Op| matches!(operation.call, Call::Read(..) | Call::Poll(..));
    let shown = || {
        chosen.iter().flat_map(|one| places(one).into_iter().map(move |(place, value)| (one, place, value)))
    };
    let from_nowhere = |refused: bool| {
        shown().filter(|(read, ..)| is_read(read)).any(|(read, _, value)| {
            let in_time = |append: &Op| read.ended.is_none_or(|end| append.began <= end);
            let none = !appends(value).any(|append| may_have_happened(append) && in_time(append));
            none && (!refused || appends(value).any(|append| !may_have_happened(append)))
        })
    };
    match kind {
        "inconsistent-offset" => {
            shown().any(|(_, place, value)| shown().any(|(_, other, there)| place == other && value != there))
        }
        "duplicate-entry" => shown().any(|(_, place, value)| {
            appends(value).count() <= 1 && shown().any(|(_, other, same)| place != other && value == same)
        }),
        "entry-from-nowhere" => from_nowhere(false),
        "aborted-entry" => from_nowhere(true),
        "lost-entry" => chosen.iter().any(|append| {
            let Call::Append(_, value) = &append.call else { return false };
            let has = |read: &Op| places(read).iter().any(|(_, there)| *there == value);
            append.outcome.ok().is_some()
                && chosen.iter().any(|whole| {
                    let later = append.deadline().is_some_and(|end| end < whole.began);
                    let shows = |read: &Op| {
                        is_read(read) && has(read) && read.ended.is_none_or(|end| end >= whole.began)
                    };
                    let is_whole = matches!(whole.call, Call::Read(_, 0)) && whole.outcome.ok().is_some();
                    is_whole && later && !all().any(shows)
                })
        }),
        "non-monotonic-offset" => chosen.iter().any(|first| {
            chosen.iter().any(|second| match (first.outcome.ok(), second.outcome.ok()) {
                (Some(Return::Appended(Some(high))), Some(Return::Appended(Some(low)))) => {
                    high > low && first.deadline().is_some_and(|end| end < second.began)
                }
                _ => false,
            })
        }),
        _ => false,
    }
    .into()
}
