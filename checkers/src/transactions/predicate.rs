//! Transactions over rows, with reads by condition.
//!
//! All rows that were ever written are known, so a read by condition says something about every one of them: a row that
//! it does not show had, when it was read, a version that the condition does not select. Where only one version is left,
//! the transaction read that one, and is judged as if it had. Such a read is *hidden*: what it missed is a phantom, which
//! some promises allow where they forbid to miss a row that was read by its key.
//!
//! Read next: [`table`] (what each row may have been), [`reading`] (what each answer shows), [`words`] (why one transaction comes before another).

mod reading;
mod table;
mod words;

use history::{History, Predicate, RwRegister};

use super::{
    Transactions, beyond,
    cycles::{self, Contradiction, Found},
    doubts,
    edges::{Edges, Kind},
    findings::Findings,
    open::Further,
    promises::{OF_LISTS, Promises, named},
    register::{self, Reach, Registers},
    verdicts::{self, Evidence},
};
use crate::{
    Anomaly, Budget, Checker, Limit, Relation, Validity, Verdict,
    isolation::{Isolation, Level, Problem},
    lattice::{self, Model, Models},
    serial::{Respects, verify_serial_order},
};
use reading::Rows;
use words::Words;

impl Checker<Predicate> for Transactions {
    fn name(&self) -> String {
        self.names()
    }

    fn check(&self, history: &History<Predicate>, budget: &Budget) -> Verdict {
        match Rows::read(history, self.anomalies_max, budget) {
            Ok(rows) => self.judge_rows(history, rows, budget),
            Err(limit) => Verdict {
                checker: self.names(),
                model: self.names(),
                validity: Validity::Unknown,
                notes: vec![format!("{limit} before all rows were compared with all reads by condition")],
                limits: vec![limit],
                operations: history.operations.len() as u64,
                ..Verdict::default()
            },
        }
    }
}

impl Transactions {
    fn judge_rows(&self, history: &History<Predicate>, mut rows: Rows, budget: &Budget) -> Verdict {
        let promises = Promises::new(&self.models, named(OF_LISTS), history.header.untimed);
        let registers = Registers::of_rows(&rows.registers, &rows.hidden, rows.init, self.anomalies_max);
        let words = Words { rows: &rows, registers: &registers };
        let graph = |reach: Reach| {
            let mut edges = Edges::new(history.operations.len() as u32);
            register::edges_within(&registers, reach, &mut edges);
            beyond(history, &registers.fates, promises.scope, &mut edges);
            cycles::find(edges, &[], &promises.classes, budget)
        };
        let items = graph(Reach::Items);
        let all = if rows.hidden.is_empty() { None } else { Some(graph(Reach::All)) };
        let mut findings = Findings::new(self.anomalies_max);
        verdicts::describe(history, &words, &items.contradictions, &mut findings);
        let phantoms = all.as_ref().map_or_else(Vec::new, |all| phantoms(&items, all, &registers));
        for (kind, contradiction) in &phantoms {
            findings.add(kind, || words.phantom(history, contradiction));
        }
        let Found { limits, order, .. } = all.unwrap_or(items);
        let fates = registers.fates.clone();
        let mut notes = doubts(&fates, registers.ambiguous, registers.doubtful, &limits, false);
        let single = registers.findings;
        single.join(&mut findings);
        std::mem::take(&mut rows.findings).join(&mut findings);
        let refuted = verdicts::refuted(&findings, true);
        let is_doubtful = !notes.is_empty();
        notes.extend(rows.open_questions());
        let mut further = Further { refuted, limits, ..Further::default() };
        let mut certified = None;
        if !is_doubtful && rows.is_exact() {
            further.kept = promises.kept(refuted);
            certified = order;
        } else if !is_doubtful {
            self.search(history, &rows, &mut further, budget);
        }
        let evidence =
            Evidence { history, fates: &fates, promises: &promises, order: certified, further, notes };
        verdicts::conclude(evidence, findings)
    }

    /// Where the order of versions is not known, or a row could have been missing for several reasons, looks for an
    /// order of all transactions in which every answer is right.
    fn search(&self, history: &History<Predicate>, rows: &Rows, further: &mut Further, budget: &Budget) {
        let anchored = rows.anchored();
        let problem = Problem::of(&anchored);
        for &model in &self.models {
            // A row that a condition misses is no item, which is all that these two are about.
            let of_items = ["repeatable-read", "cursor-stability"].contains(&model.name());
            let above = Model::all().filter(|other| other.implies(model));
            let own = Level::from_name(model.name()).filter(|_| !of_items);
            for level in own.into_iter().chain(above.filter_map(|other| Level::from_name(other.name()))) {
                let Ok(judged) = Model::named(level.name()) else { continue };
                if further.refuted.contains(model)
                    || further.kept.contains(model)
                    || further.refuted.contains(judged)
                {
                    continue;
                }
                let verdict = Isolation::new(level).judge(&problem, &anchored, budget);
                settle(history, rows, judged, verdict, further);
            }
        }
    }
}

/// What the verdict about one level, in which the questions that are open were left out, says about all answers.
fn settle(history: &History<Predicate>, rows: &Rows, judged: Model, verdict: Verdict, further: &mut Further) {
    let limits = verdict.limits.iter().filter(|limit| !further.limits.contains(limit)).cloned();
    further.limits.extend(limits.collect::<Vec<Limit>>());
    match verdict.validity {
        Validity::Invalid => {
            let stronger: Models = Model::all().filter(|other| other.implies(judged)).collect();
            further.refuted = further.refuted.union(stronger);
            further.anomalies.extend(verdict.anomalies);
        }
        Validity::Unknown => {}
        Validity::Valid if rows.ambiguous == 0 => {
            further.kept = further.kept.union(judged.implied());
            further.certificate = further.certificate.take().or(verdict.certificate);
        }
        Validity::Valid => {
            let is_serial = judged.implies(Model::named("serializable").unwrap_or(judged));
            if let Some(order) = verdict.certificate.filter(|_| is_serial)
                && verify_serial_order(history, &order, Respects::Answers)
            {
                further.kept = further.kept.union(judged.implied());
                further.certificate = further.certificate.take().or(Some(order));
            }
        }
    }
}

/// The cycles that take a row that no condition selected, as the kinds that they then are, as far as cycles of rows that
/// were read by their keys do not say as much.
fn phantoms(items: &Found, all: &Found, registers: &Registers<'_>) -> Vec<(&'static str, Contradiction)> {
    let mut found: Vec<(&'static str, Contradiction)> = Vec::new();
    for contradiction in &all.contradictions {
        let cycle = &contradiction.cycle;
        let is_hidden = cycle.iter().enumerate().any(|(place, step)| {
            let to = cycle[(place + 1) % cycle.len()].from;
            step.kind == Kind::Rw && !registers.is_missed_item(step.from, to)
        });
        let Some(kind) = general(contradiction.kind).filter(|_| is_hidden) else { continue };
        if items.contradictions.iter().any(|item| lattice::is_case(item.kind, kind)) {
            continue;
        }
        found.push((kind, contradiction.clone()));
    }
    found
}

/// The kind of cycle that one is where what was missed need not have been read by its key.
fn general(kind: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 9] = [
        ("G-single-item", "G-single"),
        ("G-single-item-process", "G-single-process"),
        ("G-single-item-realtime", "G-single-realtime"),
        ("G-nonadjacent-item", "G-nonadjacent"),
        ("G-nonadjacent-item-process", "G-nonadjacent-process"),
        ("G-nonadjacent-item-realtime", "G-nonadjacent-realtime"),
        ("G2-item", "G2"),
        ("G2-item-process", "G2-process"),
        ("G2-item-realtime", "G2-realtime"),
    ];
    KINDS.iter().find(|(item, _)| *item == kind).map(|(_, general)| *general)
}

impl Words<'_> {
    /// A cycle as an anomaly, in which what a condition missed is told as that.
    fn phantom(&self, history: &History<Predicate>, contradiction: &Contradiction) -> Anomaly {
        let mut anomaly = super::explain::contradiction(history, self, contradiction);
        let cycle = &contradiction.cycle;
        for (place, (link, step)) in anomaly.cycle.iter_mut().zip(cycle).enumerate() {
            let to = cycle[(place + 1) % cycle.len()].from;
            if step.kind == Kind::Rw && !self.registers.is_missed_item(step.from, to) {
                link.relation = Relation::PredicateRw;
            }
        }
        anomaly
    }
}

/// The operations of a history of rows as those of registers.
type Translated = History<RwRegister>;
