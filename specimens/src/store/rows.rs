//! Rows, which transactions change and read, one by one or by a condition.

use std::{collections::BTreeSet, ops::RangeInclusive};

use history::{
    Key, Value,
    vocabulary::{
        Predicate,
        predicate::{Answer, Call, Condition, Return, Step},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The rows, which are also found by their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Table<Value>", from = "Table<Value>")]
pub struct Rows {
    by_key: Table<Value>,
    by_value: BTreeSet<(Value, Key)>,
}

impl From<Table<Value>> for Rows {
    fn from(by_key: Table<Value>) -> Self {
        let by_value = by_key.iter().map(|(key, value)| (value.clone(), key.clone())).collect();
        Self { by_key, by_value }
    }
}

impl From<Rows> for Table<Value> {
    fn from(rows: Rows) -> Self {
        rows.by_key
    }
}

impl Rows {
    fn put(&mut self, key: &Key, value: &Value) {
        self.remove(key);
        self.by_key.insert(key.clone(), value.clone());
        self.by_value.insert((value.clone(), key.clone()));
    }

    fn remove(&mut self, key: &Key) {
        if let Some(value) = self.by_key.remove(key) {
            self.by_value.remove(&(value, key.clone()));
        }
    }

    /// The rows whose value is in a range, by their keys.
    fn with_values(&self, range: RangeInclusive<&Value>) -> Vec<(Key, Value)> {
        // No key is before nil.
        let from = (Value::clone(range.start()), Key::Nil);
        let found = self.by_value.range(from..).take_while(|(value, _)| range.contains(&value));
        let mut found: Vec<_> = found.map(|(value, key)| (key.clone(), value.clone())).collect();
        found.sort_unstable();
        found
    }

    fn select(&self, condition: &Condition) -> Vec<(Key, Value)> {
        let row = |(key, value): (&Key, &Value)| (key.clone(), value.clone());
        match condition {
            Condition::Equals(wanted) => self.with_values(wanted..=wanted),
            Condition::Between(least, most) => self.with_values(least..=most),
            Condition::Keys(least, most) if least <= most => {
                self.by_key.range(least..=most).map(row).collect()
            }
            Condition::All | Condition::Modulo(..) | Condition::Keys(..) => {
                self.by_key.iter().filter(|(key, value)| condition.selects(key, value)).map(row).collect()
            }
        }
    }

    /// The answer to a step that reads.
    fn look(&self, step: &Step) -> Option<Answer> {
        match step {
            Step::Read(key) => {
                let value = self.by_key.get(key).cloned().unwrap_or_default();
                Some(Answer::Read(key.clone(), Some(value)))
            }
            Step::Select(condition) => Some(Answer::Select(condition.clone(), Some(self.select(condition)))),
            Step::Write(..) | Step::Insert(..) | Step::Delete(_) => None,
        }
    }

    /// Notes what is there before a change. Nothing where that is not as the change needs it.
    fn note(&self, key: &Key, is_there: bool, before: &mut Vec<(Key, Option<Value>)>) -> Option<()> {
        let found = self.by_key.get(key).cloned();
        (found.is_some() == is_there).then(|| before.push((key.clone(), found)))
    }

    /// Carries out a step. Nothing where it finds no row to change, or one that it was to make.
    fn step(&mut self, step: &Step, before: &mut Vec<(Key, Option<Value>)>) -> Option<Answer> {
        match step {
            Step::Write(key, value) => {
                self.note(key, true, before)?;
                self.put(key, value);
                Some(Answer::Write(key.clone(), value.clone()))
            }
            Step::Insert(key, value) => {
                self.note(key, false, before)?;
                self.put(key, value);
                Some(Answer::Insert(key.clone(), value.clone()))
            }
            Step::Delete(key) => {
                self.note(key, true, before)?;
                self.remove(key);
                Some(Answer::Delete(key.clone()))
            }
            Step::Read(_) | Step::Select(_) => self.look(step),
        }
    }

    fn undo(&mut self, before: Vec<(Key, Option<Value>)>) {
        for (key, found) in before.into_iter().rev() {
            match found {
                Some(value) => self.put(&key, &value),
                None => self.remove(&key),
            }
        }
    }
}

impl Object<Predicate> for Rows {
    fn read(&self, call: &Call) -> Option<Return> {
        let Call::Transaction(steps) = call else { return None };
        let answers: Option<Vec<_>> = steps.iter().map(|step| self.look(step)).collect();
        answers.map(Return::Transaction)
    }

    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        match call {
            Call::Init(rows) => {
                for (key, value) in rows {
                    self.put(key, value);
                }
                Some(Return::Done)
            }
            Call::Transaction(steps) => {
                let mut before = Vec::new();
                let answers: Option<Vec<_>> = steps.iter().map(|step| self.step(step, &mut before)).collect();
                if answers.is_none() {
                    self.undo(before);
                }
                answers.map(Return::Transaction)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(rows: &Rows, condition: Condition) -> Vec<Key> {
        rows.select(&condition).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn every_condition_selects_what_it_says() {
        let mut rows = Rows::default();
        let made = (0..20_i64).map(|number| (number.into(), (100 - number % 10).into())).collect();
        rows.change(&Call::Init(made), Circumstances::default());
        let change = vec![
            Step::Write(3.into(), 1.into()),
            Step::Delete(4.into()),
            Step::Insert(40.into(), 2.into()),
            Step::Read(4.into()),
        ];
        let Some(Return::Transaction(answers)) =
            rows.change(&Call::Transaction(change), Circumstances::default())
        else {
            panic!("a transaction answers")
        };
        assert_eq!(answers[3], Answer::Read(4.into(), Some(Value::Nil)));
        for condition in [
            Condition::All,
            Condition::Equals(97.into()),
            Condition::Modulo(3, 1),
            Condition::Between(1.into(), 95.into()),
            Condition::Between(2.into(), 1.into()),
            Condition::Keys(2.into(), 7.into()),
            Condition::Keys(7.into(), 2.into()),
        ] {
            let expected: Vec<_> = rows
                .by_key
                .iter()
                .filter(|(key, value)| condition.selects(key, value))
                .map(|(key, _)| key.clone())
                .collect();
            assert_eq!(keys(&rows, condition.clone()), expected, "{condition:?}");
        }
        assert_eq!(keys(&rows, Condition::Between(1.into(), 2.into())), [3.into(), 40.into()]);
        assert_eq!(Rows::from(Table::from(rows.clone())), rows);
    }

    #[test]
    fn a_transaction_that_cannot_be_carried_out_changes_nothing() {
        let mut rows = Rows::default();
        rows.change(&Call::Init(vec![(1.into(), 5.into())]), Circumstances::default());
        let before = rows.clone();
        for last in
            [Step::Insert(1.into(), 6.into()), Step::Write(9.into(), 6.into()), Step::Delete(9.into())]
        {
            let steps = vec![
                Step::Insert(2.into(), 7.into()),
                Step::Write(2.into(), 8.into()),
                Step::Delete(1.into()),
                Step::Insert(1.into(), 9.into()),
                last,
            ];
            assert_eq!(rows.change(&Call::Transaction(steps), Circumstances::default()), None);
            assert_eq!(rows, before);
        }
    }

    #[test]
    fn a_transaction_that_changes_is_not_read() {
        let rows = Rows::default();
        let select = Step::Select(Condition::All);
        let reads = Call::Transaction(vec![select.clone()]);
        assert!(rows.read(&reads).is_some());
        assert!(rows.read(&Call::Transaction(vec![select, Step::Delete(1.into())])).is_none());
        assert!(rows.read(&Call::Init(Vec::new())).is_none());
    }
}
