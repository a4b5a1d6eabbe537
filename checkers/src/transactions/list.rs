//! What a list-append history tells: the order in which each key's values were appended, who read how far, and what
//! is wrong without any cycle.

mod answers;
mod because;
mod edges;
mod ends;
mod orders;
mod reading;

use history::{
    History, Key, ListAppend, Operation, Value,
    vocabulary::list_append::{Answer, List, Step},
};
use rustc_hash::FxHashMap;

use super::{edges::NONE, fate::Fate, findings::Findings};

/// How many values the order of a key begins with whose transactions are not in the history, since they do not matter any
/// more.
pub(super) type Settled = FxHashMap<Key, u32>;

pub(super) use because::cut;
pub(super) use edges::edges;
pub(super) use ends::End;

/// One append.
#[derive(Clone, Copy, Debug)]
struct Write {
    transaction: u32,
    step: u32,
    key: u32,
    /// Its place in the order of its key; `NONE` where no read shows it.
    place: u32,
    /// No later step of its transaction appends to the same key.
    is_last: bool,
    /// Another append of the same value to the same key exists, so nobody knows which one a read shows.
    is_ambiguous: bool,
}

/// One answered read.
#[derive(Clone, Copy, Debug)]
struct Read {
    transaction: u32,
    step: u32,
    key: u32,
    /// How long the list was without what its own transaction had appended; `NONE` where that cannot be told, or where
    /// the read says no more than an earlier one of its transaction.
    length: u32,
    /// Its transaction appended to the key afterwards.
    is_updated: bool,
    /// Where its list is stored, if not with the order of its key.
    branch: u32,
}

/// The longest list of a key that is stored apart from the order of the key, though it may agree with it.
#[derive(Clone, Copy, Debug)]
struct Branch<'a> {
    key: u32,
    list: &'a List,
    transaction: u32,
    /// How many values it has in common with the order.
    agreed: u32,
}

/// The order of a key's values: the longest list that was read.
#[derive(Clone, Copy, Debug, Default)]
struct Order<'a> {
    values: Option<&'a List>,
    /// Who read it first.
    transaction: u32,
    /// Where its places begin in the arenas, each of which has one more place than there are values.
    start: u32,
    /// How many of its values all reads of the key agree about. No order is inferred from the
    /// others.
    agreed: u32,
}

impl Order<'_> {
    fn is_contradicted(&self) -> bool {
        self.values.is_some_and(|longest| (self.agreed as usize) < longest.len())
    }
}

/// All that a list-append history tells.
#[derive(Debug)]
pub(super) struct Lists<'a> {
    pub history: &'a History<ListAppend>,
    pub fates: Vec<Fate>,
    pub findings: Findings,
    /// Appends whose value another append of the same key has too.
    pub ambiguous: u64,
    /// How many of them a read shows, so that nobody knows whose they are.
    pub doubtful: u64,
    keys: Vec<&'a Key>,
    /// For each operation, where its steps begin in the two arenas that follow.
    steps: Vec<u32>,
    step_key: Vec<u32>,
    /// The append that a step makes; `NONE` for a read.
    step_write: Vec<u32>,
    writes: Vec<Write>,
    write_of: FxHashMap<(u32, &'a Value), u32>,
    reads: Vec<Read>,
    branches: Vec<Branch<'a>>,
    orders: Vec<Order<'a>>,
    /// The append that made each place of each order; `NONE` where there is none.
    place_write: Vec<u32>,
    /// The nearest usable append before each place, and at it or after it.
    usable_before: Vec<u32>,
    usable_after: Vec<u32>,
    beginnings: &'a Settled,
}

impl<'a> Lists<'a> {
    pub fn new(history: &'a History<ListAppend>, beginnings: &'a Settled, shown_max: usize) -> Self {
        let mut lists = Self {
            history,
            fates: history.operations.iter().map(Fate::of).collect(),
            findings: Findings::new(shown_max),
            ambiguous: 0,
            doubtful: 0,
            keys: Vec::new(),
            steps: Vec::with_capacity(history.operations.len() + 1),
            step_key: Vec::new(),
            step_write: Vec::new(),
            writes: Vec::new(),
            write_of: FxHashMap::default(),
            reads: Vec::new(),
            branches: Vec::new(),
            orders: Vec::new(),
            place_write: Vec::new(),
            usable_before: Vec::new(),
            usable_after: Vec::new(),
            beginnings,
        };
        reading::read(&mut lists);
        orders::find(&mut lists);
        answers::check(&mut lists);
        lists
    }

    fn operation(&self, transaction: u32) -> &'a Operation<ListAppend> {
        &self.history.operations[transaction as usize]
    }

    /// Where the steps of a transaction are.
    fn steps_of(&self, transaction: u32) -> std::ops::Range<usize> {
        self.steps[transaction as usize] as usize..self.steps[transaction as usize + 1] as usize
    }

    /// The value that an append appended.
    fn value(&self, write: u32) -> &'a Value {
        let Write { transaction, step, .. } = self.writes[write as usize];
        match &self.operation(transaction).call[step as usize] {
            Step::Append(_, value) => value,
            Step::Read(_) => unreachable!("a write is made by an append"),
        }
    }

    /// The list that a read returned.
    fn list(&self, read: &Read) -> &'a List {
        match self.operation(read.transaction).outcome.ok().map(|answers| &answers[read.step as usize]) {
            Some(Answer::Read(_, Some(list))) => list,
            _ => unreachable!("only answered reads are kept"),
        }
    }

    /// Whether a read is no prefix of the order of its key.
    fn is_contradiction(&self, read: &Read) -> bool {
        let branch = self.branches.get(read.branch as usize);
        branch.is_some_and(|branch| self.list(read).len() > branch.agreed as usize)
    }

    /// Whether a place's append can be the end of an edge.
    fn is_usable(&self, write: u32) -> bool {
        write != NONE && {
            let write = self.writes[write as usize];
            !write.is_ambiguous && self.fates[write.transaction as usize].took_effect()
        }
    }

    /// How much of the order of a key was made by transactions that are not in the history.
    fn beginning(&self, key: u32) -> usize {
        self.beginnings.get(self.keys[key as usize]).map_or(0, |length| *length as usize)
    }

    /// How the order of each key begins up to the last value of a transaction that does not matter.
    pub fn settled(&self, matters: &[bool]) -> Settled {
        let mut settled = Settled::default();
        for (name, order) in self.keys.iter().zip(&self.orders) {
            let places =
                &self.place_write[order.start as usize..][..order.values.map_or(0, |list| list.len())];
            let is_settled =
                |write: &u32| *write != NONE && !matters[self.writes[*write as usize].transaction as usize];
            let length = places.iter().rposition(is_settled).map_or(0, |place| place as u32 + 1);
            settled.insert((*name).clone(), length);
        }
        settled
    }

    /// How many values the order of a key has.
    fn order_length(&self, key: u32) -> usize {
        self.orders[key as usize].values.map_or(0, |values| values.len())
    }

    /// The transaction of the nearest usable append among the first `length` values of a key.
    fn writer_before(&self, key: u32, length: u32) -> Option<u32> {
        let write = self.usable_before[(self.orders[key as usize].start + length) as usize];
        (write != NONE).then(|| self.writes[write as usize].transaction)
    }

    /// The transaction of the nearest usable append after the first `length` values of a key.
    fn writer_after(&self, key: u32, length: u32) -> Option<u32> {
        let write = self.usable_after[(self.orders[key as usize].start + length) as usize];
        (write != NONE).then(|| self.writes[write as usize].transaction)
    }

    /// `#12 (p3)`.
    fn who(&self, transaction: u32) -> String {
        let operation = self.operation(transaction);
        format!("{} ({})", operation.index, operation.process)
    }
}
