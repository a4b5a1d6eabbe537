//! Histories that know sessions and transactions but no times, as research tools for isolation levels write them.

use rustc_hash::FxHashMap;

use crate::{
    Header, History, Key, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister, list_append, rw_register},
};

/// Sessions that are not named by a number below this one get numbers from here on.
const NAMED_SESSIONS: u32 = 1 << 31;

/// A vocabulary of transactions.
pub(super) trait Transactional: Vocabulary {
    /// One step with its answer.
    type Answer;
    /// What was asked where this was answered.
    fn asked(answers: &[Self::Answer]) -> Self::Call;
    /// The answers as the result of the call.
    fn answered(answers: Vec<Self::Answer>) -> Self::Return;
}

impl Transactional for RwRegister {
    type Answer = rw_register::Answer;

    fn asked(answers: &[rw_register::Answer]) -> Vec<rw_register::Step> {
        let step = |answer: &rw_register::Answer| match answer {
            rw_register::Answer::Read(key, _) => rw_register::Step::Read(key.clone()),
            rw_register::Answer::Write(key, value) => rw_register::Step::Write(key.clone(), value.clone()),
        };
        answers.iter().map(step).collect()
    }

    fn answered(answers: Vec<rw_register::Answer>) -> Vec<rw_register::Answer> {
        answers
    }
}

impl Transactional for ListAppend {
    type Answer = list_append::Answer;

    fn asked(answers: &[list_append::Answer]) -> Vec<list_append::Step> {
        let step = |answer: &list_append::Answer| match answer {
            list_append::Answer::Read(key, _) => list_append::Step::Read(key.clone()),
            list_append::Answer::Append(key, value) => list_append::Step::Append(key.clone(), value.clone()),
        };
        answers.iter().map(step).collect()
    }

    fn answered(answers: Vec<list_append::Answer>) -> Vec<list_append::Answer> {
        answers
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    Aborted,
    /// Nobody says.
    Open,
}

/// Everything in a list, in one without room to spare.
pub(super) fn taken<T>(from: &mut Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(from.len());
    exact.append(from);
    exact
}

/// A read of a register, or a write.
pub(super) fn register_step(writes: bool, key: Key, value: Value) -> rw_register::Answer {
    if writes { rw_register::Answer::Write(key, value) } else { rw_register::Answer::Read(key, Some(value)) }
}

/// The transactions of a history while they come in.
pub(super) struct Sessions<V: Transactional> {
    operations: Vec<Operation<V>>,
    named: FxHashMap<Value, Process>,
}

impl<V: Transactional> Sessions<V> {
    pub fn new() -> Self {
        Self { operations: Vec::new(), named: FxHashMap::default() }
    }

    /// The process that a session is.
    pub fn process(&mut self, name: Value) -> Result<Process, String> {
        match name {
            Value::Int(number) if (0..i64::from(NAMED_SESSIONS)).contains(&number) => {
                Ok(Process(number as u32))
            }
            name => {
                let next = u32::try_from(self.named.len()).ok().and_then(|n| n.checked_add(NAMED_SESSIONS));
                let next = Process(next.ok_or("has one session too many")?);
                Ok(*self.named.entry(name).or_insert(next))
            }
        }
    }

    /// Takes a session's next transaction, and says where it is. Nothing can be learned from an empty one.
    pub fn push(
        &mut self,
        process: Process,
        fate: Fate,
        answers: Vec<V::Answer>,
    ) -> Result<Option<usize>, String> {
        if answers.is_empty() {
            return Ok(None);
        }
        let place = self.operations.len();
        let index = OpIndex(u32::try_from(place).map_err(|_| "has one transaction too many")?);
        let call = V::asked(&answers);
        let (outcome, ended) = match fate {
            Fate::Committed => (Outcome::Ok(V::answered(answers)), Some(Nanos(u64::MAX))),
            Fate::Aborted => (Outcome::Fail(Reason::from("it was aborted")), Some(Nanos(u64::MAX))),
            Fate::Open => (Outcome::Unknown(Reason::from("no commit was recorded")), None),
        };
        let (node, began) = (NodeId(0), Nanos(0));
        self.operations.push(Operation { index, process, node, call, outcome, began, ended });
        Ok(Some(place))
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The transaction at a place.
    pub fn at(&mut self, place: usize) -> &mut Operation<V> {
        &mut self.operations[place]
    }

    /// The history.
    pub fn finish(mut self, header: &Header) -> History<V> {
        self.operations.shrink_to_fit();
        let header = Header { untimed: true, ..header.clone() };
        History { header, operations: self.operations, faults: Vec::new(), damage: None }
    }
}
