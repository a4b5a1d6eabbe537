//! Stores of single keys as registers.

use std::collections::BTreeMap;

use history::{
    History, Key, KeyValue, OpIndex, Operation, Outcome, Vocabulary,
    vocabulary::{
        Register,
        key_value::{Call as Stored, Return as Answered},
        register::{Call, Return},
    },
};

use crate::{
    Anomaly, Budget, Checker, Ladder, Validity, Verdict,
    datatypes::KeyValueState,
    sequential::objects::{self, Sessions, Shuffled},
    subject,
};

/// The most anomalies that are described.
const DESCRIBED_MAX: usize = 16;

/// The most operations that a sentence tells.
const TOLD_MAX: usize = 6;

/// Judges a store by a checker of registers.
pub(super) struct OverKeys(pub Box<dyn Checker<Register>>);

impl Checker<KeyValue> for OverKeys {
    fn name(&self) -> String {
        self.0.name()
    }

    fn weaker(&self) -> Option<Ladder<KeyValue>> {
        let level = super::level(&self.0.name())?;
        super::key_values(level.name)
    }

    fn check(&self, history: &History<KeyValue>, budget: &Budget) -> Verdict {
        let foreign = history.operations.iter().find_map(|operation| as_register(operation).err());
        match (foreign, self.0.name().as_str()) {
            (None, _) => {
                let registers = as_registers(history).expect("all calls are those of registers");
                self.0.check(&registers, budget)
            }
            (Some(_), name @ "sequential") => shuffled(name, history, false, budget),
            (Some(_), name @ "sequential-per-key") => shuffled(name, history, true, budget),
            (Some(kind), _) => Verdict {
                checker: self.name(),
                model: self.name(),
                validity: Validity::Unknown,
                notes: vec![format!(
                    "{} is judged of get, put and cas only, and there is a {kind}",
                    self.name()
                )],
                operations: history.operations.len() as u64,
                ..Verdict::default()
            },
        }
    }
}

/// The verdict about a store with other calls, of which nothing can be deduced: what is small enough is tried in every order.
fn shuffled(name: &str, history: &History<KeyValue>, per_key: bool, budget: &Budget) -> Verdict {
    let mut verdict = Verdict {
        checker: name.into(),
        model: name.into(),
        operations: history.operations.len() as u64,
        ..Verdict::default()
    };
    let mut objects: BTreeMap<Option<Key>, Vec<OpIndex>> = BTreeMap::new();
    for operation in &history.operations {
        let keys = KeyValue::keys(&operation.call);
        let key = match keys.as_slice() {
            [key] if per_key => Some(key.clone()),
            _ if per_key => {
                verdict.validity = Validity::Unknown;
                let kind = KeyValue::kind(&operation.call);
                verdict
                    .notes
                    .push(format!("{name} is judged of calls on one key each, and there is a {kind}"));
                return verdict;
            }
            _ => None,
        };
        objects.entry(key).or_default().push(operation.index);
    }
    let (sessions, mut orders) = (Sessions::new(history), Vec::new());
    for (key, operations) in &objects {
        match objects::decide::<KeyValueState>(history, &sessions, operations, budget) {
            Shuffled::Order(order) => orders.push(order),
            Shuffled::Nothing(witness) => {
                verdict.validity = Validity::Invalid;
                if verdict.anomalies.len() < DESCRIBED_MAX {
                    verdict.anomalies.push(nonsequential(history, key.clone(), witness));
                }
            }
            Shuffled::Stopped(limit) => {
                verdict.validity = verdict.validity.max(Validity::Unknown);
                let of = key.as_ref().map_or_else(|| "the store".into(), subject::part);
                verdict.notes.push(format!(
                    "{of}: only small histories of such calls can be tried in every order, and then {limit}"
                ));
                if !verdict.limits.contains(&limit) {
                    verdict.limits.push(limit);
                }
            }
        }
    }
    // Orders of single keys are no order of the whole.
    if verdict.validity == Validity::Valid && orders.len() == 1 {
        verdict.certificate = orders.pop();
    }
    verdict
}

fn nonsequential(history: &History<KeyValue>, key: Option<Key>, witness: Vec<OpIndex>) -> Anomaly {
    let told = witness.iter().take(TOLD_MAX).map(|index| {
        let operation = &history.operations[index.0 as usize];
        let call = KeyValue::describe_call(&operation.call);
        match operation.outcome.ok() {
            Some(answer) if KeyValue::is_read(&operation.call) => {
                let answer = KeyValue::describe_return(&operation.call, answer);
                format!("`{call}` by {} returned {answer}", operation.process)
            }
            _ => format!("`{call}` by {}", operation.process),
        }
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let more = witness.len().saturating_sub(TOLD_MAX);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let sentence =
        format!("no order of all calls that keeps the order of each session explains these: {told}{more}");
    Anomaly { kind: "nonsequential".into(), sentence, key, witness, ..Anomaly::default() }
}

/// A store of which only single keys were read, put and compared, as registers.
pub fn as_registers(history: &History<KeyValue>) -> Option<History<Register>> {
    let operations: Result<Vec<_>, _> = history.operations.iter().map(as_register).collect();
    Some(History {
        header: history.header.clone(),
        operations: operations.ok()?,
        faults: history.faults.clone(),
        damage: history.damage.clone(),
    })
}

/// The operation as one on a register; the kind of its call where there is none like it.
fn as_register(operation: &Operation<KeyValue>) -> Result<Operation<Register>, &'static str> {
    let call = match &operation.call {
        Stored::Get(key) => Call::Read(key.clone()),
        Stored::Put(key, to) => Call::Write(key.clone(), to.clone()),
        Stored::Cas(key, from, to) => Call::Cas(key.clone(), from.clone(), to.clone()),
        other => return Err(KeyValue::kind(other)),
    };
    let outcome = match &operation.outcome {
        Outcome::Ok(Answered::Value(value)) => Outcome::Ok(Return::Value(value.clone())),
        Outcome::Ok(Answered::Swapped) => Outcome::Ok(Return::Swapped),
        Outcome::Ok(Answered::Refused) => Outcome::Ok(Return::Refused),
        // An answer that belongs to no call of a register stays one that does not belong to its call.
        Outcome::Ok(Answered::Done) => Outcome::Ok(Return::Written),
        Outcome::Ok(_) if matches!(call, Call::Write(..)) => Outcome::Ok(Return::Refused),
        Outcome::Ok(_) => Outcome::Ok(Return::Written),
        Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
        Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
    };
    Ok(Operation {
        index: operation.index,
        process: operation.process,
        node: operation.node,
        call,
        outcome,
        began: operation.began,
        ended: operation.ended,
    })
}
