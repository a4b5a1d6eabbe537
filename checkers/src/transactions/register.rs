//! What a rw-register history tells: who wrote each version, who read it, and what is known of the order of versions.

mod answers;
mod because;
mod edges;
mod order;
mod reading;
mod timed;

use history::{
    History, Key, OpIndex, Operation, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};
use rustc_hash::FxHashSet;

use super::{VersionOrder, edges::NONE, fate::Fate, findings::Findings};
use crate::numbering::Numbering;

pub(super) use because::Shown;
pub(super) use edges::{Reach, edges, edges_within};

/// One value that a key had, or was to have.
#[derive(Clone, Copy, Debug)]
struct Version {
    key: u32,
    /// Who wrote it; `NONE` for the initial version.
    writer: u32,
    /// The step that wrote it.
    step: u32,
    /// Its writer left it in the key.
    is_last: bool,
    /// Several steps wrote it, or it is the initial value too.
    is_ambiguous: bool,
    /// Some read showed it.
    is_read: bool,
}

/// One answered read that tells something of other transactions.
#[derive(Clone, Copy, Debug)]
struct Read {
    transaction: u32,
    step: u32,
    version: u32,
    /// What its transaction left in the key afterwards; `NONE` if nothing.
    next: u32,
}

/// Versions of a key of which each of `before` precedes each of `after`.
#[derive(Clone, Debug)]
struct Precedence {
    key: u32,
    before: Vec<u32>,
    after: Vec<u32>,
}

/// All that a rw-register history tells.
#[derive(Debug)]
pub(super) struct Registers<'a> {
    pub history: &'a History<RwRegister>,
    pub fates: Vec<Fate>,
    pub findings: Findings,
    /// Writes of values that are not unique.
    pub ambiguous: u64,
    /// Reads of such values, of which nobody knows whose they are.
    pub doubtful: u64,
    /// Keys of which some order of versions was assumed and contradicted itself, so that none was assumed.
    pub dropped: u64,
    keys: Vec<&'a Key>,
    /// The key of each step, and where the steps of each operation begin.
    steps: Vec<u32>,
    step_key: Vec<u32>,
    versions: Vec<Version>,
    version_of: Numbering<'a>,
    /// The initial version of each key; `NONE` where nobody read it.
    initial: Vec<u32>,
    reads: Vec<Read>,
    /// Known successors in the order of versions: by read-modify-write, or assumed.
    successors: Vec<(u32, u32)>,
    /// The same for many versions at once.
    precedences: Vec<Precedence>,
    order: VersionOrder,
    /// The reads that were not made by their keys, by transaction and step.
    hidden: Option<&'a FxHashSet<(u32, u32)>>,
    /// What it wrote was there before everything else.
    init: Option<u32>,
}

impl<'a> Registers<'a> {
    pub fn new(history: &'a History<RwRegister>, order: VersionOrder, shown_max: usize) -> Self {
        Self::gather(history, order, shown_max, None, None)
    }

    /// A history of rows, some of which were not read by their keys, or were there from the beginning.
    pub fn of_rows(
        history: &'a History<RwRegister>,
        hidden: &'a FxHashSet<(u32, u32)>,
        init: Option<u32>,
        shown_max: usize,
    ) -> Self {
        Self::gather(history, VersionOrder::EXACT, shown_max, Some(hidden), init)
    }

    fn gather(
        history: &'a History<RwRegister>,
        order: VersionOrder,
        shown_max: usize,
        hidden: Option<&'a FxHashSet<(u32, u32)>>,
        init: Option<u32>,
    ) -> Self {
        let mut registers = Self {
            history,
            fates: history.operations.iter().map(Fate::of).collect(),
            findings: Findings::new(shown_max),
            ambiguous: 0,
            doubtful: 0,
            dropped: 0,
            keys: Vec::new(),
            steps: Vec::with_capacity(history.operations.len() + 1),
            step_key: Vec::new(),
            versions: Vec::new(),
            version_of: Numbering::default(),
            initial: Vec::new(),
            reads: Vec::new(),
            successors: Vec::new(),
            precedences: Vec::new(),
            order,
            hidden,
            init,
        };
        reading::read(&mut registers);
        answers::check(&mut registers);
        order::find(&mut registers);
        registers
    }

    /// Whether a read was made by the key of what it read.
    fn is_item(&self, read: &Read) -> bool {
        !self.hidden.is_some_and(|hidden| hidden.contains(&(read.transaction, read.step)))
    }

    /// The index of a transaction.
    pub fn index(&self, transaction: u32) -> OpIndex {
        self.operation(transaction).index
    }

    fn operation(&self, transaction: u32) -> &'a Operation<RwRegister> {
        &self.history.operations[transaction as usize]
    }

    fn value(&self, version: u32) -> &'a Value {
        let Version { writer, step, .. } = self.versions[version as usize];
        if writer == NONE {
            return &self.history.header.initial;
        }
        match &self.operation(writer).call[step as usize] {
            Step::Write(_, value) => value,
            Step::Read(_) => unreachable!("a version is made by a write"),
        }
    }

    /// What a read returned.
    fn answer(&self, read: &Read) -> &'a Value {
        match self.operation(read.transaction).outcome.ok().map(|answers| &answers[read.step as usize]) {
            Some(Answer::Read(_, Some(value))) => value,
            _ => unreachable!("only answered reads are kept"),
        }
    }

    /// Who wrote a version, where that is known and it took effect.
    fn writer(&self, version: u32) -> Option<u32> {
        let Version { writer, is_ambiguous, .. } = self.versions[version as usize];
        (writer != NONE && !is_ambiguous && self.fates[writer as usize].took_effect()).then_some(writer)
    }

    /// Whether a version has a place in the order of its key: what somebody left there, or the initial one.
    fn is_placed(&self, version: u32) -> bool {
        let Version { writer, is_last, is_ambiguous, .. } = self.versions[version as usize];
        !is_ambiguous && (writer == NONE || is_last && self.fates[writer as usize].took_effect())
    }

    fn who(&self, transaction: u32) -> String {
        let operation = self.operation(transaction);
        format!("{} ({})", operation.index, operation.process)
    }
}
