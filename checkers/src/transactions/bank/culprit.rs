//! Which transfer a wrong total is about.

use std::collections::BTreeMap;

use history::{
    History, Key, OpIndex, Operation, Outcome,
    vocabulary::{Bank, bank::Call},
};

use super::Read;

/// What best explains a wrong total.
#[derive(Clone, Copy, Debug)]
pub(super) enum Culprit<'a> {
    /// The read saw one half of a transfer.
    Half { transfer: &'a Operation<Bank>, credit: bool },
    /// The read before it that shows the same wrong total: money was made or lost before, and not by this read.
    Before(OpIndex),
    /// No single transfer is as large as what is missing.
    Nothing,
}

impl Culprit<'_> {
    pub fn witness(&self) -> Option<OpIndex> {
        match self {
            Self::Half { transfer, .. } => Some(transfer.index),
            Self::Before(read) => Some(*read),
            Self::Nothing => None,
        }
    }

    pub fn sentence(&self) -> String {
        match self {
            Self::Half { transfer, credit } => {
                let Call::Transfer(from, to, amount) = &transfer.call else { return String::new() };
                let (seen, missed) = match credit {
                    true => (format!("the {amount} that {to} got"), format!("that {from} gave it")),
                    false => (format!("that {from} gave {amount}"), format!("that {to} got it")),
                };
                let failed = match transfer.outcome {
                    Outcome::Fail(_) => ", which failed",
                    _ => "",
                };
                format!(
                    "as if it had seen {seen} and not {missed}, in {} ({}){failed}",
                    transfer.index, transfer.process
                )
            }
            Self::Before(read) => format!("the same wrong total as in {read} before it"),
            Self::Nothing => "no single transfer explains the difference".into(),
        }
    }
}

/// The transfers by their amounts.
pub(super) struct Search<'a> {
    transfers: BTreeMap<u64, Vec<&'a Operation<Bank>>>,
    reads: &'a [Read<'a>],
    expected: i128,
}

impl<'a> Search<'a> {
    pub fn new(history: &'a History<Bank>, reads: &'a [Read<'a>], expected: i128) -> Self {
        let mut transfers: BTreeMap<u64, Vec<&Operation<Bank>>> = BTreeMap::new();
        for operation in &history.operations {
            if let Call::Transfer(from, to, amount) = &operation.call
                && from != to
            {
                transfers.entry(amount.unsigned_abs()).or_default().push(operation);
            }
        }
        Self { transfers, reads, expected }
    }

    /// What explains the total of the read at this place.
    pub fn of(&self, place: usize) -> Culprit<'a> {
        let read = &self.reads[place];
        if let Some(before) = place.checked_sub(1).map(|before| &self.reads[before])
            && before.total == read.total
        {
            return Culprit::Before(before.operation.index);
        }
        let off = read.total - self.expected;
        let amount = u64::try_from(off.unsigned_abs()).unwrap_or(u64::MAX);
        let candidates = self.transfers.get(&amount).map_or(&[][..], Vec::as_slice);
        let right = self.reads[..place].iter().rfind(|read| read.total == self.expected);
        let fits = candidates.iter().filter(|transfer| {
            // What begins after the read has ended cannot have been seen by it.
            read.operation.ended.is_none_or(|end| transfer.began <= end)
        });
        let best = fits.min_by_key(|transfer| {
            let overlaps = transfer.deadline().is_none_or(|end| end >= read.operation.began);
            let failed = matches!(transfer.outcome, Outcome::Fail(_));
            let moved = right.map_or(0, |right| agreement(right, read, transfer, off > 0));
            (failed, !overlaps, std::cmp::Reverse(moved), std::cmp::Reverse(transfer.began), transfer.index)
        });
        match best {
            Some(transfer) => Culprit::Half { transfer, credit: (off > 0) == is_forward(transfer) },
            None => Culprit::Nothing,
        }
    }
}

fn is_forward(transfer: &Operation<Bank>) -> bool {
    matches!(transfer.call, Call::Transfer(_, _, amount) if amount >= 0)
}

/// How well the balances since the last right read agree with one half of a transfer: 2 where exactly the seen half
/// moved, 1 where it moved and the other half did too.
fn agreement(right: &Read<'_>, read: &Read<'_>, transfer: &Operation<Bank>, credit: bool) -> u8 {
    let Call::Transfer(from, to, amount) = &transfer.call else { return 0 };
    let balance = |read: &Read<'_>, account: &Key| {
        let found = read.balances.binary_search_by(|(other, _)| other.cmp(account)).ok();
        found.and_then(|place| read.balances[place].1).map_or(0, i128::from)
    };
    let moved = |account: &Key| balance(read, account) - balance(right, account);
    let amount = i128::from(*amount);
    let (seen, missed) = match credit == (amount >= 0) {
        true => (moved(to) == amount, moved(from) == -amount),
        false => (moved(from) == -amount, moved(to) == amount),
    };
    u8::from(seen) * if missed { 1 } else { 2 }
}
