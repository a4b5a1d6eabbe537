//! One verdict out of the decisions about all keys.

use history::{History, OpIndex, vocabulary::Register};

use super::{
    FEW, Linearizable, certificate,
    decision::Decision,
    explain,
    groups::{self, Group},
    register::{Part, Problem},
    timeline::Timeline,
};
use crate::{Budget, Checker, Validity, Verdict, parallel, subject};

/// One key and what was decided about it.
pub(super) struct Judged {
    pub part: Part,
    decision: Decision,
    /// An order of all operations that took effect, if there is one.
    pub order: Option<Vec<OpIndex>>,
}

/// Decides all keys, the largest first so that no thread is left alone with one at the end.
pub(super) fn judge(history: &History<Register>, budget: &Budget) -> Vec<Judged> {
    let decide = |group: Group| {
        let mut part = Part::new(history, group);
        let mut decision = part.decide(budget);
        let order = match &mut decision {
            Decision::Valid(order) => Some(part.whole(history, &std::mem::take(order))),
            _ => None,
        };
        if order.is_some() {
            // Nothing is asked any more about a key that is right.
            (part.problem, part.origin, part.operations) = (Problem::default(), Vec::new(), Vec::new());
        }
        Judged { part, decision, order }
    };
    let little = history.operations.len() < FEW;
    parallel::map_largest_first(groups::groups(history), little, |group| group.operations.len(), decide)
}

pub(super) fn summarize(
    checker: &Linearizable,
    history: &History<Register>,
    judged: Vec<Judged>,
    budget: &Budget,
) -> Verdict {
    let mut verdict = Verdict {
        checker: checker.name(),
        model: "linearizable".into(),
        operations: history.operations.len() as u64,
        ..Verdict::default()
    };
    let (mut invalid, mut undecided, mut orders) = (Vec::new(), 0usize, Vec::new());
    let (mut malformed, mut nil) = (0, 0);
    for Judged { part, decision, order } in judged {
        malformed += part.malformed;
        nil += part.nil_reads;
        orders.extend(order);
        match decision {
            Decision::Valid(_) => {}
            Decision::Invalid { reached } => invalid.push((part, reached)),
            Decision::Unknown { limit, reached } => {
                undecided += 1;
                if undecided <= checker.anomalies_max {
                    verdict.notes.push(undecided_note(&part, reached, &limit.to_string()));
                }
                if !verdict.limits.contains(&limit) {
                    verdict.limits.push(limit);
                }
            }
        }
    }
    verdict.validity = match (invalid.len(), undecided) {
        (0, 0) => Validity::Valid,
        (0, _) => Validity::Unknown,
        _ => Validity::Invalid,
    };
    let described = invalid.iter().take(checker.anomalies_max);
    verdict.anomalies =
        parallel::map(described, |(part, reached)| explain::anomaly(history, part, *reached, budget));
    certificate::note_counts(&mut verdict, invalid.len(), undecided, checker.anomalies_max);
    if malformed > 0 {
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.notes.push(format!(
            "{malformed} answers do not belong to their calls and were judged as unknown outcomes"
        ));
    }
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
    certificate::undecided_note(&subject::part(&part.key), last, limit, line.width(), unknowns)
}
