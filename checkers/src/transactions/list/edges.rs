//! The edges that a list-append history proves.

use super::{Lists, NONE, Read};
use crate::transactions::{
    edges::{Edges, Kind},
    groups::Groups,
};

impl Lists<'_> {
    /// The last usable append that a read shows.
    pub(super) fn last_seen(&self, read: &Read) -> Option<u32> {
        let order = self.orders[read.key as usize];
        if read.length <= order.agreed {
            let write = self.usable_before[(order.start + read.length) as usize];
            return (write != NONE).then_some(write);
        }
        let seen = self.list(read)[..read.length as usize].iter().rev();
        let mut writes = seen.filter_map(|value| self.write_of.get(&(read.key, value)));
        writes.find(|write| self.is_usable(**write)).copied()
    }

    /// Who reads nothing later than the last value of a key, and who appended what no read shows.
    fn tails(&self) -> (Groups, Groups) {
        let mut unread: Vec<(u32, u32)> = Vec::new();
        for write in &self.writes {
            if write.place == NONE
                && self.fates[write.transaction as usize].took_effect()
                && !self.orders[write.key as usize].is_contradicted()
                && !self.is_shown_twin(write)
                && unread.last() != Some(&(write.key, write.transaction))
            {
                unread.push((write.key, write.transaction));
            }
        }
        let mut readers: Vec<(u32, u32)> = Vec::new();
        for read in self.reads.iter().filter(|read| read.length != NONE) {
            let order = self.orders[read.key as usize];
            if !order.is_contradicted() && self.usable_after[(order.start + read.length) as usize] == NONE {
                readers.push((read.key, read.transaction));
            }
        }
        (Groups::new(self.keys.len(), &unread), Groups::new(self.keys.len(), &readers))
    }

    /// Whether an append without a place has the value of one that has a place: then either may be the one shown.
    fn is_shown_twin(&self, write: &super::Write) -> bool {
        write.is_ambiguous && {
            let step = &self.operation(write.transaction).call[write.step as usize];
            let history::vocabulary::list_append::Step::Append(_, value) = step else { return false };
            self.write_of
                .get(&(write.key, value))
                .is_some_and(|first| self.writes[*first as usize].place != NONE)
        }
    }
}

/// Adds all edges that the data proves. What is left are the transactions with appends that no read shows, each with the
/// number of its key: nobody knows in which order those of one key came.
pub(in crate::transactions) fn edges(lists: &Lists<'_>, edges: &mut Edges) -> Vec<(u32, u32)> {
    let mut rivals = Vec::new();
    installs(lists, edges);
    for read in lists.reads.iter().filter(|read| read.length != NONE) {
        if let Some(write) = lists.last_seen(read) {
            edges.add(lists.writes[write as usize].transaction, read.transaction, Kind::Wr);
        }
        if let Some(next) = lists.writer_after(read.key, read.length) {
            edges.add(read.transaction, next, Kind::Rw);
        }
    }
    let (unread, readers) = lists.tails();
    let mut targets = Vec::new();
    for key in 0..lists.keys.len() as u32 {
        targets.clear();
        targets.extend_from_slice(unread.of(key));
        if targets.is_empty() {
            continue;
        }
        targets.sort_unstable();
        targets.dedup();
        if let Some(last) = lists.writer_before(key, lists.order_length(key) as u32) {
            targets.iter().for_each(|target| edges.add(last, *target, Kind::Ww));
        }
        edges.cross(readers.of(key), &targets, Kind::Rw);
        if targets.len() > 1 {
            rivals.extend(targets.iter().map(|target| (*target, key)));
        }
    }
    rivals.sort_unstable();
    rivals
}

/// Each usable append of a key with the next one, as far as all reads of the key agree. Where they do not, one of them
/// is wrong, and nobody knows which.
fn installs(lists: &Lists<'_>, edges: &mut Edges) {
    for order in &lists.orders {
        let mut last = NONE;
        for write in &lists.place_write[order.start as usize..(order.start + order.agreed) as usize] {
            if !lists.is_usable(*write) {
                continue;
            }
            let writer = lists.writes[*write as usize].transaction;
            if last != NONE {
                edges.add(last, writer, Kind::Ww);
            }
            last = writer;
        }
    }
}
