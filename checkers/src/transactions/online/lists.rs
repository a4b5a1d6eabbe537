//! Lists, judged while they grow.

use std::collections::{BTreeSet, VecDeque};

use history::{
    Header, History, Key, ListAppend, Nanos, OpIndex, Operation, Outcome,
    stream::Event,
    vocabulary::list_append::{Answer, Lists as SharedLists, Step},
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    forgotten::{UNCERTAIN, checksum},
    keys::Keys,
};
use crate::{
    Anomaly, Budget, Limit, Standing, Validity, Verdict,
    lattice::{Models, standing},
    streaming::{Streaming, Window},
    transactions::{
        Part, Transactions, Weighed,
        graph::Graph,
        list::{End, Lists, Settled},
    },
};

/// Judges list-append transactions while they happen.
#[derive(Debug)]
pub struct OnlineLists {
    checker: Transactions,
    header: Header,
    /// A key that so many calls in a row left alone is forgotten.
    forget_after: u64,
    /// Whether a value is taken for one that nobody wrote before it is certain that nobody will.
    is_hasty: bool,
    window: Window<ListAppend>,
    keys: Keys,
    settled: Settled,
    /// Of calls under way that touch forgotten keys, which of their steps are kept.
    kept_steps: FxHashMap<OpIndex, Vec<bool>>,
    /// Calls that are not waited for any longer.
    abandoned: FxHashSet<OpIndex>,
    /// Whether keys were settled since transactions were last forgotten.
    is_any_settled: bool,
    has_dropped: bool,
    has_committed: bool,
    refuted: Models,
    kept: Option<Models>,
    doubts: BTreeSet<String>,
    limits: Vec<Limit>,
}

impl OnlineLists {
    /// Judges by these promises. `header` is that of the history; a key that `forget_after` calls in a row leave alone is
    /// forgotten.
    pub fn new(checker: Transactions, header: Header, forget_after: u64) -> Self {
        Self {
            checker,
            header,
            forget_after: forget_after.max(1),
            is_hasty: false,
            window: Window::default(),
            keys: Keys::default(),
            settled: Settled::default(),
            kept_steps: FxHashMap::default(),
            abandoned: FxHashSet::default(),
            is_any_settled: false,
            has_dropped: false,
            has_committed: false,
            refuted: Models::default(),
            kept: None,
            doubts: BTreeSet::new(),
            limits: Vec::new(),
        }
    }

    /// Tells of a value that nobody has written yet at once, and not when its key is finished or the history ends: for whoever
    /// knows that no value is read before its write begins, or is only to look closer.
    #[must_use]
    pub fn hasty(mut self) -> Self {
        self.is_hasty = true;
        self
    }

    /// Judges only what is about these keys, as if the transactions had no other steps.
    #[must_use]
    pub fn about(mut self, keys: &[Key]) -> Self {
        self.keys.only = Some(keys.iter().cloned().collect());
        self
    }

    fn begin(&mut self, mut operation: Operation<ListAppend>) {
        let now = self.window.begun + 1;
        let keep: Vec<bool> = operation.call.iter().map(|step| self.keys.begin(step.key(), now)).collect();
        if keep.contains(&false) {
            self.keys.leave_out(&mut operation.call, &keep);
            if operation.call.is_empty() && self.keys.only.is_some() {
                self.window.begun += 1;
                return;
            }
            self.kept_steps.insert(operation.index, keep);
        }
        self.window.begin(operation);
    }

    fn end(
        &mut self,
        index: OpIndex,
        at: Nanos,
        mut outcome: Outcome<Vec<Answer>>,
        corrected: Option<Vec<Step>>,
    ) {
        let now = self.window.begun;
        let mask = self.kept_steps.remove(&index);
        let was_abandoned = self.abandoned.remove(&index);
        // What is not known to have happened or not to have happened says no more than it did while it was under way.
        let is_late = was_abandoned && !matches!(outcome, Outcome::Unknown(_));
        self.window.late += u64::from(is_late);
        let Some(operation) = self.window.end(index) else { return };
        if !was_abandoned {
            operation.call.iter().for_each(|step| self.keys.end(step.key(), now));
        }
        let mask = match corrected {
            None => mask,
            Some(mut call) => {
                let keep: Vec<bool> = call.iter().map(|step| self.keys.touch(step.key(), now)).collect();
                self.keys.leave_out(&mut call, &keep);
                operation.call = call;
                Some(keep)
            }
        };
        if let Outcome::Ok(answers) = &mut outcome {
            if let Some(keep) = mask.filter(|keep| keep.len() == answers.len()) {
                self.keys.leave_answers_out(answers, &keep);
            }
            if was_abandoned {
                for answer in answers {
                    if let Answer::Read(key, list @ Some(_)) = answer
                        && self.keys.is_forgotten(key)
                    {
                        *list = None;
                    }
                }
            }
            self.has_committed = true;
        }
        operation.outcome = outcome;
        operation.ended = Some(at);
    }

    /// Judges what is retained, and hands over to `after` what that told.
    fn weigh<R>(
        &mut self,
        budget: &Budget,
        is_last: bool,
        after: impl FnOnce(&mut Self, &[Operation<ListAppend>], Weighed<'_>) -> R,
    ) -> R {
        let mut operations = std::mem::take(&mut self.window.operations);
        share(&mut operations);
        let history = History { header: self.header.clone(), operations, faults: Vec::new(), damage: None };
        let settled = std::mem::take(&mut self.settled);
        let is_waited_for =
            |index: &OpIndex| self.window.under_way.contains(index) && !self.abandoned.contains(index);
        let is_live = |index: &OpIndex| {
            let place = history.operations.binary_search_by_key(index, |operation| operation.index);
            place.is_ok_and(|place| {
                history.operations[place].call.iter().any(|step| self.keys.is_live(step.key()))
            })
        };
        let is_trusting = self.is_trusting();
        let is_ripe = |kind: &str, anomaly: &Anomaly| {
            let may_be_written = !self.is_hasty
                && kind == "garbage-read"
                && anomaly.key.as_ref().is_some_and(|key| self.keys.is_live(key));
            let may_change = anomaly.witness.iter().any(is_waited_for)
                || !is_trusting && anomaly.witness.iter().any(is_live)
                || may_be_written;
            is_last || !may_change
        };
        let part = Part { is_part: true, is_ripe: Some(&is_ripe), wants_graph: !is_last };
        let weighed = self.checker.weigh(&history, &settled, &part, budget);
        self.settled = settled.clone();
        let told = after(self, &history.operations, weighed);
        self.window.operations = history.operations;
        self.window.fresh = 0;
        told
    }

    /// Whether it contradicts the promises that reads of a list disagree, or show what failed. Then what reads show is taken for
    /// the order of the list while it grows. Otherwise a later read may take that back, so that nothing is told of a list before
    /// it is settled.
    fn is_trusting(&self) -> bool {
        self.checker.models.iter().all(|model| model.prohibits("G1a"))
    }

    fn note(&mut self, weighed: &Weighed<'_>) {
        self.refuted = self.refuted.union(weighed.refuted);
        self.kept = Some(self.kept.map_or(weighed.kept, |kept| kept.intersection(weighed.kept)));
        self.doubts.extend(weighed.doubts.iter().cloned());
        for limit in &weighed.verdict.limits {
            if !self.limits.contains(limit) {
                self.limits.push(limit.clone());
            }
        }
    }

    /// Whatever has been under way for long is not waited for, and what nobody has touched for long is settled.
    fn settle(&mut self, operations: &[Operation<ListAppend>], lists: &Lists<'_>) {
        let Some(before) = self.window.begun.checked_sub(self.forget_after) else { return };
        // A call that is not waited for counts as one that may have happened. Should it turn out to have failed, whatever was
        // seen of it is still an anomaly, unless the promises have nothing against that.
        let is_trusting = self.is_trusting();
        for operation in operations.iter().take_while(|operation| u64::from(operation.index.0) < before) {
            if is_trusting
                && self.window.under_way.contains(&operation.index)
                && self.abandoned.insert(operation.index)
            {
                operation.call.iter().for_each(|step| self.keys.end(step.key(), before));
            }
        }
        let quiet = self.keys.quiet(before);
        let mut ends = lists.ends(&quiet, |key| self.keys.is_live(key));
        for key in &quiet {
            let left = match ends.remove(key) {
                Some(End::Open) => continue,
                Some(End::Known(list)) if lists.ambiguous == 0 => checksum(list),
                _ => UNCERTAIN,
            };
            self.keys.forget(key, left);
            self.is_any_settled = true;
        }
    }

    /// Which transactions still matter: those with a live key, those under way, and whatever they reach.
    fn matter(&self, operations: &[Operation<ListAppend>], graph: &Graph) -> Vec<bool> {
        let is_open = |operation: &Operation<ListAppend>| {
            let waited_for = self.window.under_way.contains(&operation.index)
                && !self.abandoned.contains(&operation.index);
            waited_for || operation.call.iter().any(|step| self.keys.is_live(step.key()))
        };
        let mut matters = vec![false; graph.nodes() as usize];
        let mut reached: VecDeque<u32> = VecDeque::new();
        for (node, operation) in (0..).zip(operations) {
            if is_open(operation) {
                matters[node as usize] = true;
                reached.push_back(node);
            }
        }
        while let Some(node) = reached.pop_front() {
            for target in graph.from(node) {
                if !std::mem::replace(&mut matters[target.node() as usize], true) {
                    reached.push_back(target.node());
                }
            }
        }
        matters.truncate(operations.len());
        matters
    }

    /// What was left out, by name.
    fn left_out(&self) -> Vec<String> {
        let mut left_out: Vec<String> = self.doubts.iter().cloned().collect();
        // What is wrong with a list is told only when all that a witness touched is settled, and by then others who knew of
        // the list may be forgotten.
        if !self.is_trusting() && self.has_dropped {
            left_out.push(
                "promises that allow reads of what failed are shown to hold only by the whole history".into(),
            );
        }
        if self.keys.returned > 0 {
            left_out.push(format!(
                "{} transactions touched keys that {} calls in a row had left alone and that were forgotten by then, and found \
                 them otherwise than they had been left; what they say of those keys was not judged",
                self.keys.returned, self.forget_after
            ));
        }
        if self.window.late > 0 {
            left_out.push(format!(
                "{} transactions ended when {} others had begun since; they were not judged in full",
                self.window.late, self.forget_after
            ));
        }
        left_out
    }

    fn conclude(&self, last: Verdict) -> Verdict {
        let mut notes = self.left_out();
        if !self.has_committed {
            notes.push("no transaction is known to have committed, so there is nothing to judge by".into());
        }
        let kept = if notes.is_empty() { self.kept.unwrap_or_default() } else { Models::default() };
        let kept = kept.without(self.refuted);
        let mut validity = Validity::Valid;
        for model in &self.checker.models {
            if !kept.contains(*model) {
                validity = Validity::Unknown;
                let about =
                    if notes.is_empty() { "nothing here decides it" } else { "for the reasons given" };
                notes.push(format!("{model} is not shown to hold: {about}"));
            }
        }
        let standing: Standing = standing(self.refuted, kept);
        Verdict {
            validity,
            notes,
            limits: self.limits.clone(),
            operations: self.window.begun,
            standing: Some(standing),
            certificate: None,
            anomalies: Vec::new(),
            ..last
        }
    }
}

/// Makes the lists of one key that begin alike share their storage, so that they are compared once.
fn share(operations: &mut [Operation<ListAppend>]) {
    let mut lists = SharedLists::default();
    for operation in operations {
        if let Outcome::Ok(answers) = &mut operation.outcome {
            <ListAppend as history::Vocabulary>::share_lists(answers, &mut lists);
        }
    }
}

/// How the orders of keys begin that transactions made which do not matter any more.
fn settled(lists: &Lists<'_>, matters: &[bool], before: &Settled) -> Settled {
    let mut settled = lists.settled(matters);
    for (key, length) in &mut settled {
        *length = (*length).max(before.get(key).copied().unwrap_or(0));
    }
    settled.retain(|_, length| *length > 0);
    settled
}

impl Streaming<ListAppend> for OnlineLists {
    fn name(&self) -> String {
        self.checker.names()
    }

    fn take(&mut self, event: Event<ListAppend>) {
        match event {
            Event::Began(operation) => self.begin(operation),
            Event::Ended { index, at, outcome, call } => self.end(index, at, outcome, call),
        }
    }

    fn is_due(&self) -> bool {
        self.window.is_due()
    }

    fn look(&mut self, budget: &Budget) -> Option<Verdict> {
        let mut keep = None;
        let broken = self.weigh(budget, false, |online, operations, weighed| {
            if weighed.verdict.validity == Validity::Invalid {
                return Some(Verdict { operations: online.window.begun, ..weighed.verdict });
            }
            online.note(&weighed);
            // Of a value that was appended twice nobody knows who appended it, so both are to be kept.
            if online.is_any_settled
                && weighed.lists.ambiguous == 0
                && let Some(graph) = &weighed.graph
            {
                online.is_any_settled = false;
                let matters = online.matter(operations, graph);
                online.settled = settled(&weighed.lists, &matters, &online.settled);
                keep = Some(matters);
            }
            // What is settled now has one more look at it before it is forgotten: some anomalies are told of it only then.
            online.settle(operations, &weighed.lists);
            None
        });
        if let Some(matters) = keep {
            let mut matters = matters.into_iter();
            let before = self.window.operations.len();
            self.window.operations.retain(|_| matters.next() != Some(false));
            self.has_dropped |= self.window.operations.len() < before;
        }
        broken
    }

    fn finish(&mut self, budget: &Budget) -> Verdict {
        self.window.under_way.clear();
        self.weigh(budget, true, |online, _, weighed| {
            online.note(&weighed);
            let is_whole = !online.has_dropped && online.left_out().is_empty();
            if is_whole || weighed.verdict.validity == Validity::Invalid {
                return Verdict { operations: online.window.begun, ..weighed.verdict };
            }
            online.conclude(weighed.verdict)
        })
    }

    fn begun(&self) -> u64 {
        self.window.begun
    }

    fn strayed(&self) -> Vec<Key> {
        self.keys.strayed.iter().cloned().collect()
    }

    fn retained(&self) -> &[Operation<ListAppend>] {
        &self.window.operations
    }
}
