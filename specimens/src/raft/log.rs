//! The log: entries after a base whose content is in the state already.

use std::collections::VecDeque;

use crate::message::{Entry, Index, Term};

/// The tail of the log that is still kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    base_index: Index,
    base_term: Term,
    entries: VecDeque<Entry>,
}

impl Log {
    /// A log that begins after an entry.
    pub fn starting_after(base_index: Index, base_term: Term) -> Self {
        Self { base_index, base_term, entries: VecDeque::new() }
    }

    /// The last entry that is no longer kept.
    pub fn base_index(&self) -> Index {
        self.base_index
    }

    /// The last entry.
    pub fn last_index(&self) -> Index {
        self.base_index + self.entries.len() as Index
    }

    /// The term of the last entry.
    pub fn last_term(&self) -> Term {
        self.entries.back().map_or(self.base_term, |entry| entry.term)
    }

    /// The term of an entry, if it is known.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base_index {
            Some(self.base_term)
        } else {
            self.entry(index).map(|entry| entry.term)
        }
    }

    /// An entry, if it is kept.
    pub fn entry(&self, index: Index) -> Option<&Entry> {
        let place = index.checked_sub(self.base_index + 1)?;
        self.entries.get(place as usize)
    }

    /// Entries from one on, at most so many.
    pub fn from(&self, index: Index, entries_max: usize) -> Vec<Entry> {
        let place = index.saturating_sub(self.base_index + 1) as usize;
        self.entries.iter().skip(place).take(entries_max).cloned().collect()
    }

    /// Adds an entry at the end and says where it is.
    pub fn append(&mut self, entry: Entry) -> Index {
        self.entries.push_back(entry);
        self.last_index()
    }

    /// Removes an entry and all after it.
    pub fn truncate(&mut self, from: Index) {
        self.entries.truncate(from.saturating_sub(self.base_index + 1) as usize);
    }

    /// Forgets the content up to an entry, which must be kept.
    pub fn compact(&mut self, upto: Index) {
        let Some(term) = self.term_at(upto) else { return };
        self.entries.drain(..(upto - self.base_index) as usize);
        self.base_index = upto;
        self.base_term = term;
    }

    /// The first entry of the run of equal terms that an entry belongs to.
    pub fn first_of_term(&self, index: Index) -> Index {
        let term = self.term_at(index);
        let mut first = index;
        while first > self.base_index + 1 && self.term_at(first - 1) == term {
            first -= 1;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Payload;

    fn log(terms: &[Term]) -> Log {
        let mut log = Log::default();
        for term in terms {
            log.append(Entry { term: *term, payload: Payload::Nothing });
        }
        log
    }

    #[test]
    fn compaction_keeps_places_and_terms() {
        let mut log = log(&[1, 1, 2, 3, 3]);
        log.compact(3);
        assert_eq!((log.base_index(), log.last_index(), log.last_term()), (3, 5, 3));
        assert_eq!(
            (log.term_at(2), log.term_at(3), log.term_at(4), log.term_at(6)),
            (None, Some(2), Some(3), None)
        );
        assert_eq!(log.from(4, 10).len(), 2);
        log.truncate(4);
        assert_eq!((log.last_index(), log.last_term()), (3, 2));
    }

    #[test]
    fn a_run_of_equal_terms_is_found() {
        let log = log(&[1, 2, 2, 2, 3]);
        assert_eq!([1, 2, 4, 5].map(|index| log.first_of_term(index)), [1, 2, 2, 5]);
    }
}
