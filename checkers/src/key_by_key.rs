//! One verdict of many keys that are judged one by one, each by itself.

use std::collections::BTreeMap;

use history::{Key, Operation, Vocabulary};

use crate::{Anomaly, Budget, Limit, Validity, Verdict, subject::part as part_of};

/// What is wrong with a key, and why something of it could not be judged.
pub(crate) type Judged = (Vec<Anomaly>, Option<String>);

/// Judges the parts of a history of so many operations, key by key, until the time is up. Of each kind of anomaly the first
/// `anomalies_max` are kept, and all are counted.
pub(crate) fn judge_keys<P>(
    name: &str,
    operations: usize,
    parts: &BTreeMap<&Key, P>,
    (budget, anomalies_max): (&Budget, usize),
    judge: impl Fn(&Key, &P) -> Judged,
) -> Verdict {
    let mut verdict = Verdict {
        checker: name.into(),
        model: name.into(),
        operations: operations as u64,
        ..Verdict::default()
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (key, part) in parts {
        if budget.is_expired() {
            verdict.validity = verdict.validity.max(Validity::Unknown);
            verdict.notes.push(format!(
                "{} and those after it were not judged: {}",
                part_of(key),
                Limit::Time
            ));
            verdict.limits.push(Limit::Time);
            break;
        }
        let (found, note) = judge(key, part);
        if let Some(note) = note {
            verdict.validity = verdict.validity.max(Validity::Unknown);
            verdict.notes.push(note);
        }
        for anomaly in found {
            verdict.validity = Validity::Invalid;
            let count = counts.entry(anomaly.kind.clone()).or_default();
            *count += 1;
            if *count <= anomalies_max {
                verdict.anomalies.push(anomaly);
            }
        }
    }
    let many = counts.into_iter().filter(|(_, count)| *count > anomalies_max);
    verdict.notes.extend(many.map(|(kind, count)| format!("{count} anomalies of the kind {kind} in all")));
    verdict
}

/// Something wrong with a key, and the calls that show it.
pub(crate) fn anomaly<'a, V: Vocabulary>(
    kind: &str,
    key: &Key,
    sentence: String,
    operations: impl IntoIterator<Item = &'a Operation<V>>,
) -> Anomaly {
    let mut witness: Vec<_> = operations.into_iter().map(|operation| operation.index).collect();
    witness.sort_unstable();
    witness.dedup();
    Anomaly { kind: kind.into(), sentence, key: Some(key.clone()), witness, ..Anomaly::default() }
}
