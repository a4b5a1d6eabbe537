//! Stores of single keys as registers.

use history::{
    History, KeyValue, Operation, Outcome, Vocabulary,
    vocabulary::{
        Register,
        key_value::{Call as Stored, Return as Answered},
        register::{Call, Return},
    },
};

use crate::{Budget, Checker, Validity, Verdict};

/// Judges a store by a checker of registers.
pub(super) struct OverKeys(pub Box<dyn Checker<Register>>);

impl Checker<KeyValue> for OverKeys {
    fn name(&self) -> String {
        self.0.name()
    }

    fn check(&self, history: &History<KeyValue>, budget: &Budget) -> Verdict {
        let operations: Result<Vec<Operation<Register>>, &'static str> =
            history.operations.iter().map(as_register).collect();
        match operations {
            Ok(operations) => {
                let history = History {
                    header: history.header.clone(),
                    operations,
                    faults: history.faults.clone(),
                    damage: history.damage.clone(),
                };
                self.0.check(&history, budget)
            }
            Err(kind) => Verdict {
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
