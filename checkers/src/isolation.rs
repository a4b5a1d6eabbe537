//! Levels of isolation of plain registers, judged from the values alone: no order of versions is given or assumed.
//!
//! Where every value is written once, a read tells from which transaction it read. What cannot be seen is in which order
//! the writers of a key came. The weak levels, up to causal consistency, are decided by inferring the order that the reads
//! enforce and looking for a circle; the strong ones, where the order must also be guessed, by a search that keeps an
//! order of all transactions and repairs it, and that proves it when there is none.
//!
//! Read next: [`Level`] (what is promised), [`Problem`] (what of a history decides), [`decide`].

mod causality;
mod circle;
mod closure;
mod decision;
mod flaw;
mod graph;
mod guarantees;
mod intake;
mod level;
mod memory;
mod meter;
mod problem;
mod sessions;
mod strong;
mod verify;
mod views;
mod witness;

use history::{History, RwRegister};

pub use circle::Contradiction;
pub use decision::{Decision, Order, decide};
pub use flaw::{Flaw, FlawKind};
pub use level::{Level, levels};
pub use problem::{INITIAL, Problem, Read, Span};
pub use verify::verify;

use crate::{Anomaly, Budget, Checker, Verdict};

/// How many wrong reads of a kind are described.
const DESCRIBED: usize = 8;

/// Judges read-write transactions by one level.
#[derive(Clone, Copy, Debug)]
pub struct Isolation {
    /// The level.
    pub level: Level,
}

impl Isolation {
    /// A checker of this level.
    pub fn new(level: Level) -> Self {
        Self { level }
    }

    /// Judges a problem that was made of the history before, so that several levels share the work.
    pub fn judge(self, problem: &Problem, history: &History<RwRegister>, budget: &Budget) -> Verdict {
        let decision = decide(problem, self.level, budget);
        let mut anomalies: Vec<Anomaly> =
            decision.contradictions.iter().map(|found| found.anomaly(problem)).collect();
        let mut notes = problem.doubts.clone();
        notes.extend(problem.notes.iter().cloned());
        for kind in [
            FlawKind::Garbage,
            FlawKind::Future,
            FlawKind::Aborted,
            FlawKind::Intermediate,
            FlawKind::Internal,
        ] {
            let of_kind =
                || decision.flaws.iter().map(|&place| &problem.flaws[place]).filter(|flaw| flaw.kind == kind);
            anomalies.extend(of_kind().take(DESCRIBED).map(|flaw| flaw.anomaly(problem, history)));
            if of_kind().nth(DESCRIBED).is_some() {
                notes.push(format!("{} anomalies of the kind {} in all", of_kind().count(), kind.name()));
            }
        }
        if let Some(limit) = &decision.limit {
            notes.push(format!("{} was not decided: {limit}", self.level));
        }
        if self.level.scope() == level::Scope::RealTime && problem.spans.is_empty() && !problem.is_empty() {
            notes.push(format!("{} speaks of real time, and the history has no times", self.level));
        }
        let certificate = decision.order.as_ref().map(|order| match order {
            Order::Serial(order) | Order::Snapshots(order) => {
                order.iter().map(|&t| problem.origin[t as usize]).collect()
            }
        });
        Verdict {
            checker: Checker::<RwRegister>::name(&self),
            model: self.level.name().into(),
            validity: decision.validity,
            anomalies,
            limits: decision.limit.into_iter().collect(),
            notes,
            operations: history.operations.len() as u64,
            standing: None,
            certificate,
        }
    }
}

impl Checker<RwRegister> for Isolation {
    fn name(&self) -> String {
        self.level.name().into()
    }

    fn check(&self, history: &History<RwRegister>, budget: &Budget) -> Verdict {
        self.judge(&Problem::of(history), history, budget)
    }
}
