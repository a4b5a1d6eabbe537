//! Linearizability: every call seems to happen at one instant between its beginning and its end.
//!
//! [`Linearizable`] judges registers, key by key and in parallel, with the engines that are made for them.
//! [`LinearizableType`] judges any [`DataType`] with the general engine.

mod certificate;
mod decision;
mod explain;
mod frontier;
mod general;
mod groups;
mod register;
mod search;
mod shrink;
mod stores;
mod timeline;
mod verdicts;
mod verify;
mod verify_any;
mod window;
mod zones;

#[cfg(test)]
mod tests;

use history::{History, Key, OpIndex, vocabulary::Register};

use crate::{Budget, Checker, Ladder, Verdict, levels};

pub(crate) use certificate::merge as merge_orders;
pub use general::{LinearizableType, Naming, Refutation};
pub(crate) use stores::{decide as decide_store, name as name_store};
pub use verify::{verify_order, verify_witness};
pub(crate) use verify_any::objects;
pub use verify_any::verify_object_order;

/// Below how many operations waking other threads takes longer than doing without them.
const FEW: usize = 2048;

/// Judges registers with read, write and compare-and-set, each key by itself.
///
/// Unknown outcomes have no deadline and may never have happened. A read that returned `Value(None)`, or nil where
/// the initial value is not nil, matches anything. A refused compare-and-set saw some other value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Linearizable {
    /// How many anomalies are described; all are counted.
    pub anomalies_max: usize,
}

impl Default for Linearizable {
    fn default() -> Self {
        Self { anomalies_max: 16 }
    }
}

impl Checker<Register> for Linearizable {
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<Register>, budget: &Budget) -> Verdict {
        let judged = verdicts::judge(history, budget);
        verdicts::summarize(self, history, judged, budget)
    }

    fn weaker(&self) -> Option<Ladder<Register>> {
        levels::registers("linearizable")
    }
}

impl Linearizable {
    /// For each key in order, an order of its operations that explains every result; `None` for a key that has none
    /// or could not be decided within the budget. [`verify_order`] accepts what is returned here.
    pub fn certificate(
        &self,
        history: &History<Register>,
        budget: &Budget,
    ) -> Vec<(Key, Option<Vec<OpIndex>>)> {
        let judged = verdicts::judge(history, budget);
        judged.into_iter().map(|judged| (judged.part.key, judged.order)).collect()
    }
}
