//! Registers, judged while they change.

use std::hash::{Hash, Hasher};

use history::{
    Header, History, Key, Operation, Outcome, RwRegister, Value,
    stream::Event,
    vocabulary::rw_register::{Answer, Step},
};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::{
    Budget, Checker, Limit, Validity, Verdict,
    streaming::{Streaming, Window},
    transactions::Transactions,
};

/// What is retained is so many times what is compared.
const SPANS: u64 = 3;
/// At least so many calls end between two looks.
const FRESH_MIN: u64 = 512;

/// What was written by transactions that are forgotten, so that a value is not taken for a later one's.
#[derive(Debug, Default)]
struct Written {
    /// The greatest number that each key was given.
    greatest: FxHashMap<Key, i64>,
    /// The hashes of keys with values that are no numbers.
    others: FxHashSet<u64>,
    /// Keys that were given their initial value.
    initial: FxHashSet<Key>,
}

impl Written {
    fn note(&mut self, key: &Key, value: &Value, initial: &Value) {
        if value == initial {
            self.initial.insert(key.clone());
        } else if let Value::Int(number) = value {
            match self.greatest.get_mut(key) {
                Some(greatest) => *greatest = (*greatest).max(*number),
                None => {
                    self.greatest.insert(key.clone(), *number);
                }
            }
        } else {
            self.others.insert(hash(key, value));
        }
    }

    /// Whether a key may have been given a value before. It may say so of one that it never was given.
    fn may_have(&self, key: &Key, value: &Value, initial: &Value) -> bool {
        match value {
            _ if value == initial => self.initial.contains(key),
            Value::Int(number) => self.greatest.get(key).is_some_and(|greatest| number <= greatest),
            _ => self.others.contains(&hash(key, value)),
        }
    }
}

fn hash(key: &Key, value: &Value) -> u64 {
    let mut hasher = FxHasher::default();
    (key, value).hash(&mut hasher);
    hasher.finish()
}

/// The values that calls write to keys.
fn written(operations: &[Operation<RwRegister>]) -> FxHashSet<(Key, Value)> {
    let steps = operations.iter().flat_map(|operation| &operation.call);
    let writes = steps.filter_map(|step| match step {
        Step::Write(key, value) => Some((key.clone(), value.clone())),
        Step::Read(_) => None,
    });
    writes.collect()
}

/// Judges read-write transactions while they happen.
#[derive(Debug)]
pub struct OnlineRegisters {
    checker: Transactions,
    header: Header,
    /// Calls that are further apart are not compared.
    span: u64,
    window: Window<RwRegister>,
    written: Written,
    has_dropped: bool,
    has_committed: bool,
    limits: Vec<Limit>,
}

impl OnlineRegisters {
    /// Judges by these promises. `header` is that of the history; what contradicts itself within `span` consecutive calls is
    /// found, once as many more have begun.
    pub fn new(checker: Transactions, header: Header, span: u64) -> Self {
        Self {
            checker,
            header,
            span: span.max(1),
            window: Window::default(),
            written: Written::default(),
            has_dropped: false,
            has_committed: false,
            limits: Vec::new(),
        }
    }

    /// What is retained as a history of its own, without reads of values of which it is not certain who wrote them.
    fn part(&self, is_last: bool) -> History<RwRegister> {
        let is_in = |operation: &&Operation<RwRegister>| !self.window.under_way.contains(&operation.index);
        let mut operations: Vec<_> = self.window.operations.iter().filter(is_in).cloned().collect();
        let written = written(&operations);
        let under_way: Vec<_> =
            self.window.operations.iter().filter(|operation| !is_in(operation)).cloned().collect();
        let pending = self::written(&under_way);
        let initial = &self.header.initial;
        let is_whole = is_last && !self.has_dropped;
        for operation in &mut operations {
            let Outcome::Ok(answers) = &mut operation.outcome else { continue };
            for answer in answers {
                let Answer::Read(key, known @ Some(_)) = answer else { continue };
                let Some(value) = known.as_ref() else { continue };
                let pair = (key.clone(), value.clone());
                let is_known = (value == initial || written.contains(&pair)) && !pending.contains(&pair);
                if !is_whole && (!is_known || self.written.may_have(key, value, initial)) {
                    *known = None;
                }
            }
        }
        History { header: self.header.clone(), operations, faults: Vec::new(), damage: None }
    }

    fn judge(&mut self, is_last: bool, budget: &Budget) -> Verdict {
        self.window.fresh = 0;
        let verdict = self.checker.check(&self.part(is_last), budget);
        for limit in &verdict.limits {
            if !self.limits.contains(limit) {
                self.limits.push(limit.clone());
            }
        }
        Verdict { operations: self.window.begun, certificate: None, ..verdict }
    }

    fn forget(&mut self) {
        let retained = self.window.operations.len() as u64;
        let surplus = retained.saturating_sub((SPANS - 1) * self.span) as usize;
        if surplus == 0 {
            return;
        }
        self.has_dropped = true;
        for operation in self.window.operations.drain(..surplus) {
            for step in &operation.call {
                if let Step::Write(key, value) = step {
                    self.written.note(key, value, &self.header.initial);
                }
            }
        }
    }
}

impl Streaming<RwRegister> for OnlineRegisters {
    fn name(&self) -> String {
        <Transactions as Checker<RwRegister>>::name(&self.checker)
    }

    fn take(&mut self, event: Event<RwRegister>) {
        match event {
            Event::Began(operation) => self.window.begin(operation),
            Event::Ended { index, at, outcome, call } => {
                self.has_committed |= outcome.ok().is_some();
                let Some(operation) = self.window.end(index) else {
                    // What it wrote may be read from now on.
                    let steps = call.into_iter().flatten();
                    for step in steps {
                        if let Step::Write(key, value) = step {
                            self.written.note(&key, &value, &self.header.initial);
                        }
                    }
                    return;
                };
                operation.outcome = outcome;
                operation.ended = Some(at);
                if let Some(call) = call {
                    operation.call = call;
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let retained = self.window.operations.len() as u64;
        self.window.fresh >= FRESH_MIN.max(retained / 2).min(self.span.max(FRESH_MIN))
            || retained >= SPANS * self.span
    }

    fn look(&mut self, budget: &Budget) -> Option<Verdict> {
        let verdict = self.judge(false, budget);
        self.forget();
        (verdict.validity == Validity::Invalid).then_some(verdict)
    }

    fn finish(&mut self, budget: &Budget) -> Verdict {
        self.window.under_way.clear();
        let verdict = self.judge(true, budget);
        if !self.has_dropped || verdict.validity == Validity::Invalid {
            return verdict;
        }
        let mut notes = vec![format!(
            "nothing was found within any {} consecutive calls; calls that are further apart were not compared, so nothing \
             is shown to hold",
            self.span
        )];
        if !self.has_committed {
            notes.push("no transaction is known to have committed, so there is nothing to judge by".into());
        }
        Verdict {
            validity: Validity::Unknown,
            notes,
            limits: self.limits.clone(),
            standing: None,
            anomalies: Vec::new(),
            ..verdict
        }
    }

    fn begun(&self) -> u64 {
        self.window.begun
    }

    fn retained(&self) -> &[Operation<RwRegister>] {
        &self.window.operations
    }
}
