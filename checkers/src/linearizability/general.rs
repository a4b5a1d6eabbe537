//! Linearizability of any data type.

use std::fmt;

use history::{History, OpIndex};

use super::{FEW, certificate, decision::Decision};
use crate::{Budget, Checker, DataType, Validity, Verdict, parallel};

mod parts;
mod refutation;

pub(super) use parts::{Part, Scope};
use refutation::Wise;
pub(super) use refutation::acknowledged_before;
pub use refutation::{Naming, Refutation};

/// Decides a part in a way that only its data type allows, if that is possible. The numbers of an order are those of
/// the operations that come with it; the rank of a return is that among the returns of the part.
pub(crate) type Shortcut<D> =
    fn(&History<<D as DataType>::Vocabulary>, &Part, &Scope<'_>, &Budget) -> Option<(Decision, Vec<OpIndex>)>;

/// Judges any [`DataType`] with the general engine. Calls that share a key are judged together, and so are keys that a
/// call joins.
pub struct LinearizableType<D: DataType> {
    name: String,
    naming: Option<Naming<D>>,
    shortcut: Option<Shortcut<D>>,
    anomalies_max: usize,
    /// What its operations are called where the history is a part of another one.
    names: Vec<OpIndex>,
}

/// What was decided of one part, and what the numbers of its order stand for.
type Decided = (Decision, Vec<OpIndex>);

impl<D: DataType> LinearizableType<D> {
    /// A checker of this data type.
    pub fn new() -> Self {
        Self {
            name: "linearizable".into(),
            naming: None,
            shortcut: None,
            anomalies_max: 16,
            names: Vec::new(),
        }
    }

    /// Under this name in reports.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// With kinds and sentences that know the data type. Where it answers `None` the general ones are used.
    #[must_use]
    pub fn with_naming(self, naming: Naming<D>) -> Self {
        Self { naming: Some(naming), ..self }
    }

    /// With a way to decide parts sooner than by the general engine.
    #[must_use]
    pub(crate) fn with_shortcut(self, shortcut: Shortcut<D>) -> Self {
        Self { shortcut: Some(shortcut), ..self }
    }

    /// Where the history is a part of another one: what its operations are called there, for notes.
    #[must_use]
    pub(crate) fn with_names(self, names: Vec<OpIndex>) -> Self {
        Self { names, ..self }
    }

    /// How many anomalies are described; all are counted.
    #[must_use]
    pub fn with_anomalies_max(self, anomalies_max: usize) -> Self {
        Self { anomalies_max, ..self }
    }

    fn collect(
        &self,
        history: &History<D::Vocabulary>,
        parts: &[Part],
        decided: Vec<Decided>,
        budget: &Budget,
    ) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name.clone(),
            model: "linearizable".into(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        let (mut refuted, mut undecided, mut orders) = (Vec::new(), 0usize, Vec::new());
        for (part, (decision, judged)) in parts.iter().zip(decided) {
            match decision {
                Decision::Valid(order) => {
                    let order = order.into_iter().map(|i| judged[i as usize]).collect();
                    orders.push(certificate::with_unjudged(history, &part.operations, &judged, order));
                }
                Decision::Unknown { limit, reached } => {
                    undecided += 1;
                    if undecided <= self.anomalies_max {
                        verdict.notes.push(self.undecided_note(history, part, reached, &limit.to_string()));
                    }
                    if !verdict.limits.contains(&limit) {
                        verdict.limits.push(limit);
                    }
                }
                Decision::Invalid { reached } => refuted.push((part, reached)),
            }
        }
        verdict.validity = match (refuted.len(), undecided) {
            (0, 0) => Validity::Valid,
            (0, _) => Validity::Unknown,
            _ => Validity::Invalid,
        };
        verdict.anomalies = parallel::map(refuted.iter().take(self.anomalies_max), |&(part, reached)| {
            let wise = Wise { naming: self.naming, shortcut: self.shortcut };
            refutation::anomaly::<D>(history, part, reached, wise, budget)
        });
        certificate::note_counts(&mut verdict, refuted.len(), undecided, self.anomalies_max);
        if verdict.validity == Validity::Valid {
            verdict.certificate = Some(certificate::merge(history, orders));
        }
        verdict
    }

    fn undecided_note(
        &self,
        history: &History<D::Vocabulary>,
        part: &Part,
        reached: u32,
        limit: &str,
    ) -> String {
        let (width, unknowns) = refutation::difficulty(history, part);
        let last: Option<OpIndex> =
            (reached as usize).checked_sub(1).map(|last| part.judged[part.line.returns[last] as usize]);
        let name = |last: OpIndex| self.names.get(last.0 as usize).copied().unwrap_or(last);
        certificate::undecided_note(&part.name(), last.map(name), limit, width, unknowns)
    }
}

impl<D: DataType> Default for LinearizableType<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: DataType> Clone for LinearizableType<D> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), names: self.names.clone(), ..*self }
    }
}

impl<D: DataType> fmt::Debug for LinearizableType<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinearizableType").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: DataType> Checker<D::Vocabulary> for LinearizableType<D> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn check(&self, history: &History<D::Vocabulary>, budget: &Budget) -> Verdict {
        let parts = parts::parts(history);
        let decide = |part: &Part| {
            let short = self.shortcut.and_then(|shortcut| shortcut(history, part, &Scope::ALL, budget));
            short.unwrap_or_else(|| {
                (part.decide::<D>(history, part.task(history), None, budget), part.judged.clone())
            })
        };
        let easy = self.shortcut.is_some() && history.operations.len() < FEW;
        let decided = parallel::map_largest_first(&parts, easy, |part| part.judged.len(), decide);
        self.collect(history, &parts, decided, budget)
    }
}
