//! How lists end that nobody touches any more.

use history::{Key, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Fate, Lists, NONE, Write};

/// How a list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transactions) enum End<'a> {
    /// With this, as all reads show it: whatever was appended is in it, or nothing will ever show that it was appended.
    Known(&'a [Value]),
    /// Reads disagree about it, or some of what was appended was never read.
    Uncertain,
    /// A transaction may still turn out to have committed that appended to it, by what is read of other keys.
    Open,
}

impl<'a> Lists<'a> {
    /// How the lists of these keys end. `is_live` says of the others whether somebody may still read them.
    pub fn ends(
        &self,
        quiet: &FxHashSet<Key>,
        is_live: impl Fn(&Key) -> bool,
    ) -> FxHashMap<&'a Key, End<'a>> {
        let is_quiet: Vec<bool> = self.keys.iter().map(|key| quiet.contains(*key)).collect();
        let mut ends: Vec<End<'a>> = self
            .orders
            .iter()
            .map(|order| match order.values {
                _ if order.is_contradicted() => End::Uncertain,
                Some(values) => End::Known(values),
                None => End::Known(&[]),
            })
            .collect();
        let mut unseen: Vec<&Write> = Vec::new();
        for write in self.writes.iter().filter(|write| is_quiet[write.key as usize]) {
            match self.fates[write.transaction as usize] {
                Fate::Failed => {}
                _ if write.is_ambiguous => ends[write.key as usize] = End::Uncertain,
                _ if write.place != NONE => {}
                Fate::Committed | Fate::Seen => ends[write.key as usize] = End::Uncertain,
                Fate::Unseen => unseen.push(write),
            }
        }
        // Whether one list is open can hang on another's being so.
        loop {
            let opens = |write: &&Write| {
                let mut others =
                    self.steps_of(write.transaction).filter(|step| self.step_write[*step] != NONE);
                ends[write.key as usize] != End::Open
                    && others.any(|step| {
                        let key = self.step_key[step] as usize;
                        if is_quiet[key] { ends[key] == End::Open } else { is_live(self.keys[key]) }
                    })
            };
            let opened: Vec<u32> = unseen.iter().copied().filter(opens).map(|write| write.key).collect();
            if opened.is_empty() {
                break;
            }
            opened.into_iter().for_each(|key| ends[key as usize] = End::Open);
        }
        let named = self.keys.iter().copied().zip(ends).zip(is_quiet);
        named.filter(|(_, is_quiet)| *is_quiet).map(|(end, _)| end).collect()
    }
}
