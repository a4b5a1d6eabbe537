//! The rows of a history, each with all versions that it may have had.

use std::{collections::BTreeMap, ops::Bound};

use history::{
    History, Key, Operation, Outcome, Predicate, Value,
    vocabulary::predicate::{Call, Condition, Step},
};

/// One version of a row that some transaction left.
#[derive(Clone, Debug)]
struct Version {
    /// What it is in the translated history.
    value: Value,
    is_deleted: bool,
}

/// All that may have been the value of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    versions: Vec<Version>,
    is_initial: bool,
    /// Some transaction left it the same way more than once, so that its versions cannot be told apart.
    is_repeated: bool,
}

impl Row {
    /// Whether the versions can only have come in one order: none or the initial one, and then one more.
    pub fn is_ordered(&self) -> bool {
        !self.is_repeated && self.versions.len() <= 1 + usize::from(self.is_initial)
    }

    /// Whether it was there before every transaction.
    pub fn is_there_at_first(&self) -> bool {
        self.is_initial
    }

    /// Whether some version of it is selected.
    pub fn is_ever(&self, is_selected: impl Fn(&Value) -> bool) -> bool {
        self.versions.iter().any(|version| !version.is_deleted && is_selected(&version.value))
    }

    /// The one version without a row that a read can have found, where it is one; `Err` says how many there are.
    pub fn missing(&self, is_selected: impl Fn(&Value) -> bool) -> Result<&Value, usize> {
        let never = if self.is_initial { None } else { Some(&Value::Nil) };
        let others =
            self.versions.iter().filter(|version| version.is_deleted || !is_selected(&version.value));
        let mut candidates = never.into_iter().chain(others.map(|version| &version.value));
        match (candidates.next(), candidates.count()) {
            (Some(only), 0) => Ok(only),
            (Some(_), more) => Err(1 + more),
            (None, _) => Err(0),
        }
    }
}

/// The rows that a condition could select, by their keys.
pub(super) fn within<'t>(
    table: &'t BTreeMap<&'t Key, Row>,
    condition: &Condition,
) -> impl Iterator<Item = (&'t Key, &'t Row)> {
    let (least, most) = match condition {
        // A range that ends before it begins is empty, which a map takes for a mistake.
        Condition::Keys(least, most) if least > most => (Bound::Excluded(least), Bound::Included(least)),
        Condition::Keys(least, most) => (Bound::Included(least), Bound::Included(most)),
        _ => (Bound::Unbounded, Bound::Unbounded),
    };
    table.range::<Key, _>((least, most)).map(|(key, row)| (*key, row))
}

/// The value that a deletion leaves.
pub(super) fn deleted(operation: &Operation<Predicate>) -> Value {
    Value::Text(format!("<deleted by {}>", operation.index).into())
}

/// What each operation leaves in each row it changes. What certainly did not happen leaves nothing.
pub(super) fn table(history: &History<Predicate>) -> BTreeMap<&Key, Row> {
    let mut table: BTreeMap<&Key, Row> = BTreeMap::new();
    for operation in &history.operations {
        let mut left: BTreeMap<&Key, (Value, bool)> = BTreeMap::new();
        let mut changed: Vec<(&Key, Value)> = Vec::new();
        match &operation.call {
            Call::Init(rows) => {
                for (key, value) in rows {
                    left.insert(key, (value.clone(), false));
                    table.entry(key).or_default().is_initial = true;
                }
            }
            Call::Transaction(steps) => {
                for step in steps {
                    let (key, value, is_deleted) = match step {
                        Step::Write(key, value) | Step::Insert(key, value) => (key, value.clone(), false),
                        Step::Delete(key) => (key, deleted(operation), true),
                        Step::Read(_) | Step::Select(_) => continue,
                    };
                    changed.push((key, value.clone()));
                    left.insert(key, (value, is_deleted));
                }
            }
        }
        changed.sort_unstable();
        for pair in changed.windows(2).filter(|pair| pair[0] == pair[1]) {
            table.entry(pair[0].0).or_default().is_repeated = true;
        }
        let failed = matches!(operation.outcome, Outcome::Fail(_));
        for (key, (value, is_deleted)) in left {
            let row = table.entry(key).or_default();
            if !failed {
                row.versions.push(Version { value, is_deleted });
            }
        }
    }
    table
}
