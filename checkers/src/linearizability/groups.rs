//! The operations of each key.

use history::{History, Key, OpIndex, vocabulary::Register};
use rustc_hash::FxHashMap;

use crate::parallel;

/// The operations of one key, in the order of the history.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub key: Key,
    pub operations: Vec<OpIndex>,
}

/// How many operations are looked at in one piece. It does not depend on the number of threads, nor does the result.
const PIECE: usize = 1 << 16;

/// The groups of a history, in the order of their keys.
pub(super) fn groups(history: &History<Register>) -> Vec<Group> {
    let operations = &history.operations;
    let pieces: Vec<Vec<(&Key, Vec<OpIndex>)>> = match operations.len() {
        0..=PIECE => vec![piece(operations)],
        _ => parallel::map(operations.chunks(PIECE), piece),
    };
    let mut pieces = pieces.into_iter();
    let mut all = pieces.next().unwrap_or_default();
    let mut places: FxHashMap<&Key, usize> = (0..).zip(&all).map(|(at, (key, _))| (*key, at)).collect();
    for piece in pieces {
        for (key, operations) in piece {
            match places.get(key) {
                Some(&at) => all[at].1.extend_from_slice(&operations),
                None => {
                    places.insert(key, all.len());
                    all.push((key, operations));
                }
            }
        }
    }
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(key, operations)| Group { key: key.clone(), operations }).collect()
}

fn piece(operations: &[history::Operation<Register>]) -> Vec<(&Key, Vec<OpIndex>)> {
    let mut groups: Vec<(&Key, Vec<OpIndex>)> = Vec::new();
    let mut places: FxHashMap<&Key, usize> = FxHashMap::default();
    let mut last: Option<(&Key, usize)> = None;
    for operation in operations {
        let key = operation.call.key();
        let place = match last {
            Some((known, place)) if known == key => place,
            _ => *places.entry(key).or_insert_with(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            }),
        };
        last = Some((key, place));
        groups[place].1.push(operation.index);
    }
    groups
}
