//! An append-only log.

use history::{
    Value,
    vocabulary::{
        Log,
        log::{Call, Return},
    },
};

use super::chain::Chain;
use crate::DataType;

/// The entries of a log and the offset of the first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogState {
    entries: Chain,
    first: u64,
}

impl LogState {
    /// The offset of the first entry that an initial value names: nil is 0. `None` where it is no offset.
    pub fn first_offset(initial: &Value) -> Option<u64> {
        match initial {
            Value::Nil => Some(0),
            Value::Int(first) => u64::try_from(*first).ok(),
            Value::Text(_) => None,
        }
    }

    fn end(&self) -> u64 {
        self.first + self.entries.len()
    }

    /// Whether these are the entries from an offset on: all of them, or some where they may be `partial`.
    fn has(&self, from: u64, seen: &[Value], partial: bool) -> bool {
        let from = from.max(self.first);
        let there = self.end().saturating_sub(from);
        let Some(left) = there.checked_sub(seen.len() as u64) else { return false };
        if left > 0 && !partial {
            return false;
        }
        let backwards = self.entries.backwards().skip(usize::try_from(left).unwrap_or(usize::MAX));
        backwards.take(seen.len()).eq(seen.iter().rev())
    }
}

impl DataType for LogState {
    type Vocabulary = Log;

    /// The log is empty at first; the initial value is the offset of its first entry.
    fn initial(value: &Value) -> Self {
        Self { entries: Chain::default(), first: Self::first_offset(value).unwrap_or(0) }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        next.extend(match (call, returned) {
            (Call::Append(_, entry), returned) => {
                let elsewhere =
                    matches!(returned, Some(Return::Appended(Some(offset))) if *offset != self.end());
                (!elsewhere).then(|| Self { entries: self.entries.with(entry.clone()), ..*self })
            }
            (Call::Read(_, from), Some(Return::Entries(seen))) => {
                self.has(*from, seen, false).then(|| self.clone())
            }
            (Call::Poll(_, from), Some(Return::Entries(seen))) => {
                self.has(*from, seen, true).then(|| self.clone())
            }
            (Call::Read(..) | Call::Poll(..), _) => Some(self.clone()),
        });
    }

    fn describe(&self) -> String {
        let mut entries: Vec<&Value> = self.entries.backwards().collect();
        entries.reverse();
        super::brackets(entries.into_iter())
    }
}
