//! Accepts or rejects a serial order of transactions, by replaying it one transaction after the other.

use std::collections::{BTreeMap, HashMap};

use history::{
    History, Key, Nanos, OpIndex, Outcome, Process, Value, Vocabulary,
    vocabulary::{ListAppend, LongFork, Predicate, RwRegister, list_append, predicate, rw_register},
};

/// What a serial order must respect besides the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Respects {
    /// Nothing.
    Answers,
    /// The order within each session.
    Sessions,
    /// Real time, and the order within each session.
    RealTime,
}

/// Transactions that can be carried out on a store, one after the other.
pub trait Replayed: Vocabulary {
    /// What is stored.
    type Store: Default;
    /// Carries the transaction out. Whether every answer is what the store gives, where there are answers.
    fn carry_out(
        call: &Self::Call,
        answer: Option<&Self::Return>,
        store: &mut Self::Store,
        initial: &Value,
    ) -> bool;
}

impl Replayed for ListAppend {
    type Store = HashMap<Key, Vec<Value>>;

    fn carry_out(
        call: &Self::Call,
        answer: Option<&Self::Return>,
        store: &mut Self::Store,
        _: &Value,
    ) -> bool {
        use list_append::{Answer, Step};
        let fits = answer.is_none_or(|answer| answer.len() == call.len());
        fits && call.iter().enumerate().all(|(at, step)| {
            let list = store.entry(step.key().clone()).or_default();
            match (step, answer.map(|answer| &answer[at])) {
                (Step::Append(_, value), _) => {
                    list.push(value.clone());
                    true
                }
                (Step::Read(_), None | Some(Answer::Read(_, None))) => true,
                (Step::Read(_), Some(Answer::Read(_, Some(seen)))) => seen.as_slice() == list.as_slice(),
                (Step::Read(_), Some(Answer::Append(..))) => false,
            }
        })
    }
}

impl Replayed for RwRegister {
    type Store = HashMap<Key, Value>;

    fn carry_out(
        call: &Self::Call,
        answer: Option<&Self::Return>,
        store: &mut Self::Store,
        initial: &Value,
    ) -> bool {
        use rw_register::{Answer, Step};
        let fits = answer.is_none_or(|answer| answer.len() == call.len());
        fits && call.iter().enumerate().all(|(at, step)| match (step, answer.map(|answer| &answer[at])) {
            (Step::Write(key, value), _) => {
                store.insert(key.clone(), value.clone());
                true
            }
            (Step::Read(_), None | Some(Answer::Read(_, None))) => true,
            // Nil where the initial value is another means that the recorder did not know.
            (Step::Read(_), Some(Answer::Read(_, Some(Value::Nil)))) if *initial != Value::Nil => true,
            (Step::Read(key), Some(Answer::Read(_, Some(seen)))) => seen == store.get(key).unwrap_or(initial),
            (Step::Read(_), Some(Answer::Write(..))) => false,
        })
    }
}

impl Replayed for LongFork {
    type Store = HashMap<Key, Value>;

    fn carry_out(
        call: &Self::Call,
        answer: Option<&Self::Return>,
        store: &mut Self::Store,
        initial: &Value,
    ) -> bool {
        RwRegister::carry_out(call, answer, store, initial)
    }
}

impl Replayed for Predicate {
    type Store = BTreeMap<Key, Value>;

    fn carry_out(
        call: &Self::Call,
        answer: Option<&Self::Return>,
        store: &mut Self::Store,
        _: &Value,
    ) -> bool {
        use predicate::{Call, Return};
        match (call, answer) {
            (Call::Init(rows), _) => {
                store.extend(rows.iter().cloned());
                true
            }
            (Call::Transaction(_), Some(Return::Done)) => false,
            (Call::Transaction(steps), Some(Return::Transaction(answers))) => {
                let fits = steps.len() == answers.len();
                fits && steps.iter().zip(answers).all(|(step, answer)| {
                    change_rows(step, store);
                    step.is_answered_by(answer) && is_right(answer, store)
                })
            }
            (Call::Transaction(steps), None) => {
                steps.iter().for_each(|step| change_rows(step, store));
                true
            }
        }
    }
}

fn change_rows(step: &predicate::Step, store: &mut BTreeMap<Key, Value>) {
    match step {
        predicate::Step::Write(key, value) | predicate::Step::Insert(key, value) => {
            store.insert(key.clone(), value.clone());
        }
        predicate::Step::Delete(key) => {
            store.remove(key);
        }
        predicate::Step::Read(_) | predicate::Step::Select(_) => {}
    }
}

/// Whether the rows are what an answer says.
fn is_right(answer: &predicate::Answer, store: &BTreeMap<Key, Value>) -> bool {
    match answer {
        predicate::Answer::Read(key, Some(seen)) => seen == store.get(key).unwrap_or(&Value::Nil),
        predicate::Answer::Select(condition, Some(seen)) => {
            let mut seen: Vec<(&Key, &Value)> = seen.iter().map(|(key, value)| (key, value)).collect();
            seen.sort();
            store.iter().filter(|(key, value)| condition.selects(key, value)).eq(seen)
        }
        _ => true,
    }
}

/// Whether the order holds every transaction that committed and none that failed, each once, explains every answer, and
/// respects what it must.
pub fn verify_serial_order<V: Replayed>(history: &History<V>, order: &[OpIndex], respects: Respects) -> bool {
    let mut placed = vec![false; history.operations.len()];
    let mut store = V::Store::default();
    let mut latest_call = Nanos(0);
    let mut sessions: HashMap<Process, OpIndex> = HashMap::new();
    for index in order {
        let Some(operation) = history.operations.get(index.0 as usize) else { return false };
        let twice = std::mem::replace(&mut placed[index.0 as usize], true);
        if twice || matches!(operation.outcome, Outcome::Fail(_)) {
            return false;
        }
        // What is unknown comes after what its session had done before, and perhaps after what it did later too.
        let latest = sessions.entry(operation.process).or_insert(*index);
        let overtaken = *latest > *index && operation.outcome.ok().is_some();
        *latest = (*latest).max(*index);
        if respects >= Respects::Sessions && overtaken {
            return false;
        }
        let too_late = operation.deadline().is_some_and(|end| end.max(operation.began) < latest_call);
        if respects == Respects::RealTime && too_late {
            return false;
        }
        latest_call = latest_call.max(operation.began);
        let answer = operation.outcome.ok();
        if !V::carry_out(&operation.call, answer, &mut store, &history.header.initial) {
            return false;
        }
    }
    history
        .operations
        .iter()
        .zip(placed)
        .all(|(operation, placed)| placed || operation.outcome.ok().is_none())
}

#[cfg(test)]
mod tests {
    use history::{Header, NodeId, Operation};
    use list_append::{Answer, Step};

    use super::*;

    fn transaction(
        index: u32,
        process: u32,
        answers: Vec<Answer>,
        began: u64,
        ended: u64,
    ) -> Operation<ListAppend> {
        let call = answers.iter().map(|answer| match answer {
            Answer::Read(key, _) => Step::Read(key.clone()),
            Answer::Append(key, value) => Step::Append(key.clone(), value.clone()),
        });
        Operation {
            index: OpIndex(index),
            process: Process(process),
            node: NodeId(0),
            call: call.collect(),
            outcome: Outcome::Ok(answers),
            began: Nanos(began),
            ended: Some(Nanos(ended)),
        }
    }

    fn read(list: &[i64]) -> Answer {
        let list: Vec<Value> = list.iter().map(|&value| Value::Int(value)).collect();
        Answer::Read("x".into(), Some(list.into()))
    }

    #[test]
    fn an_order_is_replayed_and_must_respect_what_it_says() {
        let append = Answer::Append("x".into(), Value::Int(1));
        let operations =
            vec![transaction(0, 0, vec![append], 0, 10), transaction(1, 1, vec![read(&[])], 20, 30)];
        let header = Header::new(ListAppend::NAME);
        let history = History { header, operations, faults: Vec::new(), damage: None };
        let order = |places: [u32; 2]| places.map(OpIndex);
        assert!(verify_serial_order(&history, &order([1, 0]), Respects::Sessions));
        assert!(!verify_serial_order(&history, &order([1, 0]), Respects::RealTime), "it was read too early");
        assert!(!verify_serial_order(&history, &order([0, 1]), Respects::Answers), "the read misses 1");
        assert!(!verify_serial_order(&history, &order([0, 1])[..1], Respects::Answers), "one is left out");
        assert!(!verify_serial_order(&history, &order([1, 1]), Respects::Answers), "one is there twice");
    }
}
