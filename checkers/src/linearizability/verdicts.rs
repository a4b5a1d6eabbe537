//! One verdict out of the decisions about all keys.

use history::{History, vocabulary::Register};

use super::{Linearizable, decision::Decision, explain, register::Part, timeline::Timeline};
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
    let (mut invalid, mut undecided) = (0usize, 0usize);
    for (part, decision) in parts.iter().zip(decided) {
        match decision {
            Decision::Valid(_) => {}
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
    if invalid > checker.anomalies_max {
        verdict
            .notes
            .push(format!("{invalid} keys have no order; the first {} are described", checker.anomalies_max));
    }
    if undecided > checker.anomalies_max {
        verdict.notes.push(format!("{undecided} keys could not be decided"));
    }
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
    verdict
}

fn undecided_note(part: &Part, reached: u32, limit: &str) -> String {
    let line = Timeline::new(&part.problem.spans);
    let far = (reached as usize).checked_sub(1).map_or_else(
        || "nothing was decided".into(),
        |last| format!("linearizable up to operation {}", part.origin[line.returns[last] as usize]),
    );
    let unknowns = part.problem.spans.iter().filter(|span| span.optional).count();
    let (mut width, mut live, mut returns) = (0usize, 0usize, line.returns.iter().peekable());
    for &action in &line.calls {
        while returns.next_if(|&&r| line.ret[r as usize] < line.call[action as usize]).is_some() {
            live -= 1;
        }
        live += usize::from(!part.problem.spans[action as usize].optional);
        width = width.max(live);
    }
    format!(
        "key {}: {far}, then {limit}; up to {width} operations at a time, {unknowns} unknown outcomes",
        part.key
    )
}
