//! Checkers that are fed while a history grows, and forget what is settled.

use std::collections::BTreeSet;

use history::{Key, OpIndex, Operation, Vocabulary, stream::Event};

use crate::{Budget, Verdict};

/// Judges a history while it grows.
///
/// What it proves is proven by what it was told so far, and stays proven whatever comes: an anomaly that rests on a call which
/// is still under way is told only when that call has ended.
pub trait Streaming<V: Vocabulary>: Send {
    /// The promises, by name.
    fn name(&self) -> String;
    /// Takes the next event. Events come in the order in which they happened.
    fn take(&mut self, event: Event<V>);
    /// Whether enough is new for another look to be worth what it costs: looks at these times cost as much together as
    /// some looks at the whole history.
    fn is_due(&self) -> bool;
    /// Looks at what is new: a verdict where a promise is broken.
    fn look(&mut self, budget: &Budget) -> Option<Verdict>;
    /// The verdict about everything, once nothing more comes: calls without an end may have happened or not.
    fn finish(&mut self, budget: &Budget) -> Verdict;
    /// How many calls have begun.
    fn begun(&self) -> u64;
    /// Keys of which something was told when they were forgotten already: what is known of each by itself may show more.
    fn strayed(&self) -> Vec<Key> {
        Vec::new()
    }
    /// What is not forgotten: every call that an anomaly is about, with its index in the whole history.
    fn retained(&self) -> &[Operation<V>];
}

/// The calls that are retained, in the order in which they began.
#[derive(Debug)]
pub(crate) struct Window<V: Vocabulary> {
    pub operations: Vec<Operation<V>>,
    /// The calls that are under way, by index.
    pub under_way: BTreeSet<OpIndex>,
    /// How many calls have begun.
    pub begun: u64,
    /// How many calls have ended since the last look.
    pub fresh: u64,
    /// Calls that ended too late to be judged in full.
    pub late: u64,
}

impl<V: Vocabulary> Default for Window<V> {
    fn default() -> Self {
        Self { operations: Vec::new(), under_way: BTreeSet::new(), begun: 0, fresh: 0, late: 0 }
    }
}

/// At least so many calls end between two looks.
const FRESH_MIN: u64 = 512;

impl<V: Vocabulary> Window<V> {
    pub fn begin(&mut self, operation: Operation<V>) {
        self.begun += 1;
        self.under_way.insert(operation.index);
        self.operations.push(operation);
    }

    /// The call that has ended; `None` where it is forgotten.
    pub fn end(&mut self, index: OpIndex) -> Option<&mut Operation<V>> {
        self.fresh += 1;
        self.under_way.remove(&index);
        let place = self.operations.binary_search_by_key(&index, |operation| operation.index);
        place.ok().map(|place| &mut self.operations[place])
    }

    /// What is retained is judged again at each look, so looks come when it has grown by a half: then a third of it is fresh.
    /// What one look finds settled, the next one forgets, and all that came between them stays until then. So what is retained
    /// would grow for ever if looks came only when it had doubled.
    pub fn is_due(&self) -> bool {
        self.fresh >= FRESH_MIN.max(self.operations.len() as u64 / 3)
    }
}
