//! Sequential consistency: all calls seem to happen one after the other, each session's in the order it made them.
//!
//! Nothing is said of real time: a call may seem to happen long after it ended, as long as no session can tell. So a
//! client may read old values for a while, but never go back, and never disagree with others about what came first.
//!
//! [`Sequential`] judges all keys at once, as the promise says; two keys that are sequentially consistent each need not be
//! so together. [`Sequential::per_key`] judges each key by itself, which is the weaker promise `sequential-per-key`.
//!
//! Deciding it is hard in general. Where the values say who saw what, orders that are forced are deduced, and a
//! contradiction among them is a cycle and a proof. Else a search goes through the orders that keep them, within the
//! budget. An order that is found is the verdict's certificate, which [`verify_sequential`] accepts.
//!
//! An unknown write may have happened once, at any later moment, or never; nothing follows it in its session. A refused
//! compare-and-set saw some other value than it asked for.

mod explain;
mod merge;
pub(crate) mod objects;
mod saturation;
mod search;
mod verify;

use history::{History, OpIndex, vocabulary::Register};

use crate::{
    Budget, Checker, Ladder, Limit, Validity, Verdict,
    levels::{
        self,
        calls::{BYTES_PER_CALL, NONE, Problem},
        forced::{Deduced, Edge},
        meter::Meter,
        notes,
        sources::{INITIAL, Sources},
    },
    parallel,
};
use saturation::Saturation;
use search::Found;

pub use verify::verify_sequential;

/// Judges registers by sequential consistency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential {
    per_key: bool,
}

impl Sequential {
    /// All keys at once.
    pub fn new() -> Self {
        Self { per_key: false }
    }

    /// Each key by itself.
    pub fn per_key() -> Self {
        Self { per_key: true }
    }

    fn model(self) -> &'static str {
        if self.per_key { "sequential-per-key" } else { "sequential" }
    }
}

/// The answer about one problem.
#[derive(Debug)]
enum Decision {
    /// In this order.
    Valid(Vec<u32>),
    /// These calls have no order, because of a cycle, or because a search found none.
    Invalid { calls: Vec<u32>, cycle: Vec<Edge> },
    /// This observation has no cause.
    Impossible(u32),
    /// A limit was hit after so many calls.
    Unknown(Limit, u32),
}

impl Checker<Register> for Sequential {
    fn name(&self) -> String {
        self.model().into()
    }

    fn weaker(&self) -> Option<Ladder<Register>> {
        levels::registers(self.model())
    }

    fn check(&self, history: &History<Register>, budget: &Budget) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name(),
            model: self.name(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        let mut meter = Meter::new(budget);
        let held = meter.hold(history.operations.len() as u64 * BYTES_PER_CALL);
        let problem = if held.is_ok() { Problem::new(history) } else { Problem::default() };
        if let Err(limit) = held {
            finish(history, &problem, Decision::Unknown(limit, 0), &mut verdict, budget);
            return verdict;
        }
        let merged = merge::linearizable(history, &problem, budget, self.per_key);
        if let (Some(order), false) = (merged, self.per_key) {
            finish(history, &problem, Decision::Valid(order), &mut verdict, budget);
        } else if self.per_key {
            let decided = parallel::map(0..problem.keys.len() as u32, |key| {
                let part = problem.of_key(key);
                let decision = decide(&part, budget);
                (part, decision)
            });
            let all = decided.len();
            for (part, decision) in decided {
                finish(history, &part, decision, &mut verdict, budget);
            }
            // Orders of single keys are no order of the whole.
            if all != 1 {
                verdict.certificate = None;
            }
        } else {
            let decision = decide(&problem, budget);
            finish(history, &problem, decision, &mut verdict, budget);
        }
        notes::add(&problem, &mut verdict);
        verdict
    }
}

/// Decides a problem.
fn decide(problem: &Problem, budget: &Budget) -> Decision {
    let mut meter = Meter::new(budget);
    decide_within(problem, &mut meter).unwrap_or_else(|limit| Decision::Unknown(limit, 0))
}

fn decide_within(problem: &Problem, meter: &mut Meter) -> Result<Decision, Limit> {
    let sources = Sources::certain(problem);
    if let Some(call) = sources.impossible {
        return Ok(Decision::Impossible(call));
    }
    let needs = match saturation::saturate(problem, &sources, meter)? {
        Saturation::Cycle(cycle, calls) => return Ok(Decision::Invalid { calls, cycle }),
        Saturation::Open(needs) => needs,
    };
    Ok(match search::search(problem, &sources, &needs, meter) {
        Found::Order(order) => Decision::Valid(order),
        Found::Nothing => {
            let calls = (0..problem.calls.len() as u32).collect();
            Decision::Invalid { calls, cycle: Vec::new() }
        }
        Found::Stopped(limit, longest) => Decision::Unknown(limit, longest),
    })
}

/// Whether each key is quickly found to be linearizable.
pub(crate) fn is_linearizable(history: &History<Register>, problem: &Problem, budget: &Budget) -> bool {
    // A session whose next call began when the last ended says more than real time does.
    let at = |call: u32| &problem.calls[call as usize];
    let apart = |pair: &[u32]| at(pair[0]).ended < at(pair[1]).began;
    problem.sessions.iter().all(|session| session.windows(2).all(apart))
        && merge::linearizable(history, problem, budget, false).is_some()
}

/// An order of all calls that happened, within so many steps, if that finds one.
pub(crate) fn find_order(
    history: &History<Register>,
    problem: &Problem,
    budget: &Budget,
    steps: u64,
) -> Option<Vec<u32>> {
    if let Some(order) = merge::linearizable(history, problem, budget, false) {
        return Some(order);
    }
    let sources = Sources::certain(problem);
    if sources.impossible.is_some() {
        return None;
    }
    let needs = Deduced::new(problem.calls.len());
    match search::search(problem, &sources, &needs, &mut Meter::at_most(budget, steps)) {
        Found::Order(order) => Some(order),
        Found::Nothing | Found::Stopped(..) => None,
    }
}

/// What each call saw if each key by itself is explained by one order, for the keys of which one is found within so many steps
/// for each of its calls; nothing for the others.
pub(crate) fn seen_by_key(problem: &Problem, budget: &Budget, steps: u64) -> Vec<u32> {
    let mut calls: Vec<Vec<u32>> = vec![Vec::new(); problem.keys.len()];
    for (number, call) in (0u32..).zip(&problem.calls) {
        calls[call.key as usize].push(number);
    }
    let mut seen = vec![NONE; problem.calls.len()];
    for of_key in calls.iter().filter(|of_key| !of_key.is_empty()) {
        let part = problem.only(of_key, &[]);
        let (sources, needs) = (Sources::certain(&part), Deduced::new(part.calls.len()));
        let meter = &mut Meter::at_most(budget, steps * of_key.len() as u64 + 1_000);
        let Found::Order(order) = search::search(&part, &sources, &needs, meter) else { continue };
        let mut last = INITIAL;
        for call in order {
            let whole = of_key[call as usize];
            seen[whole as usize] = last;
            if part.calls[call as usize].action.makes().is_some() {
                last = whole;
            }
        }
    }
    seen
}

/// Puts a decision into the verdict.
fn finish(
    history: &History<Register>,
    problem: &Problem,
    decision: Decision,
    verdict: &mut Verdict,
    budget: &Budget,
) {
    match decision {
        Decision::Valid(order) => {
            let order: Vec<OpIndex> = order.iter().map(|&call| problem.calls[call as usize].origin).collect();
            verdict.certificate = Some(order);
        }
        Decision::Invalid { calls, cycle } => {
            verdict.validity = Validity::Invalid;
            verdict.anomalies.push(explain::anomaly(history, problem, calls, cycle, budget));
        }
        Decision::Impossible(call) => {
            verdict.validity = Validity::Invalid;
            verdict.anomalies.push(notes::impossible(history, problem, call));
        }
        Decision::Unknown(limit, longest) => {
            verdict.validity = verdict.validity.max(Validity::Unknown);
            let unknown = problem.calls.iter().filter(|call| call.optional).count();
            verdict.notes.push(format!(
                "{longest} of {} calls could be put in order, then {limit}; {} sessions, {unknown} unknown outcomes",
                problem.calls.len(),
                problem.sessions.len(),
            ));
            if !verdict.limits.contains(&limit) {
                verdict.limits.push(limit);
            }
        }
    }
    if verdict.validity != Validity::Valid {
        verdict.certificate = None;
    }
}
