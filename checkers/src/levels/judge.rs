//! The checker of one level.

use history::{History, vocabulary::Register};

use super::{
    LevelOptions,
    calls::{BYTES_PER_CALL, Problem},
    eventual, explain,
    ladder::registers,
    meter::Meter,
    notes,
    promise::{Answer, Promise},
    sources::Sources,
    stale::{self, Read},
};
use crate::{Budget, Checker, Ladder, Limit, Validity, Verdict, parallel};

/// How a level is judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// By who saw whose write.
    Promise(Promise),
    /// Read by read.
    Read(Read),
    /// By the final reads.
    Eventual,
}

/// The checker of one level.
#[derive(Debug)]
pub(super) struct Level {
    pub name: &'static str,
    pub kind: Kind,
    pub options: LevelOptions,
}

/// The most anomalies that are described.
const DESCRIBED_MAX: usize = 16;

impl Checker<Register> for Level {
    fn name(&self) -> String {
        self.name.into()
    }

    fn weaker(&self) -> Option<Ladder<Register>> {
        registers(self.name)
    }

    fn check(&self, history: &History<Register>, budget: &Budget) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name.into(),
            model: self.name.into(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        let mut meter = Meter::new(budget);
        if let Err(limit) = meter.hold(history.operations.len() as u64 * BYTES_PER_CALL) {
            stop(limit, &mut verdict);
            return verdict;
        }
        let problem = Problem::new(history);
        let timed = match self.kind {
            Kind::Promise(promise) => promise.is_timed(),
            Kind::Read(_) | Kind::Eventual => true,
        };
        if timed && history.header.untimed {
            verdict.validity = Validity::Unknown;
            verdict.notes.push(format!("the history is without times, and {} is about real time", self.name));
        }
        let needs_lengths = match self.kind {
            Kind::Eventual => true,
            Kind::Read(Read::Bounded) => self.options.staleness_time.is_some(),
            _ => false,
        };
        if needs_lengths && history.header.ranked {
            verdict.validity = Validity::Unknown;
            verdict.notes.push(format!(
                "the history says what came first and not how long anything took, and {} is about that",
                self.name
            ));
        }
        let impossible = Sources::certain(&problem).impossible;
        match (self.kind, impossible) {
            (_, Some(call)) => {
                verdict.validity = Validity::Invalid;
                verdict.anomalies.push(notes::impossible(history, &problem, call));
            }
            _ if verdict.validity == Validity::Unknown => {}
            (Kind::Promise(promise), None) => judge(promise, history, &problem, budget, &mut verdict),
            (Kind::Read(read), None) => stale::judge(read, &self.options, history, &problem, &mut verdict),
            (Kind::Eventual, None) => eventual::judge(history, &problem, self.options.settle, &mut verdict),
        }
        notes::add(&problem, &mut verdict);
        verdict
    }
}

/// A limit was hit before there was an answer.
fn stop(limit: Limit, verdict: &mut Verdict) {
    verdict.validity = verdict.validity.max(Validity::Unknown);
    verdict.notes.push(format!("nothing was decided before {limit}"));
    if !verdict.limits.contains(&limit) {
        verdict.limits.push(limit);
    }
}

fn judge(
    promise: Promise,
    history: &History<Register>,
    problem: &Problem,
    budget: &Budget,
    verdict: &mut Verdict,
) {
    let mut answers: Vec<(Option<Problem>, Answer)> = if promise.is_by_key() {
        parallel::map(0..problem.keys.len() as u32, |key| {
            let part = problem.of_key(key);
            let answer = promise.decide(None, &part, budget);
            (Some(part), answer)
        })
    } else {
        vec![(None, promise.decide(Some(history), problem, budget))]
    };
    let open = |(_, answer): &(Option<Problem>, Answer)| matches!(answer, Answer::Ambiguous(_));
    if promise.is_by_key() && answers.iter().any(open) && promise.is_implied(history, problem, budget) {
        answers.retain(|answer| !open(answer));
    }
    let mut broken = 0;
    for (part, answer) in answers {
        let problem = part.as_ref().unwrap_or(problem);
        match answer {
            Answer::Kept => {}
            Answer::Broken(found) => {
                broken += 1;
                verdict.validity = Validity::Invalid;
                if verdict.anomalies.len() < DESCRIBED_MAX {
                    verdict.anomalies.push(explain::anomaly(promise, history, problem, found, budget));
                }
            }
            Answer::Impossible(call) => {
                verdict.validity = Validity::Invalid;
                verdict.anomalies.push(notes::impossible(history, problem, call));
            }
            Answer::Ambiguous(count) => {
                verdict.validity = verdict.validity.max(Validity::Unknown);
                verdict.notes.push(format!(
                    "{count} answers can be explained by several calls each, in too many ways to try them all"
                ));
            }
            Answer::Stopped(limit) => stop(limit, verdict),
        }
    }
    if broken > DESCRIBED_MAX {
        verdict.notes.push(format!("{broken} keys are wrong; the first {DESCRIBED_MAX} are described"));
    }
}
