//! One verdict out of the decisions about all keys.

use history::{History, vocabulary::Register};

use super::{Linearizable, certificate, decision::Decision, explain, register::Part, timeline::Timeline};
use crate::{Budget, Checker, Validity, Verdict};

pub(super) fn summarize(
    checker: &Linearizable,
    history: &History<Register>,
    parts: &[Part],
    decided: Vec<Decision>,
    budget: &Budget,
) -> Verdict {
    let mut verdict = Verdict {
        checker: checker.name(),
        model: "linearizable".into(),
        operations: history.operations.len() as u64,
        ..Verdict::default()
    };
    let (mut invalid, mut undecided, mut orders) = (0usize, 0usize, Vec::new());
    for (part, decision) in parts.iter().zip(decided) {
        match decision {
            Decision::Valid(order) => orders.push(part.whole(history, &order)),
            Decision::Invalid { reached } => {
                invalid += 1;
                verdict.validity = Validity::Invalid;
                if invalid <= checker.anomalies_max {
                    verdict.anomalies.push(explain::anomaly(history, part, reached, budget));
                }
            }
            Decision::Unknown { limit, reached } => {
                undecided += 1;
                verdict.validity = verdict.validity.max(Validity::Unknown);
                if undecided <= checker.anomalies_max {
                    verdict.notes.push(undecided_note(part, reached, &limit.to_string()));
                }
                if !verdict.limits.contains(&limit) {
                    verdict.limits.push(limit);
                }
            }
        }
    }
    certificate::note_counts(&mut verdict, invalid, undecided, checker.anomalies_max);
    let malformed: usize = parts.iter().map(|part| part.malformed).sum();
    if malformed > 0 {
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.notes.push(format!(
            "{malformed} answers do not belong to their calls and were judged as unknown outcomes"
        ));
    }
    let nil: usize = parts.iter().map(|part| part.nil_reads).sum();
    if nil > 0 {
        verdict
            .notes
            .push(format!("{nil} nil reads were taken as not known, because the initial value is not nil"));
    }
    if verdict.validity == Validity::Valid {
        verdict.certificate = Some(certificate::merge(history, orders));
    }
    verdict
}

fn undecided_note(part: &Part, reached: u32, limit: &str) -> String {
    let line = Timeline::new(&part.problem.spans);
    let last = (reached as usize).checked_sub(1).map(|last| part.origin[line.returns[last] as usize]);
    let unknowns = part.problem.spans.iter().filter(|span| span.optional).count();
    certificate::undecided_note(&format!("key {}", part.key), last, limit, line.width(), unknowns)
}
