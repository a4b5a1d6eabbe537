//! What is wrong with single answers, once the order of each key is known.

use history::Value;
use rustc_hash::FxHashSet;

use super::{Branch, Lists, NONE, Read, because};
use crate::{Anomaly, transactions::fate::Fate};

pub(super) fn check(lists: &mut Lists<'_>) {
    for key in 0..lists.keys.len() as u32 {
        bad_places(lists, key);
        usable(lists, key);
    }
    for place in 0..lists.branches.len() {
        strange_values(lists, place);
    }
    for place in 0..lists.reads.len() {
        let read = lists.reads[place];
        if lists.is_contradiction(&read) {
            contradicted(lists, &read);
        }
        intermediate(lists, &read);
    }
    lost_updates(lists);
}

/// The places of a key's order that nothing, or nothing that committed, can have made.
fn bad_places(lists: &mut Lists<'_>, key: u32) {
    let start = lists.orders[key as usize].start as usize;
    let length = lists.order_length(key);
    let reader = lists.orders[key as usize].transaction;
    let mut failed = None;
    for place in 0..length {
        let write = lists.place_write[start + place];
        if write == NONE {
            if place >= lists.beginning(key) {
                bad_value(lists, reader, key, place, None);
            }
        } else if !lists.writes[write as usize].is_ambiguous {
            let writer = lists.writes[write as usize].transaction;
            match lists.fates[writer as usize] {
                Fate::Failed => {
                    bad_value(lists, reader, key, place, Some(writer));
                    failed = Some((place, writer));
                }
                Fate::Committed | Fate::Seen => {
                    if let Some((before, loser)) = failed.take() {
                        dirty_update(lists, key, (before, loser), (place, writer));
                    }
                }
                Fate::Unseen => {}
            }
        }
    }
}

/// A read shows a value that nobody appended, or that a failed transaction did.
fn bad_value(lists: &mut Lists<'_>, reader: u32, key: u32, place: usize, writer: Option<u32>) {
    let name = lists.keys[key as usize];
    let Some(values) = lists.orders[key as usize].values else { return };
    value_of(lists, reader, name, (values, place), writer);
}

fn value_of(
    lists: &mut Lists<'_>,
    reader: u32,
    name: &history::Key,
    (values, place): (&history::vocabulary::list_append::List, usize),
    writer: Option<u32>,
) {
    let who = lists.who(reader);
    let index = lists.operation(reader).index;
    let value = &values[place];
    match writer {
        None => lists.findings.add("garbage-read", || Anomaly {
            sentence: format!(
                "{who} read {name} as {}, but nobody ever appended {value} to it.",
                because::list(values)
            ),
            key: Some(name.clone()),
            witness: vec![index],
            ..Anomaly::default()
        }),
        Some(writer) => {
            let failed = lists.who(writer);
            let mut witness = vec![index, lists.operation(writer).index];
            witness.sort_unstable();
            lists.findings.add("G1a", || Anomaly {
                sentence: format!(
                    "{who} read {name} as {}, but {value} was appended by {failed}, which failed.",
                    because::list(values)
                ),
                key: Some(name.clone()),
                witness,
                ..Anomaly::default()
            });
        }
    }
}

fn dirty_update(lists: &mut Lists<'_>, key: u32, failed: (usize, u32), after: (usize, u32)) {
    let name = lists.keys[key as usize];
    let order = lists.orders[key as usize];
    let Some(values) = order.values else { return };
    let (loser, writer, reader) = (lists.who(failed.1), lists.who(after.1), lists.who(order.transaction));
    let mut witness: Vec<_> =
        [failed.1, after.1, order.transaction].map(|node| lists.operation(node).index).into();
    witness.sort_unstable();
    witness.dedup();
    lists.findings.add("dirty-update", || Anomaly {
        sentence: format!(
            "{writer} appended {} to {name} on top of {}, which {loser} had appended before it failed; {reader} read both.",
            values[after.0], values[failed.0]
        ),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

/// The nearest usable appends before and after each place.
fn usable(lists: &mut Lists<'_>, key: u32) {
    let start = lists.orders[key as usize].start as usize;
    let (length, agreed) = (lists.order_length(key), lists.orders[key as usize].agreed as usize);
    let mut near = NONE;
    for place in 0..=length {
        lists.usable_before[start + place] = near;
        if place < agreed && lists.is_usable(lists.place_write[start + place]) {
            near = lists.place_write[start + place];
        }
    }
    near = NONE;
    for place in (0..=length).rev() {
        if place < agreed && lists.is_usable(lists.place_write[start + place]) {
            near = lists.place_write[start + place];
        }
        lists.usable_after[start + place] = near;
    }
}

/// What is wrong with the values in which a list differs from the order of its key.
fn strange_values(lists: &mut Lists<'_>, branch: usize) {
    let Branch { key, list, transaction, agreed } = lists.branches[branch];
    let name = lists.keys[key as usize];
    if (agreed as usize) == list.len() {
        return;
    }
    let mut seen: FxHashSet<&Value> = FxHashSet::default();
    for (place, value) in list.iter().enumerate() {
        if !seen.insert(value) {
            let (who, index) = (lists.who(transaction), lists.operation(transaction).index);
            lists.findings.add("duplicate-elements", || Anomaly {
                sentence: format!(
                    "{who} read {name} as {}, where {value} stands twice.",
                    because::list(list)
                ),
                key: Some(name.clone()),
                witness: vec![index],
                ..Anomaly::default()
            });
        }
        if place < agreed as usize {
            continue;
        }
        match lists.write_of.get(&(key, value)).map(|write| lists.writes[*write as usize]) {
            None if lists.beginning(key) > 0 => {}
            None => value_of(lists, transaction, name, (list, place), None),
            Some(write) if !write.is_ambiguous && lists.fates[write.transaction as usize] == Fate::Failed => {
                value_of(lists, transaction, name, (list, place), Some(write.transaction));
            }
            Some(_) => {}
        }
    }
}

/// A read that is no prefix of the longest one of its key.
fn contradicted(lists: &mut Lists<'_>, read: &Read) {
    let list = lists.list(read);
    let order = lists.orders[read.key as usize];
    let Some(longest) = order.values else { return };
    let name = lists.keys[read.key as usize];
    let (who, other) = (lists.who(read.transaction), lists.who(order.transaction));
    let mut witness: Vec<_> =
        [read.transaction, order.transaction].map(|node| lists.operation(node).index).into();
    witness.sort_unstable();
    witness.dedup();
    lists.findings.add("incompatible-order", || Anomaly {
        sentence: format!(
            "{who} read {name} as {} and {other} read it as {}: neither is how the other begins.",
            because::list(list),
            because::list(longest)
        ),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

/// A read that ends in the middle of what one transaction appended, or shows what its own will append later.
fn intermediate(lists: &mut Lists<'_>, read: &Read) {
    if read.length == NONE || read.length == 0 {
        return;
    }
    let list = lists.list(read);
    let value = &list[read.length as usize - 1];
    let Some(write) = lists.write_of.get(&(read.key, value)).map(|write| lists.writes[*write as usize])
    else {
        return;
    };
    if write.is_ambiguous || lists.fates[write.transaction as usize] == Fate::Failed {
        return;
    }
    let name = lists.keys[read.key as usize];
    let (reader, writer) = (lists.who(read.transaction), lists.who(write.transaction));
    let mut witness: Vec<_> =
        [read.transaction, write.transaction].map(|node| lists.operation(node).index).into();
    witness.sort_unstable();
    witness.dedup();
    let (kind, end) = if write.transaction == read.transaction {
        ("future-read", format!("although it appended {value} itself, and only later"))
    } else if !write.is_last {
        ("G1b", format!("the middle of what {writer} did, which went on to append more to {name}"))
    } else {
        return;
    };
    lists.findings.add(kind, || Anomaly {
        sentence: format!("{reader} read {name} as {}, {end}.", because::list(list)),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}

/// Transactions that read the same version of a key and then appended to it: each overwrote what the other did.
fn lost_updates(lists: &mut Lists<'_>) {
    // For each place of each order, the one that read up to there and appended.
    let mut updater = vec![NONE; lists.place_write.len()];
    for place in 0..lists.reads.len() {
        let read = lists.reads[place];
        let order = lists.orders[read.key as usize];
        if read.length == NONE || !read.is_updated || lists.is_contradiction(&read) {
            continue;
        }
        let slot = &mut updater[(order.start + read.length) as usize];
        if *slot == NONE {
            *slot = read.transaction;
        } else if *slot != read.transaction {
            let first = *slot;
            lost_update(lists, first, &read);
        }
    }
}

fn lost_update(lists: &mut Lists<'_>, first: u32, read: &Read) {
    let name = lists.keys[read.key as usize];
    let (one, other) = (lists.who(first), lists.who(read.transaction));
    let witness = vec![lists.operation(first).index, lists.operation(read.transaction).index];
    let seen = because::values(&lists.list(read)[..read.length as usize]);
    lists.findings.add("lost-update", || Anomaly {
        sentence: format!("{one} and {other} both read {name} as {seen} and then appended to it, so one of them missed the other."),
        key: Some(name.clone()),
        witness,
        ..Anomaly::default()
    });
}
