//! No evidence is not health: a history without enough successful calls proves nothing.

use history::{History, Nanos, Operation, Vocabulary};

use crate::{Budget, Checker, Validity, Verdict};

/// Answers unknown where a kind of call that the workload meant to make never succeeded, or where the final reads are
/// missing; otherwise valid. It never finds an anomaly.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The kinds of calls ([`Vocabulary::kind`]) of which at least one must have succeeded.
    pub expected: Vec<String>,
    /// The kind of call that reads at the end. One must have succeeded that began when no fault was in force any more.
    pub final_reads: Option<String>,
}

impl Evidence {
    /// At least one call of each of these kinds must have succeeded.
    pub fn of<S: Into<String>>(kinds: impl IntoIterator<Item = S>) -> Self {
        Self { expected: kinds.into_iter().map(Into::into).collect(), final_reads: None }
    }

    /// And one call of this kind must have succeeded after the last fault.
    pub fn with_final_reads(self, kind: impl Into<String>) -> Self {
        Self { final_reads: Some(kind.into()), ..self }
    }
}

impl<V: Vocabulary> Checker<V> for Evidence {
    fn name(&self) -> String {
        "evidence".into()
    }

    fn check(&self, history: &History<V>, _: &Budget) -> Verdict {
        let succeeded = |kind: &str, since: Nanos| {
            let fits = |operation: &&Operation<V>| {
                operation.outcome.ok().is_some()
                    && operation.began >= since
                    && V::kind(&operation.call) == kind
            };
            history.operations.iter().any(|operation| fits(&operation))
        };
        let missing = self.expected.iter().filter(|kind| !succeeded(kind, Nanos(0)));
        let mut notes: Vec<String> =
            missing.map(|kind| format!("no {kind} ever succeeded, so nothing is proven")).collect();
        if let Some(kind) = &self.final_reads {
            let healed = history
                .faults
                .iter()
                .map(|fault| fault.ended)
                .try_fold(Nanos(0), |last, end| Some(last.max(end?)));
            if !healed.is_some_and(|healed| succeeded(kind, healed)) {
                notes.push(format!(
                    "no {kind} succeeded after the last fault, so what it was to prove is unknown"
                ));
            }
        }
        Verdict {
            checker: Checker::<V>::name(self),
            model: "evidence".into(),
            validity: if notes.is_empty() { Validity::Valid } else { Validity::Unknown },
            notes,
            operations: history.operations.len() as u64,
            ..Verdict::default()
        }
    }
}
