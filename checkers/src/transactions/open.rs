//! What the graph leaves open about plain registers. The order of versions is hardly ever known in full, so that a graph
//! without cycles proves little: the levels without a given version order decide.

use history::{History, OpIndex, RwRegister};

use super::promises::{Promises, named};
use crate::{
    Anomaly, Budget, Limit, Validity,
    isolation::{FlawKind, Isolation, Level, Problem, levels},
    lattice::{Model, Models},
};

/// What was learned besides the graph.
#[derive(Debug, Default)]
pub(super) struct Further {
    pub refuted: Models,
    pub kept: Models,
    pub anomalies: Vec<Anomaly>,
    pub notes: Vec<String>,
    pub limits: Vec<Limit>,
    pub certificate: Option<Vec<OpIndex>>,
}

/// Those that the graph decides, since an order of versions that agrees with everything else always exists.
const BY_GRAPH: &[&str] = &[
    "read-uncommitted",
    "strong-session-read-uncommitted",
    "strong-read-uncommitted",
    "read-committed",
    "strong-session-read-committed",
    "strong-read-committed",
];

/// Those that differ from a level in nothing but what a transaction sees of itself.
const NEAR: &[(&str, Level)] =
    &[("consistent-view", Level::ParallelSnapshotIsolation), ("repeatable-read", Level::Serializable)];

/// The promises that can be decided about plain registers.
pub(super) fn deciding() -> Models {
    let of_levels: Models = levels().filter_map(|level| Model::named(level.name()).ok()).collect();
    let near: Models = NEAR
        .iter()
        .map(|(name, _)| *name)
        .flat_map(|name| named(&[name]).iter().collect::<Vec<_>>())
        .collect();
    of_levels.union(near).union(named(BY_GRAPH))
}

fn level_of(model: Model) -> Option<Level> {
    let near = NEAR.iter().find(|(name, _)| *name == model.name()).map(|(_, level)| *level);
    near.or_else(|| Level::from_name(model.name()))
}

/// Decides what is needed and not refuted. Where a level cannot be decided by itself, those around it may: one above it
/// that is kept, or one below it that is broken.
pub(super) fn decide(
    history: &History<RwRegister>,
    promises: &Promises,
    refuted: Models,
    budget: &Budget,
) -> Further {
    let further = Further { refuted, ..Further::default() };
    let mut bench = Bench { history, budget, problem: None, judged: Models::default(), further };
    let by_graph = promises.decided.intersection(named(BY_GRAPH)).without(refuted);
    for model in by_graph.iter() {
        bench.further.kept = bench.further.kept.union(model.implied());
    }
    // The strongest first: what it implies is then kept too.
    let mut open = promises.needed;
    while let Some(model) = open.strongest().iter().next() {
        open = open.without([model].into_iter().collect());
        bench.judge(model);
    }
    let deciding = deciding();
    for &model in &promises.asked {
        let mut above: Models = deciding.iter().filter(|other| other.implies(model)).collect();
        while let Some(next) = above.weakest().iter().next().filter(|_| !bench.is_settled(model)) {
            above = above.without([next].into_iter().collect());
            bench.judge(next);
        }
        let mut below: Models = deciding.iter().filter(|other| model.implies(*other)).collect();
        while let Some(next) = below.strongest().iter().next().filter(|_| !bench.is_settled(model)) {
            below = below.without([next].into_iter().collect());
            bench.judge(next);
        }
    }
    let mut further = bench.further;
    further.notes.sort_unstable();
    further.notes.dedup();
    further
}

/// What has been decided so far.
struct Bench<'a> {
    history: &'a History<RwRegister>,
    budget: &'a Budget,
    problem: Option<Problem>,
    judged: Models,
    further: Further,
}

impl Bench<'_> {
    fn is_settled(&self, model: Model) -> bool {
        self.further.refuted.contains(model) || self.further.kept.contains(model)
    }

    fn judge(&mut self, model: Model) {
        let Some(level) = level_of(model).filter(|_| !self.is_settled(model) && !self.judged.contains(model))
        else {
            return;
        };
        self.judged.insert(model);
        let problem = self.problem.get_or_insert_with(|| Problem::of(self.history));
        let verdict = if level.name() == model.name() {
            Isolation::new(level).judge(problem, self.history, self.budget)
        } else {
            let mut lenient = problem.clone();
            lenient.flaws.retain(|flaw| flaw.kind != FlawKind::Internal);
            Isolation::new(level).judge(&lenient, self.history, self.budget)
        };
        let further = &mut self.further;
        further.notes.extend(verdict.notes);
        further.limits.extend(verdict.limits);
        match verdict.validity {
            Validity::Valid => {
                further.kept = further.kept.union(model.implied());
                further.certificate = further.certificate.take().or(verdict.certificate);
            }
            Validity::Unknown => {}
            Validity::Invalid => {
                let stronger = Model::all().filter(|other| other.implies(model)).collect();
                further.refuted = further.refuted.union(stronger);
                further.anomalies.extend(verdict.anomalies);
            }
        }
    }
}
