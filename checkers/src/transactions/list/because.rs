//! Why one transaction comes before another, in words.

use history::{Key, Value, vocabulary::list_append::List};
use rustc_hash::FxHashMap;

use super::{Lists, NONE, Read, Write};
use crate::transactions::{edges::Kind, explain::Reasons};

/// How many values of a list are shown.
const SHOWN_MAX: usize = 12;
/// How long a call or an answer may be in a sentence.
const TEXT_MAX: usize = 240;

/// `[1 2 3]`, cut short in the middle when it is long.
pub(in crate::transactions) fn values(values: &[Value]) -> String {
    let texts = |part: &[Value]| part.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    if values.len() <= SHOWN_MAX {
        return format!("[{}]", texts(values));
    }
    let half = SHOWN_MAX / 2;
    let (head, tail) = (&values[..half], &values[values.len() - half..]);
    format!("[{} … {} more … {}]", texts(head), values.len() - SHOWN_MAX, texts(tail))
}

pub(super) fn list(list: &List) -> String {
    values(list)
}

/// A text, cut short at its end when it is long.
pub(in crate::transactions) fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

impl Reasons for Lists<'_> {
    fn because(&self, from: u32, to: u32, kind: Kind) -> Option<(Key, String)> {
        let (one, other) = (self.operation(from).index, self.operation(to).index);
        match kind {
            Kind::Ww => {
                let (write, next) = self.overwritten(from, to)?;
                let key = self.keys[self.writes[next as usize].key as usize];
                let (before, value) = (self.value(write), self.value(next));
                let after =
                    if self.is_last(next) { "to it later, since no read shows it" } else { "after it" };
                Some((
                    key.clone(),
                    format!("{one} appended {before} to {key}, and {other} appended {value} {after}"),
                ))
            }
            Kind::Wr => {
                let (write, read) = self.observed(from, to)?;
                let key = self.keys[read.key as usize];
                let (value, list) = (self.value(write), list(self.list(&read)));
                Some((key.clone(), format!("{one} appended {value} to {key}, and {other} read it as {list}")))
            }
            Kind::Rw => {
                let (read, write) = self.missed(from, to)?;
                let key = self.keys[read.key as usize];
                let (list, value) = (list(self.list(&read)), self.value(write));
                Some((
                    key.clone(),
                    format!("{one} read {key} as {list}, without the {value} that {other} appended"),
                ))
            }
            _ => None,
        }
    }
}

impl Lists<'_> {
    fn reads_of(&self, transaction: u32) -> impl Iterator<Item = Read> {
        let start = self.reads.partition_point(|read| read.transaction < transaction);
        let reads = self.reads[start..].iter().take_while(move |read| read.transaction == transaction);
        reads.filter(|read| read.length != NONE).copied()
    }

    fn writes_of(&self, transaction: u32) -> impl Iterator<Item = u32> {
        self.step_write[self.steps_of(transaction)].iter().copied().filter(|write| *write != NONE)
    }

    /// Whether it is known that an append came after all that is shown of its key: no read shows it, and none contradicts another.
    fn is_last(&self, write: u32) -> bool {
        let Write { key, place, .. } = self.writes[write as usize];
        place == NONE && !self.orders[key as usize].is_contradicted()
    }

    /// A value of `from`, and the one of `to` that follows it in the order of a key.
    fn overwritten(&self, from: u32, to: u32) -> Option<(u32, u32)> {
        self.writes_of(to).find_map(|next| {
            let Write { key, place, .. } = self.writes[next as usize];
            let order = self.orders[key as usize];
            if place == NONE && !self.is_last(next) {
                return None;
            }
            let before = self.usable_before[(order.start + place.min(order.agreed)) as usize];
            (before != NONE && self.writes[before as usize].transaction == from).then_some((before, next))
        })
    }

    /// A value of `from`, and the read of `to` that it is the last of.
    fn observed(&self, from: u32, to: u32) -> Option<(u32, Read)> {
        self.reads_of(to).find_map(|read| {
            let write = self.last_seen(&read)?;
            (self.writes[write as usize].transaction == from).then_some((write, read))
        })
    }

    /// A read of `from`, and a value of `to` that it lacks.
    fn missed(&self, from: u32, to: u32) -> Option<(Read, u32)> {
        let unread = self.writes_of(to).filter(|write| self.is_last(*write));
        let unread: FxHashMap<u32, u32> =
            unread.map(|write| (self.writes[write as usize].key, write)).collect();
        self.reads_of(from).find_map(|read| {
            let next = self.usable_after[(self.orders[read.key as usize].start + read.length) as usize];
            let write = if next == NONE { *unread.get(&read.key)? } else { next };
            (self.writes[write as usize].transaction == to).then_some((read, write))
        })
    }
}
