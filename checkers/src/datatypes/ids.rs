//! A generator of ids, none of which may come twice.

use history::{
    History, Operation, Outcome, Value,
    vocabulary::{
        Ids,
        ids::{Call, Return},
    },
};
use rustc_hash::FxHashMap;

use crate::{Anomaly, Budget, Checker, DataType, Validity, Verdict};

/// The ids that were given, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdsState(Vec<Value>);

impl DataType for IdsState {
    type Vocabulary = Ids;

    /// No id was given at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self(Vec::new())
    }

    fn step(&self, _: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match returned {
            Some(Return::Id(id)) => {
                if let Err(at) = self.0.binary_search(id) {
                    let mut after = self.clone();
                    after.0.insert(at, id.clone());
                    next.push(after);
                }
            }
            None => next.push(self.clone()),
        }
    }

    fn describe(&self) -> String {
        super::braces(&self.0)
    }
}

/// Judges generated ids: no two calls returned the same. In which order they came does not matter, so one look at each
/// is enough.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UniqueIds {
    /// How many anomalies are described; all are counted.
    pub anomalies_max: usize,
}

impl Default for UniqueIds {
    fn default() -> Self {
        Self { anomalies_max: 16 }
    }
}

impl Checker<Ids> for UniqueIds {
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<Ids>, _: &Budget) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name(),
            model: "linearizable".into(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        let mut given: FxHashMap<&Value, &Operation<Ids>> = FxHashMap::default();
        let mut again = 0;
        for operation in &history.operations {
            let Outcome::Ok(Return::Id(id)) = &operation.outcome else { continue };
            let Some(first) = given.insert(id, operation) else { continue };
            // The first call stays the one that every later one is compared with.
            given.insert(id, first);
            again += 1;
            verdict.validity = Validity::Invalid;
            if again <= self.anomalies_max {
                verdict.anomalies.push(Anomaly {
                    kind: "duplicate-id".into(),
                    sentence: format!(
                        "the id {id} was given to {} at {} and again to {} at {}",
                        first.process, first.began, operation.process, operation.began
                    ),
                    witness: vec![first.index, operation.index],
                    ..Anomaly::default()
                });
            }
        }
        if again > self.anomalies_max {
            verdict
                .notes
                .push(format!("{again} ids came again; the first {} are described", self.anomalies_max));
        }
        if verdict.validity == Validity::Valid {
            let taken = |operation: &&Operation<Ids>| operation.outcome.ok().is_some();
            verdict.certificate =
                Some(history.operations.iter().filter(taken).map(|operation| operation.index).collect());
        }
        verdict
    }
}
