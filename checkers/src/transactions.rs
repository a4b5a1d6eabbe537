//! Transactions: which isolation a history of transactions has, by the graph of what must come before what.
//!
//! Every answer orders transactions: who wrote what another read (wr), who replaced what another wrote (ww) or read
//! (rw). Add the order within sessions and real time where a promise includes them, and a promise is broken exactly
//! when the graph has a cycle of a certain class (Adya; Cerone and Gotsman). A graph without any cycle is an order of
//! all transactions, found in one linear pass; the rest is looked at knot by knot.

mod class;
mod cycles;
mod edges;
mod explain;
mod fate;
mod findings;
mod graph;
mod knot;
mod list;
mod promises;
mod scope;
mod search;
mod verdicts;

#[cfg(test)]
mod tests;

use history::{History, ListAppend, Vocabulary};

use crate::{Budget, Checker, Verdict, lattice::Model};
use edges::Edges;
use fate::Fate;
use findings::Findings;
use promises::Promises;
use scope::Scope;
use verdicts::Evidence;

/// What the order of a key's versions is inferred from, besides what the answers prove. Each field but `given` is an
/// assumption about the database, and makes the verdict depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionOrder {
    /// A transaction that read one version of a key and wrote another wrote the later one, also where nothing weaker
    /// than read committed would demand it.
    pub wfr: bool,
    /// Each session sees the versions of a key in their order.
    pub sequential: bool,
    /// Each key by itself is linearizable.
    pub linearizable: bool,
    /// The database's own commit times order the versions (`Header::given_times`).
    pub given: bool,
}

impl VersionOrder {
    /// Only what can be proven.
    pub const EXACT: Self = Self { wfr: false, sequential: false, linearizable: false, given: false };

    /// Whether nothing is assumed.
    pub fn is_exact(self) -> bool {
        self == Self::EXACT
    }
}

/// Judges transactions by promises of the lattice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transactions {
    /// The promises.
    pub models: Vec<Model>,
    /// What versions are ordered by.
    pub order: VersionOrder,
    /// How many anomalies of each kind are described; all are counted.
    pub anomalies_max: usize,
}

impl Transactions {
    /// Judges by these promises.
    pub fn new(models: Vec<Model>, order: VersionOrder) -> Self {
        Self { models, order, anomalies_max: 8 }
    }

    fn names(&self) -> String {
        self.models.iter().map(|model| model.name()).collect::<Vec<_>>().join(",")
    }
}

impl Checker<ListAppend> for Transactions {
    fn name(&self) -> String {
        self.names()
    }

    fn check(&self, history: &History<ListAppend>, budget: &Budget) -> Verdict {
        let promises = Promises::new(&self.models, history.header.untimed);
        let mut lists = list::Lists::new(history, self.anomalies_max);
        let mut edges = Edges::new(history.operations.len() as u32);
        list::edges(&lists, &mut edges);
        beyond(history, &lists.fates, promises.scope, &mut edges);
        let found = cycles::find(edges, &promises.classes, budget);
        let mut doubts: Vec<String> = found.limits.iter().map(verdicts::doubt).collect();
        doubts.extend(nothing_happened(&lists.fates));
        if lists.ambiguous > 0 {
            doubts.push(format!(
                "{} appends have a value that another append to their key has too, so nothing was inferred from them",
                lists.ambiguous
            ));
        }
        let findings = std::mem::replace(&mut lists.findings, Findings::new(0));
        let evidence = Evidence {
            history,
            fates: &lists.fates,
            reasons: &lists,
            promises: &promises,
            found,
            doubts,
            is_proven: true,
        };
        verdicts::conclude(self.names(), evidence, findings)
    }
}

/// The edges that the data does not show.
fn beyond<V: Vocabulary>(history: &History<V>, fates: &[Fate], scope: Scope, edges: &mut Edges) {
    if scope >= Scope::Session {
        scope::sessions(history, fates, edges);
    }
    if scope == Scope::Realtime {
        scope::realtime(history, fates, edges);
    }
}

/// No evidence is not health.
fn nothing_happened(fates: &[Fate]) -> Option<String> {
    let is_empty = !fates.contains(&Fate::Committed);
    is_empty.then(|| "no transaction is known to have committed, so there is nothing to judge by".to_owned())
}
