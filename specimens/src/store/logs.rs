//! Logs: entries are appended, and read from an offset on.

use history::{
    Value,
    vocabulary::{
        Log,
        log::{Call, Return},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The most entries of one batch.
const BATCH_MAX: usize = 32;

/// The logs. The first entry of each has the offset 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs(Table<Vec<Value>>);

impl Logs {
    fn entries(&self, key: &Value, from: u64, entries_max: usize) -> Return {
        let entries = self.0.get(key).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Return::Entries(entries.iter().skip(from).take(entries_max).cloned().collect())
    }
}

impl Object<Log> for Logs {
    fn read(&self, call: &Call) -> Option<Return> {
        match call {
            Call::Read(key, from) => Some(self.entries(key, *from, usize::MAX)),
            Call::Poll(key, from) => Some(self.entries(key, *from, BATCH_MAX)),
            Call::Append(..) => None,
        }
    }

    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        let Call::Append(key, entry) = call else { return self.read(call) };
        let log = self.0.at(key);
        log.push(entry.clone());
        Some(Return::Appended(Some(log.len() as u64 - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_where_they_were_put() {
        let mut logs = Logs::default();
        for entry in 0..40_u64 {
            let append = Call::Append(1.into(), (entry as i64).into());
            assert_eq!(logs.change(&append, Circumstances::default()), Some(Return::Appended(Some(entry))));
        }
        let read = |call: Call| match logs.read(&call) {
            Some(Return::Entries(entries)) => (entries.first().cloned(), entries.len()),
            other => panic!("{call:?} was answered with {other:?}"),
        };
        assert_eq!(read(Call::Read(1.into(), 3)), (Some(3.into()), 37));
        assert_eq!(read(Call::Poll(1.into(), 3)), (Some(3.into()), BATCH_MAX));
        assert_eq!(read(Call::Poll(1.into(), 40)), (None, 0));
        assert_eq!(read(Call::Read(2.into(), 0)), (None, 0));
    }
}
