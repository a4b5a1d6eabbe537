//! Each key by itself: what a list-append history keeps of linearizability when every key is judged apart from the others.

use history::{
    History, Key, ListAppend, Operation, Outcome,
    vocabulary::list_append::{Answer, Step},
};
use rustc_hash::FxHashMap;

use super::{Part, Transactions, VersionOrder};
use crate::{Anomaly, Budget, Model, Validity};

/// What the keys say.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// One anomaly of each key that is not linearizable by itself.
    pub broken: Vec<Anomaly>,
    /// How many keys could not be decided.
    pub undecided: u64,
}

/// Judges every key by itself.
pub(super) fn judge(
    history: &History<ListAppend>,
    settled: &FxHashMap<Key, u32>,
    (strict, part): (Model, &Part<'_>),
    budget: &Budget,
) -> Keys {
    let part = Part { wants_graph: false, ..*part };
    let mut keys = Keys::default();
    for (key, operations) in apart(history) {
        if operations.iter().all(|operation| operation.outcome.ok().is_none()) {
            continue;
        }
        let header = history.header.clone();
        let alone = History { header, operations, faults: Vec::new(), damage: None };
        let checker = Transactions::new(vec![strict], VersionOrder::EXACT);
        let verdict = checker.weigh(&alone, settled, &part, budget).verdict;
        match (verdict.validity, verdict.anomalies.into_iter().next()) {
            (Validity::Invalid, Some(anomaly)) => {
                keys.broken.push(Anomaly {
                    kind: "nonlinearizable-key".into(),
                    key: Some(key.clone()),
                    ..anomaly
                });
            }
            (Validity::Valid, _) => {}
            _ => keys.undecided += 1,
        }
    }
    keys
}

/// What each key saw of each transaction. The transactions keep their index, so that they are told by it.
fn apart(history: &History<ListAppend>) -> Vec<(&Key, Vec<Operation<ListAppend>>)> {
    let mut places: FxHashMap<&Key, usize> = FxHashMap::default();
    let mut keys: Vec<(&Key, Vec<Operation<ListAppend>>)> = Vec::new();
    for operation in &history.operations {
        let answers = operation.outcome.ok();
        for (step, call) in operation.call.iter().enumerate() {
            let place = *places.entry(call.key()).or_insert_with(|| {
                keys.push((call.key(), Vec::new()));
                keys.len() - 1
            });
            let of_key = &mut keys[place].1;
            if of_key.last().is_none_or(|last| last.index != operation.index) {
                of_key.push(Operation {
                    index: operation.index,
                    process: operation.process,
                    node: operation.node,
                    call: Vec::new(),
                    outcome: match &operation.outcome {
                        Outcome::Ok(_) => Outcome::Ok(Vec::new()),
                        Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
                        Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
                    },
                    began: operation.began,
                    ended: operation.ended,
                });
            }
            let Some(last) = of_key.last_mut() else { continue };
            last.call.push(Step::clone(call));
            if let (Outcome::Ok(said), Some(answer)) =
                (&mut last.outcome, answers.and_then(|all| all.get(step)))
            {
                said.push(Answer::clone(answer));
            }
        }
    }
    keys
}
