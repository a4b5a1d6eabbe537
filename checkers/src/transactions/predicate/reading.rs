//! What each answer shows of each row, as reads and writes of registers.
//!
//! A row that is deleted is written once more, with a value that only that deletion has. A row that was never made holds
//! the initial value. A read that finds a row missing read one of those, and where only one is possible, that one.

use std::{collections::BTreeMap, sync::Arc};

use history::{
    History, Key, Operation, Outcome, Predicate, RwRegister, Value, Vocabulary,
    vocabulary::{
        predicate::{Answer, Call, Condition, Return, Step},
        rw_register,
    },
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Translated,
    table::{Row, deleted, table, within},
};
use crate::{Anomaly, Budget, Limit, transactions::findings::Findings};

/// A step of a transaction in the translated history.
pub(super) type StepPlace = (u32, u32);

/// A history of rows as one of registers.
#[derive(Debug)]
pub(super) struct Rows {
    pub registers: Translated,
    /// The steps that read a row by its being missing: from what a condition selects, or under its own key.
    pub hidden: FxHashSet<StepPlace>,
    /// By which condition a hidden step read.
    pub conditions: FxHashMap<StepPlace, Arc<str>>,
    /// The operation that made the rows that are there from the beginning.
    pub init: Option<u32>,
    /// What is wrong with single answers.
    pub findings: Findings,
    /// How many rows were missing for one of several reasons.
    pub ambiguous: u64,
    /// How many rows have so many versions that their order is not known.
    unordered: u64,
}

impl Rows {
    pub fn read(history: &History<Predicate>, shown_max: usize, budget: &Budget) -> Result<Self, Limit> {
        let init = history.operations.iter().position(|operation| matches!(operation.call, Call::Init(_)));
        let table = table(history);
        let mut reader = Reader {
            table: &table,
            steps_left: budget.steps_max,
            budget,
            rows: Self {
                registers: History {
                    header: history::Header {
                        initial: Value::Nil,
                        vocabulary: RwRegister::NAME.into(),
                        ..history.header.clone()
                    },
                    operations: Vec::with_capacity(history.operations.len()),
                    faults: Vec::new(),
                    damage: None,
                },
                hidden: FxHashSet::default(),
                conditions: FxHashMap::default(),
                init: init.map(|place| place as u32),
                findings: Findings::new(shown_max),
                ambiguous: 0,
                unordered: table.values().filter(|row| !row.is_ordered()).count() as u64,
            },
        };
        for (place, operation) in (0..).zip(&history.operations) {
            let translated = reader.operation(place, operation)?;
            reader.rows.registers.operations.push(translated);
        }
        Ok(reader.rows)
    }

    /// Whether the order of all versions is known, and what every read read.
    pub fn is_exact(&self) -> bool {
        self.ambiguous == 0 && self.unordered == 0
    }

    /// What a reader must know of what could not be told apart.
    pub fn open_questions(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.ambiguous > 0 {
            notes.push(format!(
                "{} times a row was missing from what was read for one of several reasons, and nobody can say which",
                self.ambiguous
            ));
        }
        if self.unordered > 0 {
            notes.push(format!(
                "{} rows were changed more than once, so the order of their versions is known only in part",
                self.unordered
            ));
        }
        notes
    }

    /// The translated history in which every transaction also reads something that is there from the beginning on.
    pub fn anchored(&self) -> Translated {
        let mut anchored = History {
            header: self.registers.header.clone(),
            operations: self.registers.operations.clone(),
            faults: Vec::new(),
            damage: None,
        };
        let Some(init) = self.init else { return anchored };
        let (key, value) = (Value::from("<all rows of the beginning>"), Value::Int(1));
        for (place, operation) in (0..).zip(&mut anchored.operations) {
            if place == init {
                operation.call.push(rw_register::Step::Write(key.clone(), value.clone()));
                if let Outcome::Ok(answers) = &mut operation.outcome {
                    answers.push(rw_register::Answer::Write(key.clone(), value.clone()));
                }
            } else if let Outcome::Ok(answers) = &mut operation.outcome {
                operation.call.push(rw_register::Step::Read(key.clone()));
                answers.push(rw_register::Answer::Read(key.clone(), Some(value.clone())));
            }
        }
        anchored
    }
}

/// What a transaction last did to a row by itself.
struct Own {
    value: Value,
    is_deleted: bool,
}

struct Reader<'t> {
    table: &'t BTreeMap<&'t Key, Row>,
    steps_left: u64,
    budget: &'t Budget,
    rows: Rows,
}

/// A transaction while it is translated.
struct Draft<'o> {
    place: u32,
    operation: &'o Operation<Predicate>,
    call: Vec<rw_register::Step>,
    answers: Vec<rw_register::Answer>,
    own: FxHashMap<Key, Own>,
}

impl Draft<'_> {
    fn write(&mut self, key: &Key, value: Value, is_deleted: bool) {
        self.call.push(rw_register::Step::Write(key.clone(), value.clone()));
        self.answers.push(rw_register::Answer::Write(key.clone(), value.clone()));
        self.own.insert(key.clone(), Own { value, is_deleted });
    }

    fn read(&mut self, key: &Key, value: Option<Value>) {
        self.call.push(rw_register::Step::Read(key.clone()));
        self.answers.push(rw_register::Answer::Read(key.clone(), value));
    }
}

impl Reader<'_> {
    fn operation(
        &mut self,
        place: u32,
        operation: &Operation<Predicate>,
    ) -> Result<Operation<RwRegister>, Limit> {
        let (call, answers) = (Vec::new(), Vec::new());
        let mut draft = Draft { place, operation, call, answers, own: FxHashMap::default() };
        match (&operation.call, operation.outcome.ok()) {
            (Call::Init(rows), _) => {
                rows.iter().for_each(|(key, value)| draft.write(key, value.clone(), false));
            }
            (Call::Transaction(steps), Some(Return::Transaction(answers)))
                if steps.len() == answers.len()
                    && steps.iter().zip(answers).all(|(step, answer)| step.is_answered_by(answer)) =>
            {
                for answer in answers {
                    self.answer(&mut draft, answer)?;
                }
            }
            (Call::Transaction(steps), outcome) => {
                if let Some(returned) = outcome {
                    self.mismatched(operation, returned);
                }
                for step in steps {
                    match step {
                        Step::Write(key, value) | Step::Insert(key, value) => {
                            draft.write(key, value.clone(), false);
                        }
                        Step::Delete(key) => draft.write(key, deleted(operation), true),
                        Step::Read(key) => draft.read(key, None),
                        Step::Select(_) => {}
                    }
                }
            }
        }
        Ok(Operation {
            index: operation.index,
            process: operation.process,
            node: operation.node,
            call: draft.call,
            outcome: match &operation.outcome {
                Outcome::Ok(_) => Outcome::Ok(draft.answers),
                Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
                Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
            },
            began: operation.began,
            ended: operation.ended,
        })
    }

    fn answer(&mut self, draft: &mut Draft<'_>, answer: &Answer) -> Result<(), Limit> {
        match answer {
            Answer::Write(key, value) | Answer::Insert(key, value) => draft.write(key, value.clone(), false),
            Answer::Delete(key) => draft.write(key, deleted(draft.operation), true),
            Answer::Read(key, Some(value)) if *value == Value::Nil => {
                let found = self.absent(draft, key, |_| true);
                // Who finds no row has read no item: he learned that none has that key, which is a condition too. Only a
                // row that was there from the beginning is one whoever asks for it.
                let was_there = self.table.get(key).is_some_and(Row::is_there_at_first);
                if found.as_ref().is_some_and(|found| *found != Value::Nil || !was_there) {
                    self.rows.hidden.insert((draft.place, draft.call.len() as u32));
                }
                draft.read(key, found);
            }
            Answer::Read(key, value) => draft.read(key, value.clone()),
            Answer::Select(condition, Some(found)) => self.select(draft, condition, found)?,
            Answer::Select(_, None) => {}
        }
        Ok(())
    }

    /// What a read that did not find a row has read; `None` where it may have been one of several.
    fn absent(
        &mut self,
        draft: &Draft<'_>,
        key: &Key,
        is_selected: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        if let Some(own) = draft.own.get(key) {
            // A transaction that does not see its own row contradicts itself, which shows in reading nothing.
            return Some(if own.is_deleted { own.value.clone() } else { Value::Nil });
        }
        let Some(row) = self.table.get(key) else { return Some(Value::Nil) };
        match row.missing(is_selected) {
            Ok(value) => Some(value.clone()),
            Err(0) => Some(Value::Nil),
            Err(_) => {
                self.rows.ambiguous += 1;
                None
            }
        }
    }

    /// A read by condition reads every row: those it shows as they are, and the others as what it does not select.
    fn select(
        &mut self,
        draft: &mut Draft<'_>,
        condition: &Condition,
        found: &[(Key, Value)],
    ) -> Result<(), Limit> {
        let mut shown: FxHashSet<&Key> = FxHashSet::default();
        for (key, value) in found {
            shown.insert(key);
            if !condition.selects(key, value) {
                self.unselected(draft.operation, condition, (key, value));
            }
            draft.read(key, Some(value.clone()));
        }
        if self.budget.is_expired() {
            return Err(Limit::Time);
        }
        let described: Arc<str> = condition.describe().into();
        for (key, row) in within(self.table, condition) {
            self.steps_left = self.steps_left.checked_sub(1).ok_or(Limit::Steps(self.budget.steps_max))?;
            if shown.contains(key) {
                continue;
            }
            match draft.own.get(key) {
                Some(own) if own.is_deleted || !condition.selects(key, &own.value) => continue,
                Some(own) => {
                    self.own_row_missed(draft.operation, condition, (key, &own.value.clone()));
                    continue;
                }
                None => {}
            }
            let is_selected = |value: &Value| condition.selects(key, value);
            if !row.is_ever(is_selected) {
                // Whatever was there, it would not have been shown.
                continue;
            }
            if row.missing(is_selected) == Err(0) {
                self.missed(draft.operation, condition, key);
            }
            let Some(value) = self.absent(draft, key, is_selected) else { continue };
            let step = draft.call.len() as u32;
            draft.read(key, Some(value));
            self.rows.hidden.insert((draft.place, step));
            self.rows.conditions.insert((draft.place, step), Arc::clone(&described));
        }
        Ok(())
    }

    fn own_row_missed(
        &mut self,
        operation: &Operation<Predicate>,
        condition: &Condition,
        row: (&Key, &Value),
    ) {
        let (key, value) = row;
        self.rows.findings.add("internal", || Anomaly {
            sentence: format!(
                "{} ({}) left {key} as {value} and then did not find it when it read the rows with ({}).",
                operation.index,
                operation.process,
                condition.describe()
            ),
            key: Some(key.clone()),
            witness: vec![operation.index],
            ..Anomaly::default()
        });
    }

    fn missed(&mut self, operation: &Operation<Predicate>, condition: &Condition, key: &Key) {
        self.rows.findings.add("predicate-read-miss", || Anomaly {
            sentence: format!(
                "{} ({}) read the rows with ({}) and did not find {key}, although all that {key} ever was fits that.",
                operation.index,
                operation.process,
                condition.describe()
            ),
            key: Some(key.clone()),
            witness: vec![operation.index],
            ..Anomaly::default()
        });
    }

    fn unselected(&mut self, operation: &Operation<Predicate>, condition: &Condition, row: (&Key, &Value)) {
        let (key, value) = row;
        self.rows.findings.add("mismatched-answer", || Anomaly {
            sentence: format!(
                "{} ({}) read the rows with ({}) and was shown {key} as {value}, which does not fit that.",
                operation.index,
                operation.process,
                condition.describe()
            ),
            key: Some(key.clone()),
            witness: vec![operation.index],
            ..Anomaly::default()
        });
    }

    fn mismatched(&mut self, operation: &Operation<Predicate>, returned: &Return) {
        self.rows.findings.add("mismatched-answer", || Anomaly {
            sentence: format!(
                "{} ({}) asked for {} and was answered {}, which answers something else.",
                operation.index,
                operation.process,
                Predicate::describe_call(&operation.call),
                Predicate::describe_return(&operation.call, returned)
            ),
            witness: vec![operation.index],
            ..Anomaly::default()
        });
    }
}
