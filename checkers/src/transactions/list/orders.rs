//! The order of each key's values: the longest list that was read, and who made each place of it.

use history::{Value, vocabulary::list_append::List};
use rustc_hash::FxHashMap;

use super::{Branch, Lists, NONE, Read};
use crate::{Anomaly, transactions::fate::Fate};

pub(super) fn find(lists: &mut Lists<'_>) {
    longest(lists);
    let places: usize = (0..lists.keys.len() as u32).map(|key| lists.order_length(key) + 1).sum();
    lists.place_write.reserve_exact(places);
    for key in 0..lists.keys.len() as u32 {
        lists.orders[key as usize].start = lists.place_write.len() as u32;
        let Some(values) = lists.orders[key as usize].values else {
            lists.place_write.push(NONE);
            continue;
        };
        for (place, value) in (0..).zip(values) {
            let write = lists.write_of.get(&(key, value)).copied().unwrap_or(NONE);
            lists.place_write.push(write);
            if write == NONE {
                continue;
            }
            let found = &mut lists.writes[write as usize];
            if found.place != NONE {
                repeated(lists, key, place);
                continue;
            }
            found.place = place;
            show(lists, write);
        }
        lists.place_write.push(NONE);
    }
    lists.usable_before = vec![NONE; lists.place_write.len()];
    lists.usable_after = vec![NONE; lists.place_write.len()];
}

/// The longest list of each key, the first of them where there are several. The lists that contradict it show their
/// appends too.
fn longest(lists: &mut Lists<'_>) {
    for place in 0..lists.reads.len() {
        let read = lists.reads[place];
        let list = lists.list(&read);
        let order = &mut lists.orders[read.key as usize];
        if order.values.is_none_or(|longest| longest.len() < list.len()) {
            (order.values, order.transaction, order.agreed) =
                (Some(list), read.transaction, list.len() as u32);
        }
    }
    branches(lists);
    for place in 0..lists.branches.len() {
        let Branch { key, list, .. } = lists.branches[place];
        let order = &mut lists.orders[key as usize];
        let longest = order.values.expect("a key that was read has a longest list");
        let agreed = list.iter().zip(longest).take_while(|(one, other)| one == other).count();
        lists.branches[place].agreed = agreed as u32;
        if agreed < list.len() {
            order.agreed = order.agreed.min(agreed as u32);
        }
        for value in &list[agreed..] {
            if let Some(&write) = lists.write_of.get(&(key, value)) {
                show(lists, write);
            }
        }
    }
}

/// Lists that share storage are looked at once, however often they were read.
fn branches(lists: &mut Lists<'_>) {
    let mut known: FxHashMap<(u32, *const Value), u32> = FxHashMap::default();
    for place in 0..lists.reads.len() {
        let Read { transaction, key, .. } = lists.reads[place];
        let list = lists.list(&lists.reads[place]);
        let is_own = |longest: &List| longest.shares_root(list);
        if lists.orders[key as usize].values.is_some_and(is_own) {
            continue;
        }
        let fresh = lists.branches.len() as u32;
        let branch = *known.entry((key, list.as_ptr())).or_insert(fresh);
        lists.reads[place].branch = branch;
        if branch == fresh {
            lists.branches.push(Branch { key, list, transaction, agreed: 0 });
        } else if lists.branches[branch as usize].list.len() < list.len() {
            (lists.branches[branch as usize].list, lists.branches[branch as usize].transaction) =
                (list, transaction);
        }
    }
}

/// Something that an unknown transaction appended was read, so it committed.
fn show(lists: &mut Lists<'_>, write: u32) {
    let write = lists.writes[write as usize];
    lists.doubtful += u64::from(write.is_ambiguous);
    let fate = &mut lists.fates[write.transaction as usize];
    if *fate == Fate::Unseen && !write.is_ambiguous {
        *fate = Fate::Seen;
    }
}

fn repeated(lists: &mut Lists<'_>, key: u32, place: u32) {
    let order = lists.orders[key as usize];
    let (Some(values), reader) = (order.values, order.transaction) else { return };
    let (who, name) = (lists.who(reader), lists.keys[key as usize]);
    let index = lists.operation(reader).index;
    lists.findings.add("duplicate-elements", || Anomaly {
        sentence: format!(
            "{who} read {name} as {}, where {} stands twice.",
            super::because::list(values),
            values[place as usize]
        ),
        key: Some(name.clone()),
        witness: vec![index],
        ..Anomaly::default()
    });
}
