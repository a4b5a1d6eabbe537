//! Why one transaction comes before another, in words.

use history::{Key, Value};
use rustc_hash::FxHashMap;

use super::{NONE, Read, Registers};
use crate::transactions::{edges::Kind, explain::Reasons};

impl Reasons for Registers<'_> {
    fn because(&self, from: u32, to: u32, kind: Kind) -> Option<(Key, String)> {
        let (one, other) = (self.operation(from).index, self.operation(to).index);
        match kind {
            Kind::Wr => {
                let read = self.reads_of(to).find(|read| self.writer(read.version) == Some(from))?;
                let (key, value) = (self.key(read.version), self.value(read.version));
                Some((key.clone(), format!("{one} wrote {value} to {key}, and {other} read it")))
            }
            Kind::Ww => {
                let (before, after) = self.pair(&self.versions_of(from), to)?;
                let (key, old, new) = (self.key(before), self.value(before), self.value(after));
                let why = self.why(before, after);
                Some((
                    key.clone(),
                    format!("{one} wrote {old} to {key}, and {other} replaced it with {new}{why}"),
                ))
            }
            Kind::Rw => {
                let read: Vec<u32> = self.reads_of(from).map(|read| read.version).collect();
                let (before, after) = self.pair(&read, to)?;
                let (key, old, new) = (self.key(before), self.value(before), self.value(after));
                let why = self.why(before, after);
                Some((
                    key.clone(),
                    format!("{one} read {key} as {old}, and {other} replaced that with {new}{why}"),
                ))
            }
            _ => None,
        }
    }
}

/// What orders two transactions: the key, the earlier version and the later one, and the step that read.
#[derive(Clone, Copy, Debug)]
pub(in crate::transactions) struct Shown<'a> {
    pub key: &'a Key,
    pub before: &'a Value,
    pub after: Option<&'a Value>,
    pub step: Option<u32>,
}

impl<'a> Registers<'a> {
    /// What the data shows for an edge.
    pub fn reason(&self, from: u32, to: u32, kind: Kind) -> Option<Shown<'_>> {
        let shown = |before: u32, after: Option<u32>, step: Option<u32>| Shown {
            key: self.key(before),
            before: self.value(before),
            after: after.map(|after| self.value(after)),
            step,
        };
        match kind {
            Kind::Wr => {
                let read = self.reads_of(to).filter(|read| self.writer(read.version) == Some(from));
                let read = read.min_by_key(|read| (!self.is_item(read), read.step))?;
                Some(shown(read.version, None, Some(read.step)))
            }
            Kind::Ww => {
                let (before, after) = self.pair(&self.versions_of(from), to)?;
                Some(shown(before, Some(after), None))
            }
            Kind::Rw => {
                let mut reads: Vec<&Read> = self.reads_of(from).collect();
                reads.sort_by_key(|read| (!self.is_item(read), read.step));
                let versions: Vec<u32> = reads.iter().map(|read| read.version).collect();
                let (before, after) = self.pair(&versions, to)?;
                let step = reads.iter().find(|read| read.version == before).map(|read| read.step);
                Some(shown(before, Some(after), step))
            }
            _ => None,
        }
    }

    /// Whether a transaction missed what another wrote to a key that it had read as such.
    pub fn is_missed_item(&self, from: u32, to: u32) -> bool {
        let items: Vec<u32> =
            self.reads_of(from).filter(|read| self.is_item(read)).map(|read| read.version).collect();
        self.pair(&items, to).is_some()
    }
}

impl Registers<'_> {
    fn key(&self, version: u32) -> &Key {
        self.keys[self.versions[version as usize].key as usize]
    }

    fn reads_of(&self, transaction: u32) -> impl Iterator<Item = &Read> {
        let start = self.reads.partition_point(|read| read.transaction < transaction);
        self.reads[start..].iter().take_while(move |read| read.transaction == transaction)
    }

    /// The versions that a transaction left in its keys.
    fn versions_of(&self, transaction: u32) -> Vec<u32> {
        let written = self.versions.partition_point(|version| version.writer < transaction);
        let own = self.versions[written..].iter().take_while(|version| version.writer == transaction);
        (written as u32..).zip(own).filter(|(_, version)| version.is_last).map(|(number, _)| number).collect()
    }

    /// One of the versions and the one of a transaction that is known to follow it.
    fn pair(&self, before: &[u32], to: u32) -> Option<(u32, u32)> {
        // A transaction leaves one version in a key.
        let after = self.versions_of(to).into_iter();
        let after: FxHashMap<u32, u32> =
            after.map(|version| (self.versions[version as usize].key, version)).collect();
        let pairs = before.iter().filter_map(|one| {
            let other = after.get(&self.versions[*one as usize].key)?;
            (one != other).then_some((*one, *other))
        });
        let known = |(one, other): &(u32, u32)| {
            self.versions[*one as usize].writer == NONE
                || self.successors.binary_search(&(*one, *other)).is_ok()
                || self.precedences.iter().any(|precedence| {
                    precedence.key == self.versions[*one as usize].key
                        && precedence.before.contains(one)
                        && precedence.after.contains(other)
                })
        };
        pairs.into_iter().find(known)
    }

    /// How it is known that one version follows another.
    fn why(&self, before: u32, after: u32) -> String {
        let writer = self.versions[after as usize].writer;
        if self.versions[before as usize].writer == NONE {
            return String::new();
        }
        let replaced = |read: &&Read| read.version == before && read.next == after;
        if self.reads_of(writer).any(|read| replaced(&read)) {
            return ", having read it".into();
        }
        format!(" (by the order of versions that was assumed: {})", self.order.names().join(", "))
    }
}
