//! What of a history decides: sessions of transactions, what each wrote, and from whom each read.

use history::{Key, OpIndex, Process, Value};

use super::flaw::Flaw;

/// Stands for the transaction that wrote the initial value of every key, before all others.
pub const INITIAL: u32 = u32::MAX;
/// Stands for no transaction.
pub(crate) const NONE: u32 = u32::MAX;

/// A read that found the value of another transaction, or the initial one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The key, as a place in [`Problem::keys`].
    pub key: u32,
    /// The transaction that wrote what was read, or [`INITIAL`].
    pub from: u32,
}

/// When a transaction was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: u64,
    /// By when it had certainly ended; never for an unknown outcome.
    pub ended: Option<u64>,
}

/// A history reduced to what decides about levels. Transactions are numbers from 0, in the order of the history.
///
/// Failed transactions are not in it. An unknown one is, when something that it wrote was seen: it then committed in
/// whole. One of which nothing was seen is marked [absent](Self::is_absent): a history that keeps a level with it keeps
/// it without it too, since nobody read from it and no level asks for a write to be there; and leaving it out is one of its
/// two fates. So that fate alone decides.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// The operation of each transaction.
    pub origin: Vec<OpIndex>,
    /// The process of each transaction.
    pub process: Vec<Process>,
    /// When each was under way; empty where the history has no times.
    pub spans: Vec<Span>,
    /// The names of the keys.
    pub keys: Vec<Key>,
    /// What was wrong with single reads.
    pub flaws: Vec<Flaw>,
    /// What keeps an answer from being "valid": reads of which nobody can tell what they saw.
    pub doubts: Vec<String>,
    /// What else a reader must know.
    pub notes: Vec<String>,
    pub(super) previous: Vec<u32>,
    pub(super) chain: Vec<u32>,
    pub(super) place: Vec<u32>,
    pub(super) chains: u32,
    pub(super) heads: Vec<u32>,
    pub(super) session: Vec<u32>,
    pub(super) sessions: u32,
    pub(super) absent: Vec<bool>,
    pub(super) pending: Vec<bool>,
    pub(super) read_bounds: Vec<u32>,
    pub(super) reads: Vec<Read>,
    pub(super) write_bounds: Vec<u32>,
    pub(super) writes: Vec<u32>,
    pub(super) values: Vec<Value>,
}

impl Problem {
    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.origin.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }

    /// The reads of a transaction in its order: the ones that its own writes do not answer.
    pub fn reads(&self, transaction: u32) -> &[Read] {
        let t = transaction as usize;
        &self.reads[self.read_bounds[t] as usize..self.read_bounds[t + 1] as usize]
    }

    /// The keys that a transaction wrote, in ascending order.
    pub fn writes(&self, transaction: u32) -> &[u32] {
        let t = transaction as usize;
        &self.writes[self.write_bounds[t] as usize..self.write_bounds[t + 1] as usize]
    }

    /// Whether a transaction wrote a key.
    pub fn has_written(&self, transaction: u32, key: u32) -> bool {
        let writes = self.writes(transaction);
        if writes.len() <= 8 { writes.contains(&key) } else { writes.binary_search(&key).is_ok() }
    }

    /// The value that a transaction left in a key.
    pub fn value(&self, transaction: u32, key: u32) -> Option<&Value> {
        let place = self.writes(transaction).binary_search(&key).ok()?;
        Some(&self.values[self.write_bounds[transaction as usize] as usize + place])
    }

    /// The transaction of the same session before this one, if there is one that certainly took effect before it.
    pub fn previous(&self, transaction: u32) -> Option<u32> {
        Some(self.previous[transaction as usize]).filter(|&previous| previous != NONE)
    }

    /// The first of the chain that a transaction is in.
    pub(super) fn head_of(&self, transaction: u32) -> Option<u32> {
        self.heads.get(self.chain[transaction as usize] as usize).copied()
    }

    /// Whether it is an unknown transaction that nobody saw, and so never happened.
    pub fn is_absent(&self, transaction: u32) -> bool {
        self.absent[transaction as usize]
    }

    /// All transactions that happened.
    pub fn transactions(&self) -> impl Iterator<Item = u32> {
        (0..self.len() as u32).filter(|&t| !self.absent[t as usize])
    }

    /// The transactions that wrote each key, in the order of their numbers.
    pub(super) fn writers(&self) -> Lists {
        Lists::gather(self.keys.len(), || {
            self.transactions().flat_map(|t| self.writes(t).iter().map(move |&key| (key, t)))
        })
    }

    /// The part of it that concerns these transactions (ascending): what the others wrote was perhaps never written, so
    /// reads of it are left out. It keeps every level that the whole keeps.
    pub(super) fn part(&self, kept: &[u32]) -> Self {
        let mut place = vec![NONE; self.len()];
        for (new, &old) in (0u32..).zip(kept) {
            place[old as usize] = new;
        }
        let renamed = |t: u32| if t == INITIAL { INITIAL } else { place[t as usize] };
        let known = |read: &&Read| read.from == INITIAL || renamed(read.from) != NONE;
        let mut used: Vec<u32> = kept
            .iter()
            .flat_map(|&t| self.writes(t).iter().copied().chain(self.reads(t).iter().map(|read| read.key)))
            .collect();
        used.sort_unstable();
        used.dedup();
        let name = |key: u32| used.binary_search(&key).expect("all keys were gathered") as u32;
        let mut part = Self {
            origin: kept.iter().map(|&t| self.origin[t as usize]).collect(),
            process: kept.iter().map(|&t| self.process[t as usize]).collect(),
            absent: kept.iter().map(|&t| self.absent[t as usize]).collect(),
            pending: kept.iter().map(|&t| self.pending[t as usize]).collect(),
            keys: used.iter().map(|&key| self.keys[key as usize].clone()).collect(),
            read_bounds: vec![0],
            write_bounds: vec![0],
            ..Self::default()
        };
        if !self.spans.is_empty() {
            part.spans = kept.iter().map(|&t| self.spans[t as usize]).collect();
        }
        for &t in kept {
            let reads = self.reads(t).iter().filter(known);
            part.reads.extend(reads.map(|read| Read { key: name(read.key), from: renamed(read.from) }));
            part.read_bounds.push(part.reads.len() as u32);
            part.writes.extend(self.writes(t).iter().map(|&key| name(key)));
            let bounds = self.write_bounds[t as usize] as usize..self.write_bounds[t as usize + 1] as usize;
            part.values.extend_from_slice(&self.values[bounds]);
            part.write_bounds.push(part.writes.len() as u32);
            let mut before = self.previous[t as usize];
            while before != NONE && place[before as usize] == NONE {
                before = self.previous[before as usize];
            }
            part.previous.push(if before == NONE { NONE } else { place[before as usize] });
        }
        part.number_chains();
        part
    }

    /// Numbers the sessions and the chains: each transaction continues the chain of the one before it in its session,
    /// unless another does already.
    pub(super) fn number_chains(&mut self) {
        let count = self.len();
        (self.chain, self.place, self.chains) = (vec![0; count], vec![0; count], 0);
        (self.session, self.sessions) = (vec![0; count], 0);
        self.heads.clear();
        let mut continued = vec![false; count];
        for t in 0..count {
            let before = self.previous[t] as usize;
            if self.previous[t] != NONE {
                self.session[t] = self.session[before];
            } else {
                self.session[t] = self.sessions;
                self.sessions += 1;
            }
            if self.previous[t] != NONE && !continued[before] {
                continued[before] = true;
                (self.chain[t], self.place[t]) = (self.chain[before], self.place[before] + 1);
            } else if !self.absent[t] {
                (self.chain[t], self.place[t]) = (self.chains, 0);
                self.chains += 1;
                self.heads.push(t as u32);
            }
        }
    }
}

/// Lists of numbers, one for each of a range of numbers, in one piece of memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    bounds: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// The lists of all (list, item) pairs, in the order in which they come.
    pub fn gather<I: Iterator<Item = (u32, u32)>>(lists: usize, pairs: impl Fn() -> I) -> Self {
        let mut bounds = vec![0u32; lists + 1];
        for (list, _) in pairs() {
            bounds[list as usize + 1] += 1;
        }
        for list in 0..lists {
            bounds[list + 1] += bounds[list];
        }
        let mut items = vec![0; bounds[lists] as usize];
        let mut next = bounds.clone();
        for (list, item) in pairs() {
            items[next[list as usize] as usize] = item;
            next[list as usize] += 1;
        }
        Self { bounds, items }
    }

    /// One list.
    pub fn of(&self, list: u32) -> &[u32] {
        &self.items[self.bounds[list as usize] as usize..self.bounds[list as usize + 1] as usize]
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }
}
