//! Transactions: which isolation a history of transactions has, by the graph of what must come before what.
//!
//! Every answer orders transactions: who wrote what another read (wr), who replaced what another wrote (ww) or read
//! (rw). Add the order within sessions and real time where a promise includes them, and a promise is broken exactly
//! when the graph has a cycle of a certain class (Adya; Cerone and Gotsman). A graph without any cycle is an order of
//! all transactions, found in one linear pass; the rest is looked at knot by knot.

mod bank;
mod class;
mod cycles;
mod edges;
mod explain;
mod fate;
mod findings;
mod graph;
mod groups;
mod keys;
mod knot;
mod list;
mod long_fork;
mod online;
mod open;
mod predicate;
mod promises;
mod register;
mod rivals;
mod scope;
mod search;
mod verdicts;

#[cfg(test)]
mod tests;

use history::{History, Key, ListAppend, RwRegister, Vocabulary};
use rustc_hash::FxHashMap;

use crate::{
    Anomaly, Budget, Checker, Limit, Verdict,
    lattice::{Model, Models},
};
pub use bank::ConstantTotal;
pub(crate) use bank::{WRONG_TERMS, levels::breaks as breaks_of_bank};
use edges::Edges;
use fate::Fate;
pub use online::{OnlineLists, OnlineRegisters};
use open::Further;
use promises::{OF_LISTS, Promises, named};
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

    /// As far as a history carries what it needs, and a sentence where it does not.
    fn of<V: Vocabulary>(self, history: &History<V>) -> (Self, Option<String>) {
        if !self.given || history.header.given_times.is_some() {
            return (self, None);
        }
        let note = "the history carries no commit times of its database, so no order of versions was given: record them \
                    (of the formats read here timekiller has them), or let one be assumed (wfr, sequential, linearizable)";
        (Self { given: false, ..self }, Some(note.into()))
    }

    /// What is assumed, by name.
    fn names(self) -> Vec<&'static str> {
        let all = [
            (self.wfr, "wfr"),
            (self.sequential, "sequential"),
            (self.linearizable, "linearizable"),
            (self.given, "given"),
        ];
        all.into_iter().filter(|(is_assumed, _)| *is_assumed).map(|(_, name)| name).collect()
    }

    /// What a reader must know of what was assumed.
    fn assumed(self, dropped: u64) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.is_exact() {
            notes.push(format!("the order of versions was assumed to be {}", self.names().join(", ")));
        }
        if dropped > 0 {
            notes.push(format!(
                "of {dropped} keys nothing was assumed, since the assumption contradicts itself there"
            ));
        }
        notes
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

/// Tells of a kind and an anomaly.
type Ripeness<'r> = &'r dyn Fn(&str, &Anomaly) -> bool;

/// What is to be known of a history that is a part of a longer one.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'r> {
    /// Whether it is one: then what it lacks is no lack of evidence.
    is_part: bool,
    /// Whether an anomaly of a kind may be told already.
    is_ripe: Option<Ripeness<'r>>,
    /// Whether the graph is wanted.
    wants_graph: bool,
}

/// What a history of lists told.
struct Weighed<'h> {
    verdict: Verdict,
    /// All promises that are broken, and all that are shown to hold.
    refuted: Models,
    kept: Models,
    /// Why nothing is shown to hold, where that is so.
    doubts: Vec<String>,
    lists: list::Lists<'h>,
    graph: Option<graph::Graph>,
}

impl Transactions {
    /// Judges a history of lists, or a part of one in which `settled` says how the orders of keys begin that no longer matter.
    fn weigh<'h>(
        &self,
        history: &'h History<ListAppend>,
        settled: &'h FxHashMap<Key, u32>,
        part: &Part<'_>,
        budget: &Budget,
    ) -> Weighed<'h> {
        let promises = Promises::new(&self.models, named(OF_LISTS), history.header.untimed);
        let mut lists = list::Lists::new(history, settled, self.anomalies_max);
        let mut edges = Edges::new(history.operations.len() as u32);
        let rivals = list::edges(&lists, &mut edges);
        beyond(history, &lists.fates, promises.scope, &mut edges);
        let graph = part.wants_graph.then(|| graph::Graph::new(&edges));
        let found = cycles::find(edges, &rivals, &promises.classes, budget);
        let mut findings = std::mem::take(&mut lists.findings);
        verdicts::describe(history, &lists, &found.contradictions, &mut findings);
        if let Some(is_ripe) = part.is_ripe {
            findings.retain(is_ripe);
        }
        let refuted = verdicts::refuted(&findings, true);
        let mut doubts = doubts(&lists.fates, lists.ambiguous, lists.doubtful, &found.limits, part.is_part);
        if found.unsettled > 0 {
            doubts.push(
                "too many appends that no read shows contradict each other to try all their orders".into(),
            );
        }
        let kept = if doubts.is_empty() { promises.kept(refuted) } else { Models::default() };
        let mut further = Further { refuted, kept, limits: found.limits, ..Further::default() };
        if doubts.is_empty() {
            self.judge_keys(history, settled, part, &mut further, budget);
        }
        let (refuted, kept) = (further.refuted, further.kept.without(further.refuted));
        let (fates, notes) = (&lists.fates, doubts.clone());
        let evidence = Evidence { history, fates, promises: &promises, order: found.order, further, notes };
        let verdict = verdicts::conclude(evidence, findings);
        Weighed { verdict, refuted, kept, doubts, lists, graph }
    }

    /// Judges every key by itself, where that is asked and the whole does not tell.
    fn judge_keys(
        &self,
        history: &History<ListAppend>,
        settled: &FxHashMap<Key, u32>,
        part: &Part<'_>,
        further: &mut Further,
        budget: &Budget,
    ) {
        let promise = named(&["per-key-linearizable"]);
        let asked = self.models.iter().copied().collect::<Models>().intersection(promise);
        if history.header.untimed || asked.without(further.refuted).without(further.kept).is_empty() {
            return;
        }
        for strict in named(&["strict-serializable"]).iter() {
            let keys = keys::judge(history, settled, (strict, part), budget);
            if keys.undecided > 0 {
                further.notes.push(format!("{} keys by themselves could not be decided", keys.undecided));
            } else if keys.broken.is_empty() {
                further.kept = further.kept.union(promise);
            }
            if !keys.broken.is_empty() {
                further.refuted = further.refuted.union(Models::refuted_by("nonlinearizable-key"));
                if keys.broken.len() > self.anomalies_max {
                    further
                        .notes
                        .push(format!("{} keys are not linearizable by themselves", keys.broken.len()));
                }
                further.anomalies.extend(keys.broken.into_iter().take(self.anomalies_max));
            }
        }
    }
}

impl Checker<ListAppend> for Transactions {
    fn name(&self) -> String {
        self.names()
    }

    fn check(&self, history: &History<ListAppend>, budget: &Budget) -> Verdict {
        let mut verdict = self.weigh(history, &FxHashMap::default(), &Part::default(), budget).verdict;
        if !self.order.is_exact() {
            let names = self.order.names().join(", ");
            verdict.notes.push(format!(
                "lists show the order of their versions themselves, so {names} changed nothing; it is for registers"
            ));
        }
        verdict
    }
}

impl Checker<RwRegister> for Transactions {
    fn name(&self) -> String {
        self.names()
    }

    fn check(&self, history: &History<RwRegister>, budget: &Budget) -> Verdict {
        let promises = Promises::new(&self.models, open::deciding(), history.header.untimed);
        let (order, lacking) = self.order.of(history);
        let mut registers = register::Registers::new(history, order, self.anomalies_max);
        let mut edges = Edges::new(history.operations.len() as u32);
        register::edges(&registers, &mut edges);
        beyond(history, &registers.fates, promises.scope, &mut edges);
        let found = cycles::find(edges, &[], &promises.classes, budget);
        let mut findings = std::mem::take(&mut registers.findings);
        verdicts::describe(history, &registers, &found.contradictions, &mut findings);
        let refuted = verdicts::refuted(&findings, order.is_exact());
        let mut notes =
            doubts(&registers.fates, registers.ambiguous, registers.doubtful, &found.limits, false);
        let is_doubtful = !notes.is_empty();
        notes.extend(order.assumed(registers.dropped));
        notes.extend(lacking);
        let mut further = open::decide(history, &promises, refuted, budget);
        further.limits.extend(found.limits);
        if is_doubtful {
            further.kept = Models::default();
        }
        let fates = &registers.fates;
        let evidence = Evidence { history, fates, promises: &promises, order: None, further, notes };
        verdicts::conclude(evidence, findings)
    }
}

/// Why nothing can be said to be kept, where that is so. No evidence is not health, and values that are not unique prove
/// nothing.
fn doubts(fates: &[Fate], ambiguous: u64, doubtful: u64, limits: &[Limit], is_part: bool) -> Vec<String> {
    let mut doubts: Vec<String> =
        limits.iter().map(|limit| format!("{limit} before all contradictions were looked for")).collect();
    if !is_part && !fates.contains(&Fate::Committed) {
        doubts.push("no transaction is known to have committed, so there is nothing to judge by".into());
    }
    if doubtful > 0 {
        doubts.push(format!(
            "{ambiguous} writes are not unique: their value was written to their key more than once, or is the initial \
             one; {doubtful} of what was read may come from either, so nothing was inferred from it"
        ));
    }
    doubts
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
